"""The arguments of a forecaster: what is refused, lower bounds and logarithmic scales."""

import numpy as np
import pytest
from forecasters import NOISY, WAVE, small

from gru_c.forecast import Forecaster, naive

COUNTS = np.maximum(np.arange(141.0, -9.0, -1.0), 0)  # a stock that runs out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window": 0}, "window must be an integer of at least 1"),
        ({"horizon": 1.5}, "horizon must be an integer of at least 1"),
        ({"hidden_units": ()}, "hidden_units must have a number"),
        ({"quantiles": (0.9, 0.1)}, "Forecaster: quantiles must be"),
        ({"season": -1}, "season must be an integer of at least 0"),
        ({"validation_fraction": 1}, r"validation_fraction must be a number in \[0, 1\), got 1"),
        ({"learning_rate": 0}, "learning_rate must be a finite number > 0"),
        ({"covariates": "promo"}, "covariates must be a list of names"),
        ({"past_covariates": "wind"}, "past_covariates must be a list of names"),
        ({"covariates": ["x"], "past_covariates": ["x"]}, r"\['x'\] are either known ahead or"),
        ({"lower": np.inf}, "lower must be a finite number"),
        ({"scale": "sqrt"}, "scale must be one of 'auto', 'linear', 'log'"),
        ({"skip_bad": "yes"}, "skip_bad must be True or False"),
        ({"verbose": 3}, "verbose must be"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_settings_that_are_refused(changes, message):
    with pytest.raises((ValueError, TypeError), match=message):
        small(**changes)


def test_settings_of_the_model_do_not_change_after_fit():
    forecaster = small().fit(NOISY)
    for name, value in (("lower", 0), ("scale", "log"), ("past_covariates", ["x"])):
        with pytest.raises(AttributeError, match=f"{name} cannot change after fit"):
            setattr(forecaster, name, value)
    forecaster.skip_bad = True
    assert forecaster.skip_bad


# ---- the lowest value ----


def test_no_forecast_and_no_quantile_is_below_the_lowest_value(tmp_path):
    changes = {"quantiles": (0.01, 0.5, 0.99), "epochs": 20}
    free, bounded = (small(lower=lower, **changes).fit(COUNTS) for lower in (None, 0))
    assert free.predict(20).min() < 0
    np.testing.assert_array_equal(bounded.predict(4), np.maximum(free.predict(4), 0))
    assert bounded.predict(20).min() == 0
    bounded.save(tmp_path / "f.safetensors")
    np.testing.assert_array_equal(
        Forecaster.load(tmp_path / "f.safetensors").predict(20), bounded.predict(20)
    )
    backtest = small(lower=0, **changes).backtest(COUNTS, folds=3)
    assert min(fold.bounds.min() for fold in backtest.folds) == 0
    assert min(fold.forecasts["GRU"].min() for fold in backtest.folds) >= 0


def test_a_value_below_the_lowest_is_refused():
    with pytest.raises(ValueError, match=r"series 'y' is -1 at step 2, which is below lower=0"):
        small(lower=0).fit([*COUNTS[:2], -1, *COUNTS[2:]])
    with pytest.raises(ValueError, match=r"below lower=0\.5"):
        small(lower=0.5).fit(COUNTS)
    with pytest.raises(ValueError, match="below lower=0"):
        small(lower=0).fit(COUNTS).predict(4, -COUNTS)
    pd = pytest.importorskip("pandas")
    days = pd.date_range("2026-01-01", periods=150, freq="D")
    with pytest.raises(ValueError, match="'y' is -9 at 2026-01-03"):
        small(lower=0).fit(pd.Series([*COUNTS[:2], -9, *COUNTS[3:]], days))


# ---- the logarithmic scale ----


def test_on_a_logarithmic_scale_the_model_learns_logarithms(tmp_path):
    changes = {"season": 12, "quantiles": (0.1, 0.9)}
    logarithms = small(**changes).fit(NOISY / 10)
    positive = small(scale="log", **changes).fit(np.exp(NOISY / 10))
    assert positive.reference_ == logarithms.reference_
    np.testing.assert_allclose(positive.predict(9), np.exp(logarithms.predict(9)), rtol=1e-5)
    np.testing.assert_allclose(
        positive.predict(9, np.exp(NOISY[:99] / 10)),
        np.exp(logarithms.predict(9, NOISY[:99] / 10)),
        rtol=1e-5,
    )
    positive.save(tmp_path / "f.safetensors")
    np.testing.assert_array_equal(
        Forecaster.load(tmp_path / "f.safetensors").predict(9), positive.predict(9)
    )


def test_a_logarithmic_scale_goes_with_missing_values_and_a_lowest_value():
    values = np.exp(WAVE / 10)
    values[40:44] = np.nan
    forecaster = small(scale="log", lower=values[-1], quantiles=(0.001, 0.999), epochs=1)
    forecast = forecaster.fit(np.maximum(values, values[-1])).predict(12)
    assert np.isfinite(forecast).all()
    assert forecast.min() == values[-1]


def test_an_untrained_model_gives_the_naive_forecast_on_both_scales():
    values = np.exp(NOISY / 10)
    untrained = small(scale="log", epochs=1, learning_rate=1e-30).fit(values)
    np.testing.assert_allclose(untrained.predict(), naive(values, 4))


@pytest.mark.parametrize("bad", [0.0, -2.0])
def test_a_logarithmic_scale_is_for_positive_series(bad):
    values = np.exp(NOISY / 10)
    values[7] = bad
    with pytest.raises(ValueError, match="at step 7: a logarithmic scale is for values above 0"):
        small(scale="log").fit(values)
    forecaster = small(scale="log").fit(np.exp(NOISY / 10))
    with pytest.raises(ValueError, match="a logarithmic scale is for values above 0"):
        forecaster.predict(4, values)
    with pytest.warns(UserWarning, match="left out: series 'bad' is"):
        assert small(scale="log", skip_bad=True).fit({"bad": values, "a": NOISY}).names_ == ["a"]


def test_forecasts_of_logarithms_stay_finite():
    values = np.exp(np.linspace(0, 220, 150))
    assert np.isfinite(small(scale="log", epochs=5).fit(values).predict(400)).all()
