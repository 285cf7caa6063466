"""Forecaster: training, forecasts, the forms of series and forecasts, refusals."""

import numpy as np
import pytest
from forecasters import NAN, NOISY, WAVE, T, small

from gru_c.common import progress
from gru_c.forecast import naive, seasonal_naive, training

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


def test_untrained_it_is_the_better_naive_forecast():
    changes = {"epochs": 1, "learning_rate": 1e-30}
    np.testing.assert_allclose(small(**changes).fit(NOISY).predict(), naive(NOISY, 4))
    trained = small(season=12, **changes).fit(NOISY)
    assert trained.reference_ == "season"
    np.testing.assert_allclose(trained.predict(14), seasonal_naive(NOISY, 14, 12))


def test_quantiles_ascend_and_cover():
    noise = np.random.default_rng(3).normal(size=900)
    forecaster = small(4, 2, quantiles=(0.1, 0.9), epochs=30, learning_rate=0.01)
    backtest = forecaster.backtest(noise, folds=60, refit=False)
    assert 0.7 < backtest.coverage < 0.9
    low, high = backtest.folds[0].bounds[0].T
    assert (low < high).all()
    assert backtest.interval == (0.1, 0.9)


def test_the_best_weights_on_what_is_held_out_are_kept():
    forecaster = small(epochs=40, patience=3, learning_rate=0.05, quantiles=(0.5,)).fit(NOISY)
    losses = forecaster.history_["val_loss"]
    assert len(losses) < 40
    assert int(np.argmin(losses)) == len(losses) - 4
    item, scale = forecaster.past.series[0], forecaster.scales["y"]
    origins = np.arange(len(NOISY) - 22 - 1, len(NOISY) - 4)
    x = forecaster.layout.windows(item, scale, origins)
    targets = forecaster.layout.targets(item, origins)
    y = (targets - forecaster.layout.naive(item, origins)) / scale.step
    error = np.abs(forecaster.model_.predict(x, verbose=0) - y)
    assert error.mean() / 2 == pytest.approx(min(losses), rel=1e-5)


def test_without_a_held_out_part_training_runs_for_all_epochs():
    forecaster = small(epochs=3, validation_fraction=0).fit(NOISY)
    assert len(forecaster.history_["loss"]) == 3
    assert "val_loss" not in forecaster.history_


def test_what_is_held_out_does_not_enter_the_scaling():
    shifted = NOISY.copy()
    shifted[-10:] += 100
    assert small().fit(shifted).scales == small().fit(NOISY).scales


@pytest.mark.parametrize("values", [np.full(60, 7.0), np.zeros(60), np.full(60, -0.1)])
def test_a_constant_series(values):
    np.testing.assert_allclose(small().fit(values).predict(), values[:4], atol=1e-6)


def test_missing_values_are_no_targets():
    holes = NOISY.copy()
    holes[np.random.default_rng(0).random(150) < 0.3] = NAN
    forecaster = small().fit(holes)
    assert forecaster.layout.marks_missing
    assert np.isfinite(forecaster.predict(9)).all()
    assert np.isfinite(forecaster.history_["loss"]).all()


def test_an_end_of_missing_values():
    holes = NOISY.copy()
    holes[-3:] = NAN
    assert np.isfinite(small().fit(holes).predict()).all()


def test_only_missing_values_to_validate_on():
    holes = NOISY.copy()
    holes[-40:] = NAN
    with pytest.raises(ValueError, match="the held-out part has no window with a value"):
        small().fit(holes)


def test_repeatable_to_the_bit_on_any_number_of_threads():
    first, second = (
        small(dropout=0.2, num_threads=n, quantiles=(0.1, 0.9)).fit(NOISY).predict(6)
        for n in (1, 2)
    )
    assert first.tobytes() == second.tobytes()
    assert small(dropout=0.2, seed=1).fit(NOISY).predict()[0] != first[0, 0]


def test_beyond_the_horizon_goes_on_from_its_own_forecast():
    forecaster = small().fit(NOISY)
    first = forecaster.predict(4)
    again = forecaster.predict(4, np.concatenate([NOISY, first]))
    np.testing.assert_array_equal(forecaster.predict(7), np.concatenate([first, again])[:7])


# ---- forms ----


@pytest.mark.parametrize("quantiles", [None, (0.1, 0.5, 0.9)])
def test_forms_without_pandas(quantiles):
    last = () if quantiles is None else (3,)
    both = np.column_stack([NOISY, WAVE])
    forecaster = small(quantiles=quantiles)
    assert forecaster.fit(NOISY).predict(5).shape == (5, *last)
    columns = forecaster.fit(both).predict(5)
    assert columns.shape == (5, 2, *last)
    listed = forecaster.fit([NOISY, WAVE]).predict(5)
    np.testing.assert_array_equal(np.stack(listed, axis=1), columns)
    named = forecaster.fit({"a": NOISY, "b": WAVE[:100]}).predict(5)
    assert list(named) == ["a", "b"]
    assert named["b"].shape == (5, *last)


def test_forms_of_pandas():
    pd = pytest.importorskip("pandas")
    times = pd.date_range("2026-01-01", periods=150, freq="h")
    frame = pd.DataFrame({"a": NOISY, "b": WAVE}, times)
    ahead = pd.date_range(times[-1], periods=6, freq="h")[1:]
    single = small(season=None).fit(frame.a)
    assert single.season_ == 24
    assert single.layout.calendar == ("day",)
    forecast = single.predict(5)
    assert forecast.index.equals(ahead)
    assert forecast.name == "a"
    several = small().fit(frame).predict(5)
    assert several.columns.tolist() == ["a", "b"]
    assert several.index.equals(ahead)
    with_quantiles = small(quantiles=(0.1, 0.9)).fit(frame).predict(5)
    assert with_quantiles.columns.tolist() == [("a", 0.1), ("a", 0.9), ("b", 0.1), ("b", 0.9)]
    assert (with_quantiles.a[0.1] <= with_quantiles.a[0.9]).all()
    steps = small().fit(pd.Series(NOISY)).predict(2)
    assert steps.index.tolist() == [1, 2]


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


def test_another_series_of_another_level():
    forecaster = small(season=12).fit({"a": NOISY, "b": WAVE})
    forecast = forecaster.predict(4, {"a": NOISY[:100], "new": 1000 * WAVE[:100]})
    np.testing.assert_allclose(forecast["new"], 1000 * WAVE[100:104], rtol=0.05)


# ---- refusals ----


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
        ({"verbose": 3}, "verbose must be"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_settings_that_are_refused(changes, message):
    with pytest.raises((ValueError, TypeError), match=message):
        small(**changes)


def test_series_that_are_too_short():
    with pytest.raises(ValueError, match=r"series 'y' has 15 steps: window .* at least 16 besides"):
        small().fit(NOISY[:15])
    with pytest.raises(ValueError, match="series '1' has 5 steps, a forecast needs window"):
        small().fit([NOISY, NOISY[:5]])
    with pytest.raises(ValueError, match="2 folds of 4 leave nothing to train on"):
        small().backtest(NOISY[:8], folds=2)
    with pytest.raises(ValueError, match="has 5 steps, a forecast needs 12"):
        small().fit(NOISY).predict(4, NOISY[:5])
    with pytest.raises(ValueError, match="at most 1000 horizons of 4, got 1000000000"):
        small().fit(NOISY).predict(10**9)
    with pytest.raises(ValueError, match="window must be as long as the horizon: 2 < 4"):
        small(2).fit(NOISY, NOISY)
    with pytest.raises(ValueError, match="predict needs a forecaster that has been trained"):
        small().predict()


def test_a_failed_fit_changes_nothing():
    forecaster = small().fit(NOISY)
    before = forecaster.predict()
    with pytest.raises(ValueError, match="holds inf"):
        forecaster.fit([1.0, np.inf])
    np.testing.assert_array_equal(forecaster.predict(), before)


# ---- plots and bars ----


def test_a_plot_of_a_forecast():
    pytest.importorskip("matplotlib")
    holes = NOISY.copy()
    holes[100:130] = NAN
    forecaster = small(season=12, quantiles=(0.1, 0.9)).fit({"a": holes, "b": WAVE})
    figure = forecaster.plot(6, past=20)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["a", "b"]
    measured, forecast = figure.axes[0].get_lines()
    assert len(measured.get_xdata()) == 20
    np.testing.assert_array_equal(forecast.get_xdata(), np.arange(150, 156))


@pytest.mark.parametrize(("verbose", "bar"), [(1, True), (1, False), (2, True), (2, False)])
def test_progress_of_the_training(verbose, bar, monkeypatch, capsys):
    for module in (progress, training):
        monkeypatch.setattr(module, "bars_are_shown", lambda: bar)
    small(verbose=verbose).fit(NOISY)
    printed = capsys.readouterr()
    assert ("Training: 100%" in printed.err) is (verbose == 1 and bar)
    assert ("Epoch 2/2 - loss: " in printed.err) is (verbose == 1 and not bar)
    assert ("Epoch 2/2 - loss: " in printed.out) is (verbose == 2)
