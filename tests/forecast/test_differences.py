"""Sums of differences from naive forecasts: the bits of one array, whatever the blocks."""

import numpy as np
import pytest

from gru_c.forecast import differences, moments
from gru_c.forecast.accuracy import filled, repeated


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(moments, "_BLOCK", 200)


@pytest.mark.parametrize(("ahead", "season"), [(1, 1), (7, 1), (24, 24), (5, 24), (30, 7)])
@pytest.mark.parametrize("missing", [0.0, 0.3, 0.95])
def test_sums_have_the_bits_of_sums_of_one_array(small_blocks, ahead, season, missing):
    rng = np.random.default_rng(0)
    measured = rng.normal(size=999) * 10 ** rng.uniform(-3, 3, size=999)
    measured[1:][rng.random(998) < missing] = np.nan
    values, origins = filled(measured), range(30, 999 - ahead)
    rows = np.arange(30, 999 - ahead)
    errors = measured[rows[:, None] + np.arange(1, ahead + 1)]
    errors = errors - repeated(values, ahead, season, rows)
    known = errors[~np.isnan(errors)]
    size = differences.root_mean_square(measured, values, origins, ahead, season)
    assert size == np.sqrt((known**2).mean())
    total = differences.sum_of_errors(measured, values, origins, ahead, season)
    assert total == np.nansum(np.abs(errors))


def test_without_known_differences_sums_are_zero():
    measured = np.array([1.0, np.nan, np.nan])
    for origins in (range(1), range(0), range(3, 2)):
        assert differences.root_mean_square(measured, filled(measured), origins, 2, 1) == 0
        assert differences.sum_of_errors(measured, filled(measured), origins, 2, 1) == 0
