import numpy as np
import pytest
from ops_cases import FORMS, normal
from ops_gradients import Symbol, cases_of, check_case, check_gradients, check_shapes

from gru_c import ops
from gru_c.ops import selecting


@cases_of(selecting)
def test_gradients_and_shapes(case):
    check_case(case)


@pytest.mark.parametrize("name", [name for name in FORMS if name not in ("cast", "stop_gradient")])
def test_gradients_of_other_forms(name):
    arrays = [normal(2, 3), normal(2, 3)[::-1].copy() + 0.07]
    check_gradients(lambda a, b: FORMS[name](ops, a, b), arrays)


@pytest.mark.parametrize(
    "key",
    [
        1,
        -1,
        slice(1, None),
        slice(None, None, -1),
        (slice(None), 0),
        (..., 1),
        None,
        (None, slice(0, 2), [0, 1, 1]),
        [1, 1, 0],
        np.array([[0, 1], [1, 1]]),
        (np.array([0, 0]), np.array([1, 1])),
        np.array([[True, False, True], [True] * 3]),
    ],
    ids=str,
)
def test_every_kind_of_index(key):
    x = normal(2, 3)
    check_gradients(lambda a: selecting.get_item(a, key), [x])
    assert selecting.get_item(Symbol(x.shape), key).shape == x[key].shape


def test_open_sizes_of_slices():
    x = Symbol((None, None, 5))
    assert selecting.get_item(x, (slice(None), -1)).shape == (None, 5)
    assert selecting.get_item(x, (slice(None), slice(0, 3))).shape == (None, 3, 5)
    assert selecting.get_item(x, (slice(None), slice(1, None), 0)).shape == (None, None)


def test_joined_shapes():
    for axis in (0, 1, -1):
        check_shapes(lambda a, b, axis=axis: ops.concatenate([a, b], axis), [normal(2, 3)] * 2)
        check_shapes(lambda a, b, axis=axis: ops.stack([a, b], axis), [normal(2, 3)] * 2)


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        (lambda x: ops.split(x, 2, axis=1), ValueError, "no 2 equal parts"),
        (lambda x: ops.slice(x, (1, 1), (1, 3)), ValueError, "reach out"),
        (lambda x: ops.slice(x, (1,), (1,)), ValueError, "takes 2 start indices"),
        (lambda x: ops.take(x, [0.5]), TypeError, "whole numbers"),
        (lambda x: ops.take(x, [7], axis=0), IndexError, "out of bounds"),
        (lambda x: ops.concatenate([x, x[:1]], axis=1), ValueError, "match exactly"),
        (lambda x: ops.one_hot([1], 3, sparse=True), ValueError, "sparse"),
    ],
)
def test_bad_arguments_are_refused(function, error, words):
    with pytest.raises(error, match=words):
        function(normal(2, 3))
