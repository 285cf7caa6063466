import numpy as np
import pytest
from ops_cases import normal
from ops_gradients import cases_of, check_case, check_gradients

from gru_c import ops
from gru_c.ops import unary


@cases_of(unary)
def test_gradients_and_shapes(case):
    check_case(case)


def test_clip_has_gradients_by_its_bounds():
    check_gradients(ops.clip, [normal(3, 4), normal(4) - 0.5, normal(4) + 0.5])


def test_half_precision_stays():
    for name in ("tanh", "gelu", "exp", "sigmoid"):
        assert getattr(ops, name)(np.ones(2, np.float16)).dtype == np.float16


def test_infinite_values_give_no_warning():
    assert ops.log(np.zeros(1)) == -np.inf
    assert np.isnan(ops.sqrt(np.array([-1.0])))


@pytest.mark.parametrize("x", ["a", None, 1j, [object()]])
def test_other_things_than_real_numbers_are_refused(x):
    with pytest.raises(TypeError, match="real numbers"):
        ops.exp(x)
