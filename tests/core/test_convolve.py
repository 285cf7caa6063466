"""The convolution of the core: windows of a sequence times a kernel."""

import numpy as np
import pytest
from tools import assert_close, assert_same_bits

from gru_c import _core

DTYPES = [np.float32, np.float64]
MATMUL_TOLERANCES = {np.float32: 1e-5, np.float64: 1e-13}
both_dtypes = pytest.mark.parametrize("dtype", DTYPES)


def convolved(x, kernel, bias, count, stride, dilation):
    """The products of the windows of x and the kernel, plus the bias, in float64."""
    x, kernel = x.astype(np.float64), kernel.astype(np.float64)
    y = np.zeros((len(x), count, kernel.shape[2])) + (0 if bias is None else bias)
    for number, tap in enumerate(kernel):
        first = number * dilation
        y += x[:, first : first + (count - 1) * stride + 1 : stride] @ tap
    return y


@both_dtypes
@pytest.mark.parametrize(
    ("taps", "channels", "stride", "dilation"),
    # the last two cases sum over more than one block of k
    [
        (1, 1, 1, 1),
        (3, 1, 1, 1),
        (2, 5, 3, 1),
        (3, 4, 1, 2),
        (4, 32, 2, 3),
        (3, 70, 2, 1),
        (1, 300, 1, 1),
    ],
)
@pytest.mark.parametrize("filters", [1, 8, 33, 200])
def test_convolve(dtype, taps, channels, stride, dilation, filters):
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(taps, channels, filters)).astype(dtype)
    for batch, count in ((0, 3), (1, 1), (5, 1), (1, 300), (7, 90)):
        steps = (count - 1) * stride + (taps - 1) * dilation + 1
        x = rng.normal(size=(batch, steps, channels)).astype(dtype)
        for bias in (None, rng.normal(size=filters).astype(dtype)):
            outs = [np.full((batch, count, filters), np.nan, dtype) for _ in range(2)]
            for threads, out in enumerate(outs, 1):
                _core.convolve(x, kernel, bias, out, stride, dilation, threads)
            expected = convolved(x, kernel, bias, count, stride, dilation)
            assert_close(outs[0], expected, MATMUL_TOLERANCES[dtype])
            assert_same_bits(outs[1], outs[0])


@both_dtypes
@pytest.mark.parametrize("filters", [8, 13])
def test_convolve_takes_parts_of_larger_arrays_and_writes_nothing_beside_them(dtype, filters):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 40, 9)).astype(dtype)[:, 1::2, 2:6]
    kernel = rng.normal(size=(3, 4, 50)).astype(dtype)[:, :, 7 : 7 + filters]
    bias = rng.normal(size=filters).astype(dtype)
    whole = np.full((3, 16, 40), np.nan, dtype)
    out = whole[:, :, 5 : 5 + filters]
    _core.convolve(x, kernel, bias, out, 1, 2, 1)
    assert_close(out, convolved(x, kernel, bias, 16, 1, 2), MATMUL_TOLERANCES[dtype])
    assert np.isnan(whole).sum() == whole.size - out.size
    alone = np.empty(out.shape, dtype)
    _core.convolve(x.copy(), kernel.copy(), bias, alone, 1, 2, 1)
    assert_same_bits(alone, out.copy())


def test_convolve_refuses_arrays_that_do_not_fit():
    x, kernel, bias, out = np.ones((2, 9, 4)), np.ones((3, 4, 5)), np.ones(5), np.zeros((2, 7, 5))

    def refused(words, error=ValueError, **arrays):
        given = {"x": x, "kernel": kernel, "bias": bias, "out": out, "stride": 1, "dilation": 1}
        with pytest.raises(error, match=words):
            _core.convolve(*{**given, **arrays}.values(), 1)

    refused("out must have 4 windows", stride=2)
    refused("out must have 5 windows", dilation=2)
    refused("must be at least 1", stride=0)
    refused("must be at least 1", dilation=-1)
    refused("must be at least 1", kernel=np.ones((0, 4, 5)))
    refused("must have 3 axes", x=x[0])
    refused("kernel must have shape", kernel=np.ones((3, 2, 5)))
    refused("bias must have shape", bias=np.ones(4))
    refused("out must have shape", out=np.zeros((3, 7, 5)))
    refused("kernel must hold float64", TypeError, kernel=kernel.astype(np.float32))
    refused("side by side", x=np.ones((2, 9, 8))[:, :, ::2])
    refused("out must have rows that lie evenly", out=np.zeros((2, 8, 5))[:, :7])
    refused("kernel must have rows that lie evenly", kernel=np.ones((3, 5, 5))[:, :4])
    refused("backwards", x=x[:, ::-1])
    shared = {"x": x[:1], "kernel": np.ones((3, 4, 4)), "bias": np.ones(4), "out": x[:1, :7]}
    refused("share memory", **shared)
    gaps = {"x": np.ones((1, 9, 50)), "kernel": np.ones((3, 50, 5)), "out": out[:1, :5]}
    refused("argument", dilation=2, **gaps)  # the sums of a block would end inside a step
    assert not out.any()
