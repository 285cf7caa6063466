import numpy as np
import pytest
from ops_cases import normal
from ops_gradients import cases_of, check_case, check_gradients, check_shapes

from gru_c import ops
from gru_c.ops import binary


@cases_of(binary)
def test_gradients_and_shapes(case):
    check_case(case)


def test_where():
    condition = np.array([[True], [False]])
    check_gradients(lambda a, b: ops.where(condition, a, b), [normal(2, 3), normal(3)])
    check_shapes(ops.where, [condition, normal(2, 3), normal(3)])


def test_where_without_choices_is_refused():
    with pytest.raises(ValueError, match=r"use numpy\.nonzero"):
        ops.where(np.ones(2))


def test_a_power_of_zero_has_a_finite_gradient():
    x = np.zeros(1)
    check_gradients(lambda a: ops.power(a, 1.0) + ops.power(a, 0.0), [x])


def test_shapes_that_do_not_go_together_are_refused():
    with pytest.raises(ValueError, match="broadcast"):
        ops.add(np.ones(2), np.ones(3))
