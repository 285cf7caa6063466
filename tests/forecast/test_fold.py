"""The forecasts of a backtest from one origin, as a backtest fills them in."""

import dataclasses

import numpy as np
import pytest
from forecasters import NOISY, small


def test_a_fold_has_arrays_of_series_by_horizon():
    fold = small(season=12).backtest([NOISY, NOISY[:120]], folds=1, refit=False).folds[0]
    assert fold.measured.shape == (2, 4)
    assert {array.shape for array in fold.forecasts.values()} == {(2, 4)}
    assert fold.scales.shape == (2,)
    np.testing.assert_array_equal(fold.measured[0], NOISY[-4:])
    assert fold.origins == [145, 115]
    assert [list(times) for times in fold.times] == [[146, 147, 148, 149], [116, 117, 118, 119]]
    assert fold.bounds is None


def test_the_bounds_are_the_outer_quantiles():
    backtest = small(quantiles=(0.1, 0.5, 0.9)).backtest(NOISY, folds=1)
    fold = backtest.folds[0]
    assert fold.bounds.shape == (1, 4, 2)
    low, high = np.moveaxis(fold.bounds, -1, 0)
    assert (low <= fold.forecasts["GRU"]).all()
    assert (fold.forecasts["GRU"] <= high).all()


def test_a_fold_cannot_be_changed():
    fold = small().backtest(NOISY, folds=1).folds[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        fold.origins = []
