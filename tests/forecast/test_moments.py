"""Sums, means and deviations in blocks: the bits of NumPy's functions on one array."""

import numpy as np
import pytest

from gru_c.forecast import moments


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(moments, "_BLOCK", 200)


@pytest.mark.parametrize("count", [1, 9, 200, 201, 1000, 12_345])
def test_sums_by_halves_have_the_bits_of_numpy(count):
    values = np.random.default_rng(0).normal(size=count) * 1e3
    total = moments.sum_by_halves(lambda begin, end: values[begin:end], 0, count)
    assert total == values.sum()


@pytest.mark.parametrize("columns", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("lengths", [(500,), (3, 0, 1200, 77), (1,)])
def test_moments_have_the_bits_of_one_array(columns, lengths):
    rng = np.random.default_rng(0)
    parts = [
        rng.normal(3, size=(n, columns)) * 10.0 ** rng.integers(-3, 3, columns) for n in lengths
    ]
    whole = np.concatenate(parts)
    mean, deviation = moments.moments(parts)
    np.testing.assert_array_equal(mean, whole.mean(axis=0))
    np.testing.assert_array_equal(deviation, whole.std(axis=0))


def test_no_columns_have_no_moments():
    mean, deviation = moments.moments([np.zeros((5, 0))])
    assert mean.shape == deviation.shape == (0,)
