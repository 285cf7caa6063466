"""The loss of a batch, from the weighted values of its samples."""

import numpy as np
import pytest

from gru_c.losses.reduction import reduce, spread, weighted

VALUES = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


def test_a_weight_of_a_sample_counts_for_all_of_its_steps():
    weight = np.array([1, 0, 2], np.float32)
    wide = spread(weight, 2)
    assert (wide.shape, wide.dtype) == ((3, 1), np.dtype(np.float64))
    np.testing.assert_array_equal(weighted(VALUES, weight), [[1, 2], [0, 0], [10, 12]])
    assert weighted(VALUES, None) is VALUES
    np.testing.assert_array_equal(weighted(VALUES, VALUES), VALUES**2)


def test_the_sum_is_divided_by_the_divisor():
    assert reduce(VALUES, None, 6) == pytest.approx(21 / 6)
    assert reduce(VALUES, np.array([1.0, 0.0, 2.0]), 1) == 25
    assert type(reduce(VALUES, None, 6)) is float


def test_no_samples_have_no_loss():
    assert reduce(VALUES[:0], None, 0) == 0.0
