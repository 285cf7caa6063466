"""Functions and classes of users as losses."""

import numpy as np
import pytest
from loss_cases import C, N, T, data, differences, every_shape

from gru_c import losses


def cube(y, p):
    return float(((p - y) ** 3).sum()), 3 * (p - y) ** 2


def test_function_as_a_loss():
    loss = losses.get(cube)
    p = np.array([[1.0], [2.0]], np.float32)
    value, gradient = loss.value_and_gradient(np.zeros((2, 1)), p)
    assert (value, loss.name, gradient.dtype) == (9.0, "cube", np.float32)
    np.testing.assert_array_equal(gradient, [[3], [12]])
    assert loss(np.zeros((2, 1)), p) == 9.0
    assert loss.check([1, 2], (2, 7))[0].shape == (2,)
    assert loss.value_and_gradient(np.zeros((0, 1)), np.zeros((0, 1)))[0] == 0.0


@pytest.mark.parametrize(
    ("function", "call", "error", "message"),
    [
        (cube, lambda f: f.check([1], (2, 1)), ValueError, r"expects y of 2 samples, got \(1,\)"),
        (cube, lambda f: f.check([1], (1, 1), [1]), ValueError, "takes no sample_weight"),
        (cube, lambda f: f([1], [[1]], [1]), ValueError, "takes no sample_weight"),
        (cube, lambda f: losses.serialize(f), TypeError, "'cube' is a function"),
        (
            lambda y, p: 1.0,
            lambda f: f([1], [[1]]),
            TypeError,
            "must return what functions of gru_c.ops.*got float",
        ),
        (lambda y, p: (p, p), lambda f: f([1], [[1]]), TypeError, "one number and its gradient"),
        (lambda y, p: (None, p), lambda f: f([1], [[1]]), TypeError, "a number, got None"),
        (lambda y, p: (1, p - y), lambda f: f([1, 2], [[1], [2]]), ValueError, "each with all o"),
        (lambda y, p: (1.0, p[0]), lambda f: f([1], [[1]]), ValueError, r"\(1, 1\), got \(1,\)"),
    ],
)
def test_function_refuses(function, call, error, message):
    loss = losses.get(function)
    with pytest.raises(error, match=message):
        call(loss)


def test_a_users_own_class():
    class Cosh(losses.Loss):
        def per_sample(self, y_true, y_pred):
            return (np.cosh(y_pred - y_true) - 1).sum(axis=-1)

        def per_sample_gradient(self, y_true, y_pred):
            return np.sinh(y_pred - y_true)

    y, p = data(losses.MeanSquaredError(), (N, C))
    loss = losses.get(Cosh())
    gradient = loss.value_and_gradient(y, p, np.arange(N))[1]
    expected = differences(lambda q: loss(y, q, np.arange(N)), p)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-9)
    assert loss.name == "cosh"


# ---- results of users' classes and functions ----------------------------------------------------


class Squared(losses.Loss):
    """The mean squared error, with one method replaced by a test's function."""

    def __init__(self, **methods):
        self._methods = {
            "per_sample": lambda y, p: ((p - y) ** 2).mean(axis=-1),
            "per_sample_gradient": lambda y, p: 2 * (p - y) / p.shape[-1],
            **methods,
        }

    def get_config(self):
        return {}

    def per_sample(self, y_true, y_pred):
        return self._methods["per_sample"](y_true, y_pred)

    def per_sample_gradient(self, y_true, y_pred):
        return self._methods["per_sample_gradient"](y_true, y_pred)


class SquaredBeforeSigmoid(Squared):
    paired_activation = "sigmoid"

    def pre_activation_gradient(self, y_true, y_pred):
        return self._methods["pre_activation_gradient"](y_true, y_pred)


@every_shape
def test_a_class_of_a_user_gives_the_numbers_of_the_same_class_here(shape):
    y, p = data(losses.MeanSquaredError(), shape)
    weight = np.arange(1.0, N + 1)
    value, gradient = Squared().value_and_gradient(y, p, weight)
    wanted, wanted_gradient = losses.MeanSquaredError().value_and_gradient(y, p, weight)
    assert value == wanted
    np.testing.assert_array_equal(gradient, wanted_gradient)


@pytest.mark.parametrize("shape", [(N, 2), (N, T, C)], ids=str)
@pytest.mark.parametrize(
    "values",
    [
        lambda y, p: (p - y) ** 2,
        lambda y, p: ((p - y) ** 2).mean(axis=-1, keepdims=True),
        lambda y, p: ((p - y) ** 2).mean(),
        lambda y, p: float(((p - y) ** 2).mean()),
        lambda y, p: ((p - y) ** 2).mean(axis=-1)[:-1],
        lambda y, p: ((p - y) ** 2).mean(axis=0),
    ],
)
def test_values_that_are_not_one_a_sample_are_refused(shape, values):
    y, p = data(losses.MeanSquaredError(), shape)
    loss = Squared(per_sample=values)
    message = r"^loss 'squared': Squared\.per_sample must return an array of shape "
    for call in (loss.value_and_gradient, loss, loss.sample_values):
        with pytest.raises(ValueError, match=message):
            call(y, p)
    with pytest.raises(ValueError, match=message):
        loss.value_and_gradient(y, p, np.ones(N))


@pytest.mark.parametrize(
    "slopes",
    [
        lambda y, p: 1.0,
        lambda y, p: (p - y).sum(axis=-1),
        lambda y, p: (p - y).sum(axis=-1, keepdims=True),
        lambda y, p: (p - y)[:1],
        lambda y, p: (p - y).T,
    ],
)
@pytest.mark.parametrize("method", ["per_sample_gradient", "pre_activation_gradient"])
def test_a_gradient_of_another_shape_is_refused(slopes, method):
    y, p = data(losses.MeanSquaredError(), (N, 2))
    loss = SquaredBeforeSigmoid(**{method: slopes})
    logits = method == "pre_activation_gradient"
    with pytest.raises(ValueError, match=rf"SquaredBeforeSigmoid\.{method} must return .*\(4, 2\)"):
        loss.value_and_gradient(y, p, logits=logits)


@pytest.mark.parametrize(
    "result", [lambda y, p: (p - y) * 1j, lambda y, p: "much", lambda y, p: None]
)
def test_results_that_are_not_real_numbers_are_refused(result):
    y, p = data(losses.MeanSquaredError(), (N, 2))
    for method in ("per_sample", "per_sample_gradient"):
        with pytest.raises(TypeError, match=rf"Squared\.{method} must return real numbers, got"):
            Squared(**{method: result}).value_and_gradient(y, p)
    with pytest.raises(TypeError, match="loss '<lambda>', as the gradient, must return real"):
        losses.FunctionLoss(lambda y, p: (0.0, result(y, p))).value_and_gradient(y, p)


@pytest.mark.parametrize("value", [np.complex128(1 + 1j), 1j, np.array(2j)])
def test_a_complex_value_of_a_function_is_refused(value):
    y, p = data(losses.MeanSquaredError(), (N, 2))
    with pytest.raises(TypeError, match="must return a number"):
        losses.FunctionLoss(lambda y, p: (value, p)).value_and_gradient(y, p)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_is_named_where_the_loss_is_finite(bad):
    y, p = data(losses.MeanSquaredError(), (N, 2))

    def slopes(y, p):
        gradient = p - y
        gradient[2, 1] = bad
        return gradient

    def edge(y, p):
        return 0.25, slopes(y, p)

    with pytest.raises(
        FloatingPointError, match=r"loss 'edge' returned .* at \[2, 1\], .* of 0.25"
    ):
        losses.get(edge).value_and_gradient(y, p)
    assert losses.get(edge)(y, p) == 0.25  # an evaluation has no use for it
    with pytest.raises(FloatingPointError, match=r"Squared\.per_sample_gradient returned"):
        Squared(per_sample_gradient=slopes).value_and_gradient(y, p)


def test_a_gradient_of_missing_targets_is_left_to_the_value_that_shows_them():
    y, p = data(losses.MeanSquaredError(), (N, 2))
    y[1, 0] = np.nan
    for loss in (Squared(), losses.get(lambda y, p: (((p - y) ** 2).mean(), (p - y) / N))):
        value, gradient = loss.value_and_gradient(y, p)
        assert np.isnan(value)
        assert np.isnan(gradient[1, 0])


@pytest.mark.parametrize("which", ["y", "p"])
@pytest.mark.parametrize("shape", [(N, 1), (N, 2), (N,)], ids=str)
def test_a_user_cannot_change_targets_and_predictions_in_place(which, shape):
    p = np.full((N, 1) if shape == (N,) else shape, 2.0)
    y = np.ones(shape)

    def in_place(y, p):
        array = y if which == "y" else p
        array *= 2
        return 0.0, p

    calls = [losses.get(in_place).value_and_gradient]
    if shape != (N,):
        calls.append(Squared(per_sample=in_place).value_and_gradient)
        calls.append(Squared(per_sample_gradient=in_place).value_and_gradient)
        calls.append(Squared(per_sample=in_place).sample_values)
    for call in calls:
        with pytest.raises(ValueError, match="read-only"):
            call(y, p)
    assert (y == 1).all()
    assert (p == 2).all()
    assert y.flags.writeable


def test_an_object_that_is_called_is_named_after_its_class():
    class HalfSquares:
        def __call__(self, y, p):
            return ((p - y) ** 2).sum() / 2, p - y

    assert losses.get(HalfSquares()).name == "half_squares"
