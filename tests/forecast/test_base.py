"""The linear forecast of a forecaster, the share of its GRUs, and its intervals."""

from dataclasses import replace

import numpy as np
import pytest
from forecasters import NOISY, WAVE, small

from gru_c.forecast.base import conformal_spread, share_of

RNG = np.random.default_rng(0)
LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)


def test_with_nothing_to_learn_the_forecast_is_the_linear_one():
    forecaster = small(linear=True, season=12, quantiles=(0.1, 0.5, 0.9)).fit(NOISY)
    base, scale = forecaster.base, forecaster.scales["y"]
    assert base.share == 0
    assert forecaster.choices_["GRU_share"] == 0
    values = np.log(NOISY) if forecaster.layout.log else NOISY
    linear = base.map(((values - scale.mean) / scale.std)[None])[0] * scale.std + scale.mean
    linear = np.exp(linear) if forecaster.layout.log else linear
    np.testing.assert_allclose(forecaster.predict()[:, 1], linear, rtol=1e-9)


def test_the_share_of_the_model_is_between_the_two_forecasts():
    forecaster = small(linear=True, season=12, scale="linear", epochs=5).fit(NOISY)
    ends = []
    for share in (0.0, 0.5, 1.0):
        forecaster.base = replace(forecaster.base, share=share)
        ends.append(forecaster.predict())
    assert not np.allclose(ends[0], ends[2], rtol=1e-12)
    np.testing.assert_allclose(ends[1], (ends[0] + ends[2]) / 2, rtol=1e-9)


def test_a_share_needs_a_clear_gain():
    targets = RNG.normal(size=(80, 4))
    right, wrong = np.repeat(targets[..., None], 3, axis=2), RNG.normal(size=(80, 4, 3))
    assert share_of(right, targets, 1) == 1.0
    assert share_of(wrong, targets, 1) == 0.0
    assert share_of(right[:5], targets[:5], 1) == 0.0


def test_intervals_cover_what_they_should():
    errors = RNG.standard_t(4, size=(4000, 3)) * [1.0, 2.0, 3.0]
    spread, independent = conformal_spread(errors, np.zeros(4000), LEVELS)
    assert independent == pytest.approx(4000 / 1.5)
    assert np.all(spread[:, 2] == 0)
    assert np.all(np.diff(spread, axis=1) > 0)
    inside = [(np.abs(errors) <= spread[:, place]).mean(axis=0) for place in (3, 4)]
    np.testing.assert_allclose(inside, [[0.8] * 3, [0.9] * 3], atol=0.01)


def test_intervals_never_narrow_and_late_errors_count_more():
    errors = np.concatenate([np.full((50, 2), 5.0), np.ones((50, 2))]) * [2.0, 1.0]
    spread, _ = conformal_spread(errors, np.arange(100)[::-1], (0.25, 0.5, 0.75))
    assert spread[1, 2] == spread[0, 2] == 2.0


def test_few_errors_make_a_guess():
    assert small(linear=True, horizon=8, quantiles=(0.1, 0.9)).fit(WAVE[:60]).base.is_guess
    assert not small(linear=True, horizon=2, quantiles=(0.1, 0.9)).fit(WAVE).base.is_guess


@pytest.mark.parametrize("levels", [(0.1, 0.5, 0.9), (0.05, 0.25, 0.5, 0.6, 0.99)])
def test_quantiles_never_cross(levels):
    forecaster = small(linear=True, quantiles=levels).fit(NOISY)
    forecaster.base = replace(forecaster.base, share=0.5)
    assert (np.diff(forecaster.predict(9), axis=1) >= 0).all()


def test_counts_are_forecast_by_counts():
    counts = RNG.poisson(3, 150).astype(float)
    forecaster = small(linear=True, counts=True, quantiles=(0.1, 0.5, 0.9)).fit(counts)
    forecast = forecaster.predict()
    assert (forecast == np.rint(forecast)).all()
    assert (forecast >= 0).all()
    with pytest.raises(ValueError, match="which is not a count"):
        small(counts=True).fit(counts + 0.5)
    with pytest.raises(ValueError, match="which is not a count"):
        forecaster.predict(series=counts + 0.5)
    with pytest.warns(UserWarning, match="'b'.*not a count"):
        small(counts=True, skip_bad=True).fit({"a": counts, "b": counts + 0.5})
    with pytest.raises(ValueError, match="has no logarithm"):
        small(counts=True, scale="log")


def test_the_scale_is_chosen_by_the_data():
    growth = np.exp(0.05 * np.arange(150) + 0.02 * RNG.normal(size=150))
    assert small(linear=True).fit(growth).choices_["scale"] == "log"
    assert small(linear=True).fit(growth - 1.5).choices_["scale"] == "linear"
    assert small(linear=True, scale="linear").fit(growth).choices_["scale"] == "linear"
    assert small().fit(growth).choices_["reference"] == "last"


def test_window_and_size_are_chosen_or_given():
    chosen = small(None, 4, linear=True, season=12, hidden_units=None, epochs=1).fit(NOISY)
    assert chosen.choices_["window"] == 24
    assert chosen.choices_["hidden_units"] == [16]
    assert chosen.choices_["lags"] > 24
    given = small(6, 4, linear=True, budget="accurate", epochs=1).fit(NOISY)
    assert given.choices_["window"] == 6
    assert given.choices_["hidden_units"] == [4]
    assert given.choices_["lags"] <= 6


def test_missing_values_are_left_out_of_errors():
    values = NOISY.copy()
    values[30:60] = np.nan
    values[::7] = np.nan
    forecaster = small(linear=True, quantiles=(0.1, 0.9)).fit(values[1:])
    assert np.isfinite(forecaster.predict()).all()
    assert forecaster.base.share < 1
