"""gru_c.ops beside keras.ops: signatures, values, dtypes, and gradients by PyTorch."""

import inspect

import numpy as np
import pytest
from keras_peer import keras, torch
from ops_cases import CASES, FORMS, normal

from gru_c import ops
from gru_c.ops.tape import Tape

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

TWO = normal(2, 3), normal(2, 3)[::-1].copy() + 0.07


def ours(function, arrays):
    tape = Tape()
    tensors = [tape.tensor(x) for x in arrays]
    with tape:
        y = function(ops, *tensors)
    d = np.cos(np.arange(y.size)).reshape(y.shape)
    return y.value, tape.gradients(y, d, tensors), d


def theirs(function, arrays, d):
    tensors = [torch.tensor(x, requires_grad=True) for x in arrays]
    y = function(keras.ops, *tensors)
    y.backward(torch.tensor(d))
    return y.detach().numpy(), [t.grad.numpy() for t in tensors]


def compare(function, arrays):
    value, gradients, d = ours(function, arrays)
    wanted, wanted_gradients = theirs(function, arrays, d)
    # Keras computes some functions in float32; finite differences are the exact witness.
    rtol = 1e-6 if wanted.dtype == np.float64 else 1e-4
    np.testing.assert_allclose(value, wanted, rtol=rtol, atol=1e-2 * rtol)
    for gradient, expected in zip(gradients, wanted_gradients, strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=10 * rtol, atol=rtol)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[2]}")
def test_values_and_gradients(case):
    name, arrays, arguments = case
    compare(lambda library, *xs: getattr(library, name)(*xs, **arguments), arrays)


@pytest.mark.parametrize("name", FORMS)
def test_values_and_gradients_of_other_forms(name):
    compare(FORMS[name], TWO)


def test_equal_elements_share_the_gradient():
    x = np.array([[1.0, 2.0, 2.0], [0.0, 0.0, 0.0]])
    for name in ("max", "min"):
        compare(lambda library, a, name=name: getattr(library, name)(a, axis=1), [x])
    for name in ("maximum", "minimum"):
        compare(lambda library, a, b, name=name: getattr(library, name)(a, b), [x, x.copy()])


def test_gradients_at_the_edges():
    x = np.array([[0.0, 0.0, 3.0], [0.0, 2.0, 0.0]])
    compare(lambda library, a: library.prod(a, axis=1), [x])
    compare(lambda library, a: library.norm(a, axis=0), [x])
    compare(lambda library, a: library.power(a, 2.0), [x])
    compare(lambda library, a: library.clip(a, 0.0, 2.0), [x])
    compare(lambda library, a: library.abs(a) + library.relu(a), [x])


@pytest.mark.parametrize("name", ops.__all__)
def test_arguments_are_those_of_keras(name):
    function = getattr(keras.ops, name, None)
    assert function is not None, f"keras.ops has no {name}"
    wanted, got = (
        list(inspect.signature(f).parameters.values()) for f in (function, getattr(ops, name))
    )
    wanted = [
        p for p in wanted if p.kind is not p.VAR_KEYWORD and p.name not in ("sparse", "ragged")
    ]
    got = [p for p in got if p.name != "sparse"]
    assert [p.name for p in got] == [p.name for p in wanted]
    assert [p.default for p in got] == [p.default for p in wanted]


def same_dtype(got, wanted):
    """Return True for the dtype of Keras, which makes some results of 64 bits smaller."""
    got, wanted = np.asarray(got).dtype, wanted.numpy().dtype
    return got == wanted or (got.kind == wanted.kind and (got.itemsize, wanted.itemsize) == (8, 4))


DTYPES = ("float32", "float64", "int32", "int64", "bool", "uint8")


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(dtype):
    x = np.array([[1, 0, 2], [3, 1, 1]]).astype(dtype)
    one = [
        "exp",
        "sqrt",
        "log1p",
        "abs",
        "negative",
        "square",
        "sign",
        "floor",
        "relu",
        "sigmoid",
        "tanh",
        "softmax",
        "sum",
        "mean",
        "max",
        "min",
        "var",
        "std",
        "argmax",
        "argsort",
        "cumsum",
        "any",
        "all",
        "isnan",
        "logical_not",
        "logsumexp",
        "norm",
        "zeros_like",
        "count_nonzero",
        "prod",
        "sort",
    ]
    if dtype == "bool":
        one = [
            n
            for n in one
            if n
            not in [
                "negative",
                "relu",
                "sigmoid",
                "tanh",
                "softmax",
                "sign",
                "cumsum",
                "abs",
                "max",
                "min",
                "norm",
                "logsumexp",
                "sort",
                "square",
                "floor",
            ]
        ]
    if dtype == "uint8":
        one.remove("negative")
    if dtype == "uint8":
        one = [n for n in one if n not in ("cumsum", "prod")]  # Keras keeps 8 bits there
    if dtype.startswith(("int", "uint")):  # PyTorch has them for floats alone
        one = [
            n for n in one if n not in ["relu", "sigmoid", "softmax", "norm", "logsumexp", "floor"]
        ]
    for name in one:
        wanted, got = getattr(keras.ops, name)(x), getattr(ops, name)(x)
        assert same_dtype(got, wanted), name
        np.testing.assert_allclose(got, wanted.numpy(), rtol=1e-6, err_msg=name)
    for other in (2, 2.5, np.ones(3, "float32"), np.ones(3, "int32"), np.float32(2)):
        for name in ("add", "multiply", "divide", "maximum", "power", "greater", "equal"):
            if name == "power" and dtype in ("bool", "uint8"):
                continue
            wanted, got = getattr(keras.ops, name)(x, other), getattr(ops, name)(x, other)
            assert same_dtype(got, wanted), (name, other)
            np.testing.assert_allclose(got, wanted.numpy(), rtol=1e-6, err_msg=name)


def test_lists_and_numbers_become_arrays_of_32_bits():
    for x in (1, 2.0, [1, 2], [1.0, 2.0]):
        for name in ("add", "divide"):
            wanted, got = getattr(keras.ops, name)(x, x), getattr(ops, name)(x, x)
            assert got.dtype.name == str(wanted.dtype).removeprefix("torch.")
    assert ops.arange(3).dtype == np.int32
    assert ops.arange(3.0).dtype == np.float32
    assert ops.one_hot(np.array([1]), 2).dtype == np.float32
