"""The inputs and targets of a model, by hand: windows, seasons, covariates, scales."""

import numpy as np
import pytest

from gru_c.forecast.features import Layout, Scale
from gru_c.forecast.panel import Given, read_panel
from gru_c.forecast.samples import Samples, SeriesWindows

NAN = float("nan")


def read(data, covariates=None, names=()):
    return read_panel(data, Given(covariates, names))


def layout(**changes):
    defaults = {"season": 0, "reference": "last", "marks_missing": False, "calendar": ()}
    return Layout(
        **{
            "window": 2,
            "horizon": 2,
            "covariate_mean": (),
            "covariate_std": (),
            **defaults,
            **changes,
        }
    )


def make_windows(plan, item, scale, begin, end):
    """Return inputs and targets of the origins between two steps."""
    samples = Samples.between(SeriesWindows(plan, [item], [scale]), [(begin, end)])
    return samples.x[:], samples.y[:]


def test_windows_and_targets_by_hand():
    (item,) = read([0.0, 2, 4, 6, 8, 10]).series
    x, y = make_windows(layout(), item, Scale(4.0, 2.0, 2.0), 1, 4)
    assert x[..., 0].tolist() == [[-2, -1], [-1, 0], [0, 1]]
    assert y.tolist() == [[1, 2]] * 3


def test_a_missing_value_is_the_last_one_and_marked_and_no_target():
    (item,) = read([1.0, NAN, 3, 4, NAN, NAN]).series
    x, y = make_windows(layout(marks_missing=True), item, Scale(0, 1, 1), 1, 4)
    assert x.tolist() == [[[1, 0], [1, 1]], [[1, 1], [3, 0]]]  # nothing to forecast from step 3
    np.testing.assert_array_equal(y, [[2, 3], [1, NAN]])


def test_seasonal_windows_by_hand():
    (item,) = read([1.0, 2, 3, 5, 7, 9]).series
    plan = layout(season=2, reference="season", horizon=1)
    x, y = make_windows(plan, item, Scale(0, 1, 2), 3, 5)
    assert x.tolist() == [[[3, 1], [5, 1.5]], [[5, 1.5], [7, 2]]]
    assert y.tolist() == [[2], [2]]


def test_covariates_of_now_and_of_later():
    (item,) = read([1.0, 2, 3, 4], [10, 20, 30, 40]).series
    plan = layout(covariate_mean=(10.0,), covariate_std=(10.0,))
    x, _ = make_windows(plan, item, Scale(0, 1, 1), 1, 2)
    assert x.tolist() == [[[1, 0, 2], [2, 1, 3]]]


@pytest.mark.parametrize("value", [5.0, 0.1 + 0.2, 0.0, -1e-300])
def test_the_scale_of_a_constant_series(value):
    array = np.full(9, value)
    scale = Scale.fit(array, 0.0)
    assert scale.std == 1.0
    assert 0 < scale.step <= max(1e-8 * abs(value), 1e-200)


def test_scaled_values_stay_finite():
    (item,) = read([1.0, 2, 3, 1e100, 5]).series
    x, y = make_windows(layout(), item, Scale(0, 1e-200, 1e-200), 1, 3)
    assert x.max() == y.max() == 1e6
