"""Weights between PyTorch's tensors and the core's arrays: the order of the gates, by hand."""

import numpy as np
import pytest

pytest.importorskip("torch")
from gru_c.interop.torch.weights import from_core, to_core
from gru_c.recurrence.memory import TapeMemory

I, H = 2, 3
RNG = np.random.default_rng(4)
ARRAYS = [RNG.normal(size=shape) for shape in ((3 * H, I), (3 * H, H), (3 * H,), (3 * H,))]


def gate(array, name):
    """Return the rows of one gate in PyTorch's order, which is r, z, n."""
    first = H * "rzn".index(name)
    return array[first : first + H]


@pytest.mark.parametrize("pool", [None, TapeMemory()], ids=["new", "pool"])
def test_the_core_has_the_gates_z_r_n_in_columns(pool):
    weights = to_core(ARRAYS, pool)
    for kernel, rows in ((weights.kernel, ARRAYS[0]), (weights.recurrent_kernel, ARRAYS[1])):
        expected = np.concatenate([gate(rows, name).T for name in "zrn"], axis=1)
        np.testing.assert_array_equal(kernel, expected)
    for bias, rows in zip(weights.bias, ARRAYS[2:], strict=True):
        np.testing.assert_array_equal(bias, np.concatenate([gate(rows, n) for n in "zrn"]))
    assert weights.kernel.base is weights.recurrent_kernel.base  # one block of memory


def test_weights_there_and_back_are_the_same():
    for arrays in (ARRAYS, ARRAYS[:2], [array.astype(np.float32) for array in ARRAYS]):
        again = from_core(to_core(arrays))
        assert len(again) == len(arrays)
        for a, b in zip(again, arrays, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
            assert not np.shares_memory(a, b)


def test_one_unit_has_contiguous_biases():
    arrays = [np.ones((3, 1)), np.ones((3, 1)), np.array([1.0, 2, 3]), np.array([4.0, 5, 6])]
    weights = to_core(arrays)
    assert weights.bias.flags.c_contiguous
    assert weights.bias.tolist() == [[2, 1, 3], [5, 4, 6]]
