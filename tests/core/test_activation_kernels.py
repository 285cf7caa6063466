"""The core's sigmoid and tanh, on every instruction set: accuracy, special values, tails.

And the accuracy of softplus and elu, which only cells have.
"""

from functools import cache

import numpy as np
import pytest
from tools import assert_same_bits

from gru_c import _core, gru_forward

DTYPES = [np.float32, np.float64]
BITS = {np.float32: np.uint32, np.float64: np.uint64}
KERNELS = {"sigmoid": _core.sigmoid, "tanh": _core.tanh}
# In units in the last place; src_c/kernels/activation.inc has the measured errors.
MAX_ULP = {np.float32: 4, np.float64: 8}
# From here on tanh is 1, sigmoid is 1, and sigmoid of the negative number is 0.
TANH_IS_1 = {np.float32: 9.02, np.float64: 19.07}
SIGMOID_IS_1 = {np.float32: 17.33, np.float64: 37.43}
SIGMOID_IS_0 = {np.float32: 104.0, np.float64: 745.2}

pytestmark = pytest.mark.usefixtures("isa")
both_dtypes = pytest.mark.parametrize("dtype", DTYPES)
both_kernels = pytest.mark.parametrize("name", KERNELS)


def call(name, x):
    if name not in KERNELS:
        return by_a_cell(name, x)
    out = np.empty_like(x)
    KERNELS[name](x, out)
    return out


def by_a_cell(name, x):
    """The activation of finite numbers, as the states of cells whose z is 0 and whose n is it."""
    H, columns = 16, np.resize(x, (-(-len(x) // 16), 1, 16))
    kernel = np.concatenate([np.zeros((H, 2 * H)), np.eye(H)], axis=1).astype(x.dtype)
    bias = np.zeros((2, 3 * H), x.dtype)
    bias[0, :H] = -np.inf
    state = gru_forward(columns, kernel, 0 * kernel, bias, activation=name).state
    return state.ravel()[: len(x)]


def reference(name, x):
    x = x.astype(np.longdouble)
    with np.errstate(over="ignore", under="ignore"):
        if name == "elu":
            return np.where(x < 0, np.expm1(x), x)
        if name == "softplus":
            return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
        return np.tanh(x) if name == "tanh" else 1 / (1 + np.exp(-x))


def around(dtype, value, count=2000):
    """The `count` numbers before and after a positive one, in order."""
    middle = int(np.array(value, dtype).view(BITS[dtype]))
    first = max(middle - count, 0)
    return np.arange(first, middle + count, dtype=BITS[dtype]).view(dtype)


@cache
def sweep(dtype):
    """Return finite numbers of both signs: every k-th bit pattern, and those near bends."""
    largest = int(np.array(np.finfo(dtype).max).view(BITS[dtype]))
    every_kth = np.arange(0, largest, largest // 150_001, dtype=BITS[dtype]).view(dtype)
    parts = [every_kth, np.array([np.finfo(dtype).max], dtype)]
    parts += [np.linspace(0, end, 80_000).astype(dtype) for end in (1, 10, 40, 760)]
    places = (0, np.finfo(dtype).tiny, 2**-12, np.log(2) / 2, 1, TANH_IS_1[dtype])
    parts += [around(dtype, p) for p in (*places, SIGMOID_IS_1[dtype], SIGMOID_IS_0[dtype])]
    magnitudes = np.concatenate(parts)
    return np.concatenate([-magnitudes, magnitudes])


@cache
def sweep_reference(dtype, name):
    return reference(name, sweep(dtype))


@both_dtypes
@pytest.mark.parametrize("name", [*KERNELS, "softplus", "elu"])
def test_error(dtype, name):
    actual, expected = call(name, sweep(dtype)), sweep_reference(dtype, name)
    kind = np.finfo(dtype)
    with np.errstate(under="ignore", over="ignore"):
        spacing = np.spacing(np.abs(expected).astype(dtype)).astype(np.longdouble)
    error = np.abs(actual.astype(np.longdouble) - expected) / spacing
    normal = np.abs(expected) >= kind.tiny
    worst = np.argmax(np.where(normal, error, 0))
    assert error[worst] <= MAX_ULP[dtype], f"{name}({sweep(dtype)[worst]!r})"
    # Where the result is subnormal its spacing is that of all subnormal numbers.
    assert error[~normal].max(initial=0) <= 1.5


@both_dtypes
def test_special_values(dtype):
    inf, largest = np.inf, np.finfo(dtype).max
    x = np.array([0.0, -0.0, inf, -inf, largest, -largest], dtype)
    assert_same_bits(call("sigmoid", x), np.array([0.5, 0.5, 1, 0, 1, 0], dtype))
    assert_same_bits(call("tanh", x), np.array([0.0, -0.0, 1, -1, 1, -1], dtype))


@both_dtypes
@both_kernels
def test_nan_stays_nan(dtype, name):
    x = np.linspace(-3, 3, 67).astype(dtype)
    clean = call(name, x)
    for at in (0, 1, 30, 65, 66):
        bad = x.copy()
        bad[at] = np.nan if at % 2 else -np.nan
        out = call(name, bad)
        assert np.isnan(out[at])
        assert_same_bits(np.delete(out, at), np.delete(clean, at))


@both_dtypes
def test_tanh_is_odd(dtype):
    x = sweep(dtype)
    assert_same_bits(call("tanh", -x), -call("tanh", x))


@both_dtypes
def test_subnormal_numbers_are_their_own_tanh(dtype):
    x = around(dtype, 0)
    assert_same_bits(call("tanh", x), x)


@both_dtypes
def test_range(dtype):
    sigmoid, tanh = call("sigmoid", sweep(dtype)), call("tanh", sweep(dtype))
    assert sigmoid.min() == 0
    assert sigmoid.max() == 1
    assert tanh.min() == -1
    assert tanh.max() == 1


@both_dtypes
def test_saturation(dtype):
    """Exactly 1 and 0 from where the nearest number is, or two units in the last place before."""
    large = sweep(dtype)
    for name, start, limit in [
        ("tanh", TANH_IS_1[dtype], 1),
        ("sigmoid", SIGMOID_IS_1[dtype], 1),
        ("sigmoid", -SIGMOID_IS_0[dtype], 0),
    ]:
        beyond = large[large >= start] if start > 0 else large[large <= start]
        assert (call(name, beyond) == limit).all()
    # and not long before
    assert call("tanh", np.array([TANH_IS_1[dtype] * 0.9], dtype)) < 1
    assert call("sigmoid", np.array([SIGMOID_IS_1[dtype] * 0.9], dtype)) < 1
    assert call("sigmoid", np.array([-SIGMOID_IS_0[dtype] * 0.98], dtype)) > 0


@both_dtypes
@pytest.mark.parametrize(
    ("name", "start", "sign"),
    [("tanh", TANH_IS_1, 1), ("sigmoid", SIGMOID_IS_1, 1), ("sigmoid", SIGMOID_IS_0, -1)],
    ids=["tanh", "sigmoid to 1", "sigmoid to 0"],
)
def test_no_step_back_near_saturation(dtype, name, start, sign):
    neighbours = around(dtype, start[dtype], 20_000)
    coarse = np.linspace(start[dtype] * 0.7, start[dtype] * 1.2, 200_001).astype(dtype)
    for x in (neighbours, coarse):
        y = call(name, sign * x)
        assert (np.diff(y) * sign >= 0).all()


@both_dtypes
@both_kernels
def test_any_length_and_place_gives_the_same_bits(dtype, name):
    """No element depends on its place among the vectors, and nothing is written outside."""
    rng = np.random.default_rng(0)
    x = rng.normal(scale=4, size=100).astype(dtype)
    long = call(name, x)
    canary = dtype(-123.5)
    for length in range(68):
        for offset in (0, 1, 3):
            out = np.full(100, canary, dtype)
            KERNELS[name](x[offset : offset + length], out[7 + offset : 7 + offset + length])
            expected = np.full(100, canary, dtype)
            expected[7 + offset : 7 + offset + length] = long[offset : offset + length]
            assert_same_bits(out, expected)


@both_dtypes
@both_kernels
def test_in_place(dtype, name):
    x = sweep(dtype)[:1003].copy()
    expected = call(name, x)
    KERNELS[name](x, x)
    assert_same_bits(x, expected)
