"""The summaries of a backtest, by hand."""

import numpy as np
import pytest

from gru_c.forecast import Backtest, Fold

NAN = float("nan")


def backtest():
    """Return two folds of one series, with a horizon of 2."""
    folds = [
        Fold(
            origins=[9],
            measured=np.array([[1.0, 2.0]]),
            forecasts={"GRU": np.array([[2.0, 2.0]]), "naive": np.array([[0.0, 0.0]])},
            bounds=np.array([[[0.0, 3.0], [2.5, 3.0]]]),
            scales=np.array([2.0]),
            times=[np.array([10, 11])],
        ),
        Fold(
            origins=[11],
            measured=np.array([[3.0, NAN]]),
            forecasts={"GRU": np.array([[0.0, 9.0]]), "naive": np.array([[2.0, 2.0]])},
            bounds=np.array([[[0.0, 3.0], [0.0, 1.0]]]),
            scales=np.array([0.5]),
            times=[np.array([12, 13])],
        ),
    ]
    return Backtest(["y"], folds, 0, (0.1, 0.9))


def test_summary_by_hand():
    ours, last = backtest().summary()
    assert ours["method"] == "GRU"
    assert ours["mae"] == pytest.approx((1 + 0 + 3) / 3)
    assert ours["rmse"] == pytest.approx(((1 + 0 + 9) / 3) ** 0.5)
    assert ours["mase"] == pytest.approx((1 / 2 + 0 + 3 / 0.5) / 3)
    assert last["mae"] == pytest.approx((1 + 2 + 1) / 3)


def test_rows_by_fold_and_by_horizon():
    results = backtest()
    assert [(r["fold"], r["origin"], r["method"], r["mae"]) for r in results.rows] == [
        (1, 9, "GRU", 0.5),
        (1, 9, "naive", 1.5),
        (2, 11, "GRU", 3.0),
        (2, 11, "naive", 1.0),
    ]
    assert [(r["step"], r["mae"]) for r in results.horizon_rows if r["method"] == "GRU"] == [
        (1, 2.0),
        (2, 0.0),
    ]


def test_coverage_counts_what_was_measured():
    assert backtest().coverage == 2 / 3


def test_as_text():
    lines = str(backtest()).splitlines()
    assert lines[0] == "2 folds of 2 steps"
    assert lines[3].split() == ["GRU", "1.333", "1.826", "2.167"]
    assert lines[-1].startswith("67 % of the values lie between the quantiles 0.1 and 0.9, of 80")


def test_as_a_frame():
    pytest.importorskip("pandas")
    frame = backtest().to_frame()
    assert frame[frame.method == "GRU"].mae.tolist() == [0.5, 3.0]
    assert backtest().to_frame("horizon").step.tolist() == [1, 1, 2, 2]
    with pytest.raises(ValueError, match="by must be 'fold' or 'horizon', got 'x'"):
        backtest().to_frame("x")
