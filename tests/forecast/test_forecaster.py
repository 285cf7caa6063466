"""Forecaster: what it learns, quantiles, repeated runs, refusals."""

import numpy as np
import pytest
from forecasters import NAN, NOISY, WAVE, T, small

from gru_c.forecast import Forecaster, naive

# ---- learning ----


def test_a_season_without_noise_is_continued():
    forecast = small(season=12).fit(WAVE[:138]).predict(12)
    np.testing.assert_allclose(forecast, WAVE[138:], atol=1e-7)


def test_a_wave_is_learnt_without_being_told_its_season():
    forecaster = small(24, 6, hidden_units=16, epochs=60, learning_rate=0.01).fit(WAVE[:144])
    error = np.abs(forecaster.predict() - WAVE[144:])
    assert error.mean() < 0.1 * np.abs(naive(WAVE[:144], 6) - WAVE[144:]).mean()
    assert forecaster.reference_ == "last"


def test_a_covariate_is_learnt_also_of_the_steps_ahead():
    rng = np.random.default_rng(1)
    promo = rng.integers(0, 2, 404).astype(float)
    y = 10 + 3 * promo
    forecaster = small(6, 2, hidden_units=16, epochs=40, learning_rate=0.02)
    forecast = forecaster.fit(y[:400], promo[:400]).predict(4, covariates=promo[400:])
    np.testing.assert_allclose(forecast, y[400:], atol=0.5)
    other = forecaster.predict(4, covariates=1 - promo[400:])
    np.testing.assert_allclose(other, 23 - y[400:], atol=0.5)


def test_quantiles_ascend_and_cover():
    noise = np.random.default_rng(3).normal(size=900)
    forecaster = small(4, 2, quantiles=(0.1, 0.9), epochs=30, learning_rate=0.01)
    backtest = forecaster.backtest(noise, folds=60, refit=False)
    assert 0.7 < backtest.coverage < 0.9
    low, high = backtest.folds[0].bounds[0].T
    assert (low < high).all()
    assert backtest.interval == (0.1, 0.9)


@pytest.mark.parametrize("values", [np.full(60, 7.0), np.zeros(60), np.full(60, -0.1)])
def test_a_constant_series(values):
    np.testing.assert_allclose(small().fit(values).predict(), values[:4], atol=1e-6)


def test_an_end_of_missing_values():
    holes = NOISY.copy()
    holes[-3:] = NAN
    assert np.isfinite(small().fit(holes).predict()).all()


def test_repeatable_to_the_bit_on_any_number_of_threads():
    first, second = (
        small(dropout=0.2, num_threads=n, quantiles=(0.1, 0.9)).fit(NOISY).predict(6)
        for n in (1, 2)
    )
    assert first.tobytes() == second.tobytes()
    assert small(dropout=0.2, seed=1).fit(NOISY).predict()[0] != first[0, 0]


def test_covariates_of_a_frame():
    pd = pytest.importorskip("pandas")
    times = pd.date_range("2026-01-01", periods=154, freq="D")
    frame = pd.DataFrame({"y": [*NOISY, *4 * [NAN]], "promo": np.arange(154) % 2}, times)
    known = frame[:150]
    by_name = small(covariates=["promo"]).fit(known)
    expected = by_name.predict(covariates=frame[["promo"]][150:]).y
    with_frame = small().fit(known.y, known[["promo"]])
    forecast = with_frame.predict(covariates=frame[["promo"]])
    np.testing.assert_array_equal(forecast, expected)
    np.testing.assert_array_equal(with_frame.predict(4, known.y, frame[["promo"]]), expected)
    np.testing.assert_array_equal(by_name.predict(4, known, frame[["promo"]]).y, expected)
    with pytest.raises(ValueError, match="the model has 1 covariates: give those of 4 steps"):
        with_frame.predict()
    with pytest.raises(ValueError, match=r"for each of 4 steps, got shape \(1, 1\)"):
        with_frame.fit(NOISY, T % 2).predict(covariates=5)
    with_frame.fit(known.y, known[["promo"]])
    with pytest.raises(ValueError, match="no row for 2026-06-04"):
        with_frame.predict(5, covariates=frame[["promo"]])
    with pytest.raises(ValueError, match="trained without covariates"):
        small().fit(known.y).predict(covariates=[1])


# ---- refusals ----


def test_a_failed_fit_changes_nothing():
    forecaster = small().fit(NOISY)
    before = forecaster.predict()
    with pytest.raises(ValueError, match="holds inf"):
        forecaster.fit([1.0, np.inf])
    np.testing.assert_array_equal(forecaster.predict(), before)


def test_parameters_are_those_of_the_constructor():
    forecaster = small(quantiles=(0.1, 0.9))
    params = forecaster.get_params()
    assert params["window"] == 12
    assert Forecaster(**params).get_params() == params
    assert forecaster.set_params(epochs=7, window=9) is forecaster
    assert (forecaster.epochs, forecaster.window) == (7, 9)
    with pytest.raises(ValueError, match="there is no argument 'epoch'"):
        forecaster.set_params(epochs=8, epoch=1)
    with pytest.raises(ValueError, match="horizon"):
        forecaster.set_params(epochs=8, horizon=0)
    assert forecaster.epochs == 7


def test_the_window_of_a_trained_forecaster_is_fixed():
    forecaster = small().fit(NOISY)
    with pytest.raises(AttributeError, match="window cannot change after fit"):
        forecaster.set_params(epochs=1, window=3)
    assert forecaster.epochs == 2


def test_a_clone_by_sklearn_is_not_trained():
    base = pytest.importorskip("sklearn.base")
    forecaster = small(hidden_units=[4, 3]).fit(NOISY)
    clone = base.clone(forecaster)
    assert clone.get_params() == forecaster.get_params()
    assert not hasattr(clone, "model_")
