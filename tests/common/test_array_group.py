"""Groups of arrays with a row for each sample."""

import numpy as np

from gru_c.common.array_group import ArrayGroup, mapped, parts_of


def test_a_group_gives_and_takes_rows_of_all_arrays():
    group = ArrayGroup([np.arange(6).reshape(3, 2), None, np.arange(3)])
    assert len(group) == 3
    rows = group[np.array([2, 0])]
    assert rows.shape == [(2, 2), None, (2,)]
    assert rows.arrays[2].tolist() == [2, 0]
    target = ArrayGroup([np.zeros(3), np.zeros((3, 2))])
    target[1:] = ArrayGroup([np.ones(2), np.ones((2, 2))])
    assert [array.sum() for array in target] == [2, 4]


def test_functions_take_a_group_or_an_array():
    assert len(parts_of(ArrayGroup([np.ones(2), None]))) == 1
    assert len(parts_of(np.ones(2))) == 1
    assert mapped(np.sum, np.ones(2)) == 2
    assert list(mapped(np.sum, ArrayGroup([np.ones(2)]))) == [2]
