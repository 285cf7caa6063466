import pytest
from ops_cases import normal
from ops_gradients import Symbol, cases_of, check_case, check_gradients

from gru_c import ops
from gru_c.ops import shaping


@cases_of(shaping)
def test_gradients_and_shapes(case):
    check_case(case)


def test_none_in_a_shape_is_the_open_size():
    x = normal(2, 3, 4)
    assert ops.reshape(x, (None, 12)).shape == (2, 12)
    assert ops.reshape(x, (None, -1, 2)).shape == (2, 6, 2)
    assert ops.reshape(Symbol((None, 3, 4)), (None, -1, 2)).shape == (None, 6, 2)
    assert ops.reshape(Symbol((None, 3, 4)), (-1, 4)).shape == (None, 4)


def test_repeats_of_each_element():
    check_gradients(lambda a: ops.repeat(a, [1, 0, 3], axis=1), [normal(2, 3)])


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: ops.reshape(x, (4, -1)), "do not go into|cannot reshape"),
        (lambda x: ops.squeeze(x, 1), "length 1|not equal to one"),
        (lambda x: ops.transpose(x, (0, 2)), "axes|axis|out of bounds"),
        (lambda x: ops.expand_dims(x, 4), "axis"),
    ],
)
def test_bad_arguments_are_refused(function, words):
    for x in (normal(2, 3), Symbol((2, 3))):
        with pytest.raises(ValueError, match=words):
            function(x)


def test_other_ways_to_pad_are_refused():
    with pytest.raises(ValueError, match="must be 'constant'"):
        ops.pad(normal(2), 1, mode="reflect")
