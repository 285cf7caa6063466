import numpy as np
import pytest
from ops_cases import normal
from ops_gradients import cases_of, check_case, check_gradients

from gru_c import ops
from gru_c.ops import reductions


@cases_of(reductions)
def test_gradients_and_shapes(case):
    check_case(case)


def test_a_product_with_zeros_has_its_gradient():
    x = np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 2.0], [1.0, 2.0, 3.0]])
    check_gradients(lambda a: ops.prod(a, axis=1), [x])


def test_logsumexp_does_not_overflow():
    x = np.array([1e4, 1e4], np.float32)
    assert ops.logsumexp(x) == np.float32(1e4 + np.log(2))
    assert ops.logsumexp(np.full(2, -np.inf)) == -np.inf


def test_norms_of_matrices_are_refused():
    for order in (1, "nuc"):
        with pytest.raises(ValueError, match="is for vectors"):
            ops.norm(normal(2, 3), ord=order)
    assert ops.norm(normal(2, 3), ord="fro") == ops.norm(normal(2, 3))


def test_a_reduction_over_no_axes_keeps_the_array():
    x = normal(2, 3)
    np.testing.assert_array_equal(ops.sum(x, axis=()), x)
    check_gradients(lambda a: ops.sum(a, axis=()), [x])
