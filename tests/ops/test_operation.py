"""The protocol of operations, which graphs and tapes use."""

import numpy as np
import pytest

from gru_c import ops
from gru_c.ops.operation import Operation, TableOperation, unbroadcast


def test_an_operation_computes_forward_and_backward():
    operation = TableOperation("multiply")
    x, y = np.ones((2, 3), np.float32), np.array([1.0, 2.0, 3.0])
    output, saved = operation.forward([x, y], training=True)
    dx, dy = operation.backward(saved, np.ones((2, 3)))
    assert (output.dtype, dx.dtype, dy.dtype) == ("float64", "float32", "float64")
    np.testing.assert_array_equal(dx, np.broadcast_to(y, (2, 3)))
    np.testing.assert_array_equal(dy, [2, 2, 2])
    assert operation.output_shape([(None, 3), (3,)]) == (None, 3)
    assert operation.backward(saved, np.ones((2, 3)), [False, True])[0] is None


def test_integers_have_no_gradient():
    operation = TableOperation("take", {"axis": 0})
    _, saved = operation.forward([np.ones((4, 2)), np.array([1, 1])])
    dx, d_indices = operation.backward(saved, np.ones((2, 2)))
    assert d_indices is None
    assert dx.sum(axis=1).tolist() == [0, 4, 0, 0]


def test_an_operation_is_described_by_its_name_and_arguments():
    config = TableOperation("sum", {"axis": 1, "keepdims": False}).get_config()
    assert TableOperation(**config).output_shape([(None, 3, 4)]) == (None, 4)
    assert repr(TableOperation("sum", {"axis": 1})) == "<operation sum, axis=1>"


def test_gradients_are_summed_back_to_the_shape_that_was_broadcast():
    assert unbroadcast(np.ones((4, 2, 3)), (2, 1)).tolist() == [[12], [12]]
    assert unbroadcast(np.ones((1, 3)), (2, 3)).shape == (2, 3)


def test_the_base_class_defines_nothing():
    for call in (lambda o: o.forward([]), lambda o: o.backward(0, 0), lambda o: o.output_shape([])):
        with pytest.raises(NotImplementedError):
            call(Operation())


def test_a_tensor_may_leave_the_computing_to_arrays():
    class Weight:
        shape, dtype = (2,), np.dtype(float)

        def __array__(self, dtype=None, copy=None):
            return np.ones(2)

        def _record(self, operation, inputs):
            return NotImplemented

    assert ops.add(Weight(), 1).tolist() == [2, 2]
