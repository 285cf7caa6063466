import numpy as np
import pytest
from ops_gradients import Symbol

from gru_c import ops


def test_arrays_are_float32_by_default():
    for array in (ops.zeros((2, 3)), ops.ones(2), ops.full(2, 7), ops.eye(2), ops.linspace(0, 1)):
        assert array.dtype == np.float32
    assert ops.arange(1, 7, 2).tolist() == [1, 3, 5]


def test_arrays_like_another():
    x = np.ones((2, 3), np.int32)
    assert ops.zeros_like(x).dtype == np.int32
    assert ops.full_like(x, 2, dtype="float64").tolist() == [[2.0] * 3] * 2
    assert ops.ones_like(Symbol((None, 3))).shape == (None, 3)


def test_shapes():
    assert ops.shape(Symbol((None, 3))) == (None, 3)
    assert ops.ndim([[1, 2]]) == 2
    assert ops.size(np.ones((2, 3))) == 6
    assert ops.size(Symbol((None, 3))) is None


def test_conversion():
    assert ops.convert_to_tensor([1, 2], "float32").dtype == np.float32
    assert ops.convert_to_numpy(np.float64(2)).dtype == np.float64
    with pytest.raises(TypeError, match="real numbers"):
        ops.convert_to_tensor("a")
