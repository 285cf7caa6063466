"""Functions that return values, as for Keras: their gradients, weights and masks."""

import numpy as np
import pytest
from loss_cases import differences

from gru_c import GRU, Dense, Masking, Sequential, losses, ops

RNG = np.random.default_rng(4)
P, Y = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 3))


def own_mse(y_true, y_pred):
    return ops.mean(ops.square(y_pred - y_true), axis=-1)


def one_number(y_true, y_pred):
    return ops.mean((y_pred - y_true) ** 2)


FUNCTIONS = {
    "own": own_mse,
    "number": one_number,
    "elements": lambda y, p: ops.abs(p - y),
    "huber and a penalty": lambda y, p: losses.huber(y, p) + 0.1 * ops.sum(ops.abs(p), axis=-1),
    "an object": lambda y, p: (
        losses.LogCosh()(y, p) + losses.MeanSquaredError(reduction="sum")(y, p)
    ),
    "pinball": lambda y, p: ops.maximum(0.9 * (y - p), -0.1 * (y - p)),
    "numpy": lambda y, p: np.mean(np.log1p(np.exp(p - y))),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients(name):
    loss = losses.get(FUNCTIONS[name])
    value, gradient = loss.value_and_gradient(Y, P)
    assert value == loss(Y, P)
    np.testing.assert_allclose(gradient, differences(lambda q: loss(Y, q), P), rtol=1e-6, atol=1e-9)


def test_a_function_equals_the_loss_of_the_library_with_weights_and_masks():
    own, known = losses.get(own_mse), losses.MeanSquaredError()
    y, p = RNG.normal(size=(4, 5, 2)), RNG.normal(size=(4, 5, 2)).astype(np.float32)
    weights, steps = RNG.uniform(size=4), RNG.uniform(size=(4, 5))
    mask = RNG.uniform(size=(4, 5)) > 0.4
    for weight in (None, weights, steps):
        for m in (None, mask):
            value, gradient = own.value_and_gradient(y, p, weight, mask=m)
            wanted, wanted_gradient = known.value_and_gradient(y, p, weight, mask=m)
            assert gradient.dtype == np.float32
            np.testing.assert_allclose(value, wanted, rtol=1e-6)
            np.testing.assert_allclose(gradient, wanted_gradient, rtol=1e-5, atol=1e-8)
            np.testing.assert_allclose(own(y, p, weight, m), wanted, rtol=1e-6)


def test_targets_get_the_axis_that_they_lack():
    value, gradient = losses.get(own_mse).value_and_gradient([1, 2, 4], np.zeros((3, 1), "f"))
    assert value == 7
    np.testing.assert_allclose(gradient[:, 0], [-2 / 3, -4 / 3, -8 / 3], rtol=1e-6)


def test_missing_steps_may_hold_nan():
    y = np.array([[[1.0], [np.nan]]])
    mask = np.array([[True, False]])
    value, gradient = losses.get(own_mse).value_and_gradient(y, np.zeros((1, 2, 1)), mask=mask)
    assert value == 1
    assert gradient[0, 0, 0] == -2


def test_training_with_a_function_gives_the_weights_of_the_loss():
    x, y = RNG.normal(size=(20, 4, 2)).astype("f"), RNG.normal(size=20)
    x[:, 2:] *= RNG.uniform(size=(20, 1, 1)) > 0.5
    weights = []
    for loss in ("mse", own_mse):
        layers = [Masking(input_shape=(4, 2)), GRU(3), Dense(1)]
        model = Sequential(layers, seed=1)
        model.compile("adam", loss, metrics=[own_mse])
        model.fit(x, y, sample_weight=np.arange(20), epochs=2, batch_size=8, verbose=0)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_a_metric_that_returns_values_is_averaged():
    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse", metrics=[own_mse])
    loss, metric = model.evaluate(RNG.normal(size=(9, 2)), RNG.normal(size=9), verbose=0)
    np.testing.assert_allclose(metric, loss, rtol=1e-6)


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        (lambda y, p: p if p[0, 0] > 0 else y, TypeError, r"ops\.where.*line"),
        (lambda y, p: ops.mean(y), None, ""),
        (lambda y, p: p > y, TypeError, "got booleans"),
        (lambda y, p: 1.0, TypeError, "got float"),
        (lambda y, p: ops.log(p - 1e9), None, ""),
        (lambda y, p: abs(p - y).mean(), AttributeError, "write ops.mean"),
    ],
)
def test_what_a_function_may_return(function, error, words):
    loss = losses.get(function)
    if error is None:
        assert loss.value_and_gradient(Y, P)[1].shape == P.shape
        return
    with pytest.raises(error, match=words):
        loss.value_and_gradient(Y, P)


def test_weights_for_a_function_that_returns_one_number_are_refused():
    for arguments in ({"sample_weight": np.ones(6)}, {"mask": np.ones(6, bool)}):
        with pytest.raises(ValueError, match="must return one for each of the 6 samples"):
            losses.get(one_number).value_and_gradient(Y, P, **arguments)


def test_weights_inside_a_function_are_refused():
    loss = losses.get(lambda y, p: losses.MeanSquaredError()(y, p, np.ones(6)))
    with pytest.raises(ValueError, match="reduction=None"):
        loss.value_and_gradient(Y, P)
