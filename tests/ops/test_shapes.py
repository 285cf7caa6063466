import pytest

from gru_c.ops import shapes


def test_broadcasting_with_open_sizes():
    assert shapes.broadcast((None, 3), (1, 3)) == (None, 3)
    assert shapes.broadcast((None, 3), (4, 1)) == (4, 3)
    with pytest.raises(ValueError, match="cannot be broadcast"):
        shapes.broadcast((2, 3), (4,))


def test_axes_that_do_not_exist_are_refused():
    for axis in (2, -3):
        with pytest.raises(ValueError, match="does not exist"):
            shapes.axes_of(axis, 2)


def test_reductions():
    assert shapes.reduced((None, 3, 4), (0, -1)) == (3,)
    assert shapes.reduced((None, 3), keepdims=True) == (1, 1)
