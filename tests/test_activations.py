"""Activations: values and derivatives against torch, extremes without warnings."""

import numpy as np
import pytest
from tools import assert_same_bits

from gru_c import activations

NAMES = sorted(activations.ACTIVATIONS)
X = np.random.default_rng(0).normal(size=(4, 5)) * 2
DY = np.random.default_rng(1).normal(size=(4, 5))


def torch_function(torch, name):
    functional = torch.nn.functional
    return {
        "linear": lambda x: x,
        "softmax": lambda x: torch.softmax(x, -1),
        "exponential": torch.exp,
        # torch's own hardsigmoid has 1/6 in float32 in its derivative
        "hard_sigmoid": lambda x: functional.relu6(x + 3) / 6,
        "leaky_relu": lambda x: functional.leaky_relu(x, 0.2),
        "log_softmax": lambda x: functional.log_softmax(x, -1),
        "log_sigmoid": functional.logsigmoid,
        "hard_tanh": functional.hardtanh,
        "hard_silu": functional.hardswish,
    }.get(name) or getattr(functional, name)


@pytest.mark.parametrize("name", NAMES)
def test_against_torch(name):
    torch = pytest.importorskip("torch")
    x = torch.tensor(X * 2, requires_grad=True)
    y = torch_function(torch, name)(x)
    y.backward(torch.tensor(DY))
    activation = activations.get(name)
    ours = activation.forward(X * 2)
    np.testing.assert_allclose(ours, y.detach().numpy(), rtol=1e-12, atol=1e-15)
    dx = activation.gradient(activation.keep(X * 2, ours), DY)
    np.testing.assert_allclose(dx, x.grad.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_derivative_by_finite_differences(name):
    activation, step = activations.get(name), 1e-6
    difference = np.empty_like(X)
    for index in np.ndindex(X.shape):
        shift = np.zeros_like(X)
        shift[index] = step
        dy = activation.forward(X + shift) - activation.forward(X - shift)
        difference[index] = (dy * DY).sum() / (2 * step)
    dx = activation.gradient(activation.keep(X, activation.forward(X)), DY)
    np.testing.assert_allclose(dx, difference, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_keeps_dtype_and_arguments(name, dtype):
    x, dy = X.astype(dtype), DY.astype(dtype)
    activation = activations.get(name)
    y = activation.forward(x)
    y_before = y.copy()
    dx = activation.gradient(activation.keep(x, y), dy)
    assert y.dtype == dx.dtype == dtype
    np.testing.assert_array_equal(x, X.astype(dtype))
    np.testing.assert_array_equal(dy, DY.astype(dtype))
    np.testing.assert_array_equal(y, y_before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("sigmoid", (0, 0, 0.5, 1, 1)),
        ("tanh", (-1, -1, 0, 1, 1)),
        ("softsign", (-1, -1, 0, 1, 1)),
        ("hard_sigmoid", (0, 0, 0.5, 1, 1)),
    ],
)
def test_extremes_without_warnings(name, limits, dtype):
    big = np.finfo(dtype).max
    x = np.array([-np.inf, -big, 0, big, np.inf], dtype)
    np.testing.assert_array_equal(activations.get(name).forward(x), np.array(limits, dtype))


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softsign"])
def test_nan_stays_nan(name):
    assert np.isnan(activations.get(name).forward(np.array([np.nan]))).all()


def test_sigmoid_keeps_the_digits_of_small_values():
    x = np.array([-50.0, -700.0])
    np.testing.assert_allclose(activations.sigmoid(x), np.exp(x), rtol=1e-14)


@pytest.mark.parametrize("dtype", ["bool", "int64", ">f8", "float16"])
def test_sigmoid_and_tanh_refuse_what_the_core_cannot_read(dtype):
    for function in (activations.sigmoid, activations.tanh):
        with pytest.raises(TypeError, match=f"for float32 and float64, got {dtype}"):
            function(np.ones(15, dtype))


@pytest.mark.parametrize("shape", [(0,), (1,), (5,), (2, 3), (1, 1, 1)], ids=str)
@pytest.mark.parametrize("kernel", [activations.sigmoid, activations.tanh])
def test_sigmoid_and_tanh_read_arrays_of_any_layout(kernel, shape):
    plain = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    record = np.zeros(shape, [("odd address", "i1"), ("values", np.float32)])
    record["values"] = plain
    wide = np.repeat(plain, 2, axis=-1)
    for x in (record["values"], wide[..., ::2], np.asfortranarray(plain), plain[::-1][::-1]):
        assert_same_bits(kernel(x), kernel(plain))


def test_softmax_and_softplus_of_large_numbers():
    x = np.array([[1e4, 1e4 + 1], [-1e4, -np.inf]])
    y = activations.softmax(x)
    np.testing.assert_allclose(y, [[1 / (1 + np.e), np.e / (1 + np.e)], [1, 0]], rtol=1e-12)
    np.testing.assert_array_equal(activations.get("softplus").forward(x), [x[0], [0, 0]])


def test_a_derivative_of_the_input_is_not_taken_of_the_output():
    with pytest.raises(ValueError, match="follows from its input"):
        activations.get("gelu").backward(X, DY)


def test_get():
    assert activations.get(None).name == "linear"
    tanh = activations.get("Tanh")
    assert activations.get(tanh) is tanh
    with pytest.raises(ValueError, match="unknown activation 'sigmod'; did you mean 'sigmoid'"):
        activations.get("sigmod")
    with pytest.raises(TypeError, match="activation must be a name"):
        activations.get(np.tanh)
