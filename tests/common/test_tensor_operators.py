import operator

import numpy as np
import pytest

from gru_c.ops.tape import Tape

X, Y = np.array([2.0, -3.0, 0.5]), np.array([1.5, 2.0, 4.0])
ARITHMETIC = [
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv),
    *(operator.mod, operator.lt, operator.le, operator.gt, operator.ge, operator.matmul),
]


@pytest.mark.parametrize("function", ARITHMETIC, ids=lambda f: f.__name__)
def test_operators_of_two(function):
    tape = Tape()
    x, y = tape.tensor(X), tape.tensor(Y)
    wanted = function(X, Y)
    for result in (function(x, y), function(X, y), function(x, Y)):
        np.testing.assert_array_equal(result.value, wanted)
    if function is not operator.matmul:
        np.testing.assert_array_equal(function(2.0, y).value, function(2.0, Y))
        np.testing.assert_array_equal(function(x, 2.0).value, function(X, 2.0))


def test_powers_and_operators_of_one():
    x = Tape().tensor(X)
    np.testing.assert_array_equal((x**2).value, X**2)
    np.testing.assert_array_equal((2**x).value, 2**X)
    np.testing.assert_array_equal((-x).value, -X)
    np.testing.assert_array_equal(abs(x).value, abs(X))
    assert +x is x


def test_logical_operators():
    x = Tape().tensor(X)
    positive = x > 0
    assert (~positive).value.tolist() == [False, True, False]
    assert (positive & (x < 1)).value.tolist() == [False, False, True]
    assert (positive | (x < 1)).value.tolist() == [True, True, True]
    assert (True & positive).value.tolist() == (False | positive).value.tolist()
