"""The fraction of a batch that a process takes: parts of nearly equal size that make the whole."""

import numpy as np
import pytest

from gru_c.data.batch_order import WHOLE, fraction_slice, take_fraction


@pytest.mark.parametrize("count", [0, 1, 7, 12])
@pytest.mark.parametrize("parts", [1, 3, 5])
def test_the_parts_follow_each_other_and_differ_by_at_most_one(count, parts):
    samples = list(range(count))
    taken = [samples[fraction_slice(count, (number, parts))] for number in range(parts)]
    assert [sample for part in taken for sample in part] == samples
    assert max(map(len, taken)) - min(map(len, taken)) <= 1


def test_a_fraction_of_a_slice_is_a_part_of_that_slice():
    assert take_fraction(slice(4, 10), 20, (0, 3)) == slice(4, 6)
    assert take_fraction(slice(4, 10), 20, (2, 3)) == slice(8, 10)
    assert take_fraction(slice(8, 16), 11, (1, 3)) == slice(9, 10)  # the batch ends at 11


def test_a_fraction_of_chosen_samples_is_a_part_of_the_choice():
    chosen = np.array([9, 2, 7, 4, 5])
    assert take_fraction(chosen, 10, (0, 2)).tolist() == [9, 2]
    assert take_fraction(chosen, 10, (1, 2)).tolist() == [7, 4, 5]


def test_the_whole_fraction_changes_nothing():
    chosen = np.array([3, 1])
    assert take_fraction(chosen, 5, WHOLE) is chosen
