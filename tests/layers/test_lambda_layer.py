"""The layer that calls a function of the user."""

import copy

import numpy as np
import pytest

import gru_c.interop.keras
from gru_c import GRU, Activation, Dense, Lambda, Masking, Sequential, TimeDistributed, activations

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4, 3)), RNG.normal(size=(6, 1))
TIMES_TEN = activations.Activation("times_ten", lambda x: 10 * x, lambda y, dy: 10 * dy)


@pytest.mark.parametrize(
    ("function", "x", "shape"),
    [
        (lambda x: x * 2, X, (None, None, 3)),
        (lambda x: x[..., None], X[:, 0], (None, 3, 1)),
        (lambda x: x[:, -1], X, (None, 3)),
        (lambda x: np.mean(x, axis=1), X, (None, 3)),
        (np.expm1, X, (None, None, 3)),
        (lambda x: np.concatenate([x, x], axis=-1), X, (None, None, 6)),
    ],
)
def test_the_shape_of_the_output_is_that_of_the_function(function, x, shape):
    layer = Lambda(function)
    np.testing.assert_allclose(layer(x), function(x.astype(np.float32)), rtol=1e-6)
    open_shape = (None, None, 3) if x.ndim == 3 else (None, 3)
    assert layer.compute_output_shape(open_shape) == shape


def test_a_shape_may_be_given():
    assert Lambda(np.abs, (4, 3)).compute_output_shape((8, 4, 3)) == (8, 4, 3)
    layer = Lambda(lambda x: x[:, ::2], lambda shape: (shape[0], 2, shape[2]))
    assert layer.compute_output_shape((None, 4, 3)) == (None, 2, 3)


def test_the_function_gets_its_arguments():
    def function(x, factor, training=False, mask=None):
        return x * factor + training + (0 if mask is None else mask[..., None])

    options = {"arguments": {"factor": 3}, "mask": lambda x, mask: mask}
    layer = Lambda(function, **options, dtype="float64")
    np.testing.assert_allclose(layer(X), 3 * X)
    np.testing.assert_allclose(layer(X, training=True), 3 * X + 1)
    np.testing.assert_allclose(layer(X, mask=np.ones((6, 4), bool)), 3 * X + 1)


def test_a_function_before_the_weights_trains():
    model = Sequential([Lambda(lambda x: x[..., None], input_shape=(3,)), GRU(4), Dense(1)], seed=0)
    plain = Sequential([GRU(4, input_shape=(3, 1)), Dense(1)], seed=0)
    for each, x in ((model, X[:, 0]), (plain, X[:, 0, :, None])):
        each.compile("sgd", "mse")
        each.fit(x, Y, epochs=2, verbose=0)
    for a, b in zip(model.get_weights(), plain.get_weights(), strict=True):
        assert (a == b).all()


@pytest.mark.parametrize("last", [False, True])
def test_a_function_that_would_be_differentiated_is_refused_before_training(last):
    layer = Lambda(lambda x: np.fft.fft(x).real)
    layer = layer if last else TimeDistributed(layer)
    layers = [Dense(2), layer] if last else [GRU(3, return_sequences=True), layer, GRU(1)]
    model = Sequential(layers, seed=0)
    model.compile("sgd", "mse")
    x = X[:, 0] if last else X
    before = model(x)
    for train in (lambda: model.fit(x, before, verbose=0), lambda: model.train_on_batch(x, before)):
        with pytest.raises(
            TypeError, match=r"does not differentiate '<lambda>'.*functions of gru_c\.ops"
        ):
            train()
    assert (model(x) == before).all()
    model.layers[0].trainable = False
    if last:
        with pytest.warns(UserWarning, match="training will change nothing"):
            model.fit(x, before, verbose=0)


@pytest.mark.parametrize(
    ("function", "same_as"),
    [
        (activations.tanh, Activation("tanh")),
        (activations.get("relu"), Activation("relu")),
        (TIMES_TEN, Activation(TIMES_TEN)),
    ],
)
def test_activations_are_differentiated(function, same_as):
    models = []
    for layer in (Lambda(function), same_as):
        model = Sequential([Dense(4, input_shape=(3,)), layer, Dense(1)], seed=0)
        model.compile("sgd", "mse")
        model.fit(X[:, 0], Y, epochs=2, verbose=0)
        models.append(model)
    for a, b in zip(*(model.get_weights() for model in models), strict=True):
        assert (a == b).all()


def test_masks_pass_as_the_argument_says():
    x = X.copy()
    x[:, 2:] = 0
    mask = (x != 0).any(-1)
    assert Lambda(np.abs, mask=lambda x, mask: mask).compute_mask(x, mask) is mask
    assert Lambda(np.abs, mask=mask).compute_mask(x) is mask
    with pytest.warns(UserWarning, match="gets a mask and passes none on"):
        Lambda(np.abs)(x, mask=mask)
    assert Lambda(np.abs).compute_mask(x, mask) is None
    passing = Sequential(
        [Masking(), Lambda(lambda x: x * 2, mask=lambda x, mask: mask), GRU(2)], seed=0
    )
    plain = Sequential([Masking(), GRU(2)], seed=0)
    np.testing.assert_allclose(passing(x), plain(2 * x), rtol=1e-6)


def test_a_file_does_not_hold_a_function(tmp_path):
    model = Sequential([Lambda(np.abs, input_shape=(3,)), Dense(1)])
    with pytest.raises(
        ValueError, match=r"'lambda' .*function is .*cannot be saved: make the model"
    ):
        model.save(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"'lambda' \(Lambda\)"):
        gru_c.interop.keras.save(model, tmp_path / "model.keras")
    assert not list(tmp_path.iterdir())
    again = copy.deepcopy(model)
    assert (again(X[:, 0]) == model(X[:, 0])).all()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Lambda(3), TypeError, "must be callable, got 3"),
        (lambda: Lambda("tanh"), TypeError, "must be callable"),
        (lambda: Lambda(np.abs, arguments=3), TypeError, "arguments must be a dict"),
        (lambda: Lambda(np.abs, output_shape=3), TypeError, "output_shape"),
        (lambda: Lambda(lambda x: x[0])(X), ValueError, "must return an array with 6 samples"),
        (lambda: Lambda(lambda x: x @ np.ones((9, 9)))(X), ValueError, "raises ValueError"),
        (lambda: Lambda(lambda x: x * 1j)(X), ValueError, "real numbers"),
    ],
)
def test_bad_functions_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
