"""The area under a curve of two rates, by hand and by ranks."""

import numpy as np
import pytest

from gru_c import metrics

Y = np.array([0, 0, 1, 1])
P = np.array([0.1, 0.4, 0.35, 0.8])


def rank_area(y, p):
    """Return the share of pairs in which the positive sample has the larger prediction."""
    positive, negative = p[y == 1], p[y == 0]
    return (positive[:, None] > negative).mean()


def test_the_area_of_separate_classes_is_one_and_of_swapped_ones_zero():
    for p, expected in ((Y.astype(float), 1.0), (1.0 - Y, 0.0)):
        area = metrics.AUC()
        area.update(Y, p[:, None])
        assert area.result() == pytest.approx(expected, abs=1e-6)


def test_the_area_is_the_share_of_pairs_in_the_right_order():
    area = metrics.AUC(num_thresholds=2000)
    rng = np.random.default_rng(3)
    y = rng.integers(0, 2, 200)
    p = np.clip(0.3 * y + rng.uniform(0, 0.7, 200), 0, 1)
    for rows in (slice(0, 70), slice(70, None)):
        area.update(y[rows], p[rows, None])
    assert area.result() == pytest.approx(rank_area(y, p), abs=2e-3)


def test_thresholds_may_be_given():
    area = metrics.AUC(thresholds=[0.5])
    area.update(Y, P[:, None])
    # At 0.5 one of two positives and no negative is above: the points (0, 0), (0, 0.5), (1, 1).
    assert area.result() == pytest.approx(0.75, abs=1e-6)


def test_settings_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="curve"):
        metrics.AUC(curve="XYZ")
    with pytest.raises(ValueError, match="num_thresholds"):
        metrics.AUC(num_thresholds=1)
