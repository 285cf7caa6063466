import numpy as np
from ops_gradients import cases_of, check_case, check_gradients

from gru_c import ops
from gru_c.ops import along_axis


@cases_of(along_axis)
def test_gradients_and_shapes(case):
    check_case(case)


def test_cumulated_products_with_zeros_have_their_gradient():
    x = np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 2.0], [1.0, 2.0, 3.0]])
    check_gradients(lambda a: ops.cumprod(a, axis=1), [x])


def test_equal_elements_keep_their_order():
    assert ops.argsort(np.array([1, 0, 1, 0])).tolist() == [1, 3, 0, 2]
