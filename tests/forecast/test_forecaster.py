"""Forecaster: what it learns, the forms it takes and gives, backtests, files."""

import json

import numpy as np
import pytest

import gru_c
from gru_c import load_model
from gru_c.forecast import Forecaster, mase_scale, naive, seasonal_naive, training
from gru_c.utils import progress

NAN = float("nan")
T = np.arange(150)
WAVE = 20 + 5 * np.sin(T * np.pi / 6) + 2 * np.cos(T * np.pi / 3)
NOISY = WAVE + np.random.default_rng(0).normal(size=150)


def small(window=12, horizon=4, **changes):
    given = {"hidden_units": 4, "epochs": 2, "seed": 0, "season": 0, "dropout": 0.0, **changes}
    return Forecaster(window, horizon, **given)


# ---- what it learns ----


def test_a_season_without_noise_is_continued():
    found = small(season=12).fit(WAVE[:138]).predict(12)
    np.testing.assert_allclose(found, WAVE[138:], atol=1e-7)


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
    found = forecaster.fit(y[:400], promo[:400]).predict(4, covariates=promo[400:])
    np.testing.assert_allclose(found, y[400:], atol=0.5)
    other = forecaster.predict(4, covariates=1 - promo[400:])
    np.testing.assert_allclose(other, 23 - y[400:], atol=0.5)


def test_untrained_it_is_the_better_naive_forecast():
    changes = {"epochs": 1, "learning_rate": 1e-30}
    np.testing.assert_allclose(small(**changes).fit(NOISY).predict(), naive(NOISY, 4))
    found = small(season=12, **changes).fit(NOISY)
    assert found.reference_ == "season"
    np.testing.assert_allclose(found.predict(14), seasonal_naive(NOISY, 14, 12))


def test_quantiles_ascend_and_cover():
    noise = np.random.default_rng(3).normal(size=900)
    forecaster = small(4, 2, quantiles=(0.1, 0.9), epochs=30, learning_rate=0.01)
    found = forecaster.backtest(noise, folds=60, refit=False)
    assert 0.7 < found.coverage < 0.9
    low, high = found.folds[0].bounds[0].T
    assert (low < high).all()
    assert found.interval == (0.1, 0.9)


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


def test_without_held_out_part_all_epochs_are_made():
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
    one = small(season=None).fit(frame.a)
    assert one.season_ == 24
    assert one.layout.calendar == ("day",)
    found = one.predict(5)
    assert found.index.equals(ahead)
    assert found.name == "a"
    two = small().fit(frame).predict(5)
    assert two.columns.tolist() == ["a", "b"]
    assert two.index.equals(ahead)
    levels = small(quantiles=(0.1, 0.9)).fit(frame).predict(5)
    assert levels.columns.tolist() == [("a", 0.1), ("a", 0.9), ("b", 0.1), ("b", 0.9)]
    assert (levels.a[0.1] <= levels.a[0.9]).all()
    steps = small().fit(pd.Series(NOISY)).predict(2)
    assert steps.index.tolist() == [1, 2]


def test_covariates_of_a_frame():
    pd = pytest.importorskip("pandas")
    times = pd.date_range("2026-01-01", periods=154, freq="D")
    frame = pd.DataFrame({"y": [*NOISY, *4 * [NAN]], "promo": np.arange(154) % 2}, times)
    known = frame[:150]
    by_name = small(covariates=["promo"]).fit(known)
    expected = by_name.predict(covariates=frame[["promo"]][150:]).y
    given = small().fit(known.y, known[["promo"]])
    found = given.predict(covariates=frame[["promo"]])
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(given.predict(4, known.y, frame[["promo"]]), expected)
    np.testing.assert_array_equal(by_name.predict(4, known, frame[["promo"]]).y, expected)
    with pytest.raises(ValueError, match="the model has 1 covariates: give those of 4 steps"):
        given.predict()
    with pytest.raises(ValueError, match=r"for each of 4 steps, got shape \(1, 1\)"):
        given.fit(NOISY, T % 2).predict(covariates=5)
    given.fit(known.y, known[["promo"]])
    with pytest.raises(ValueError, match="no row for 2026-06-04"):
        given.predict(5, covariates=frame[["promo"]])
    with pytest.raises(ValueError, match="trained without covariates"):
        small().fit(known.y).predict(covariates=[1])


def test_another_series_of_another_level():
    forecaster = small(season=12).fit({"a": NOISY, "b": WAVE})
    found = forecaster.predict(4, {"a": NOISY[:100], "new": 1000 * WAVE[:100]})
    np.testing.assert_allclose(found["new"], 1000 * WAVE[100:104], rtol=0.05)


# ---- backtests ----


def test_a_backtest_forecasts_the_end_from_what_came_before():
    forecaster = small()
    found = forecaster.backtest(NOISY, folds=3)
    assert [fold.origins for fold in found.folds] == [[137], [141], [145]]
    for fold, end in zip(found.folds, (138, 142, 146), strict=True):
        np.testing.assert_array_equal(fold.measured[0], NOISY[end : end + 4])
        np.testing.assert_array_equal(fold.forecasts["naive"][0], np.full(4, NOISY[end - 1]))
        assert fold.scales[0] == pytest.approx(mase_scale(NOISY[:end]))
        expected = small().fit(NOISY[:end]).predict()
        np.testing.assert_array_equal(fold.forecasts["GRU"][0], expected)
    assert not hasattr(forecaster, "model_")
    assert found.methods == ["GRU", "naive"]


def test_a_backtest_trained_once():
    found = small(season=12).backtest([NOISY, WAVE[:120]], folds=2, refit=False)
    model = small(season=12).fit([NOISY[:142], WAVE[:112]])
    expected = model.predict(4, [NOISY[:146], WAVE[:116]])
    np.testing.assert_array_equal(found.folds[1].forecasts["GRU"], expected)
    assert found.folds[1].forecasts["seasonal naive"][1] == pytest.approx(WAVE[116:120])


def test_the_future_does_not_leak_into_a_backtest():
    changed = NOISY.copy()
    changed[-4:] = 1e6
    first, second = (small().backtest(y, folds=1).folds[0] for y in (NOISY, changed))
    np.testing.assert_array_equal(first.forecasts["GRU"], second.forecasts["GRU"])


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


# ---- files ----


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("forecaster") / "model.safetensors"
    holes = NOISY.copy()
    holes[100:130] = NAN
    forecaster = small(season=12, quantiles=(0.1, 0.9)).fit({"a": holes, "b": WAVE})
    forecaster.save(path)
    return forecaster, path


def test_a_file_gives_the_same_forecasts(saved):
    forecaster, path = saved
    again = Forecaster.load(path)
    for name, found in again.predict(9).items():
        np.testing.assert_array_equal(found, forecaster.predict(9)[name])
    assert again.history_ == forecaster.history_
    assert again.quantiles == (0.1, 0.9)
    assert len(again.past.series[1]) == 12 + 12


def test_a_file_of_times_and_covariates(tmp_path):
    pd = pytest.importorskip("pandas")
    times = pd.date_range("2026-01-01", periods=150, freq="h", tz="Europe/Vienna")
    forecaster = small(season=None).fit(pd.Series(NOISY, times), T % 3)
    forecaster.save(tmp_path / "f.safetensors")
    again = Forecaster.load(tmp_path / "f.safetensors")
    covariates = [1, 2, 0, 1]
    found = again.predict(covariates=covariates)
    pd.testing.assert_series_equal(found, forecaster.predict(covariates=covariates))
    assert found.index[0] == times[-1] + pd.Timedelta("1h")
    days = pd.Series(NOISY, pd.date_range("2026-01-01", periods=150, freq="D"))
    with pytest.raises(ValueError, match="has the frequency 'D', the model was trained on 'h'"):
        again.predict(4, days, np.zeros(154))


def test_the_model_of_a_file_alone(saved):
    forecaster, path = saved
    assert load_model(path).count_params() == forecaster.model_.count_params()


def test_a_file_of_a_plain_model(tmp_path):
    path = tmp_path / "model.safetensors"
    gru_c.Sequential([gru_c.Input((5, 2)), gru_c.GRU(3)]).save(path)
    with pytest.raises(ValueError, match="holds a model that is no forecaster"):
        Forecaster.load(path)


def damaged(path, target, change, drop=None):
    from safetensors import safe_open
    from safetensors.numpy import save_file

    with safe_open(path, framework="numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    content = json.loads(metadata["forecaster"])
    change(content)
    tensors.pop(drop, None)
    save_file(tensors, target, {**metadata, "forecaster": json.dumps(content)})
    return target


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(version=9), "its version is not 1"),
        (lambda c: c.pop("layout"), "no 'layout'"),
        (lambda c: c["layout"].update(window=10**12), "the end of series 'a' does not fit"),
        (lambda c: c["layout"].update(horizon=10**12), "its model takes"),
        (lambda c: c["layout"].update(calendar=["day"]), "has no times"),
        (lambda c: c["layout"].update(calendar=["eon"]), "names what this version has not"),
        (lambda c: c["layout"].update(season="x"), "season must be an integer of at least 0"),
        (lambda c: c["layout"].update(covariate_std=[1.0]), "its covariates do not fit"),
        (lambda c: c["layout"].update(more=1), "wanted \\["),
        (lambda c: c["arguments"].update(window=13), "its window and horizon are not"),
        (lambda c: c["arguments"].update(colour=1), "unexpected keyword argument 'colour'"),
        (lambda c: c["scales"]["a"].update(std=0), "std must be a finite number > 0"),
        (lambda c: c.update(series=[]), "it has no series"),
        (lambda c: c.update(series=3), "wanted a list, got 3"),
        (lambda c: c.update(form="tree"), "it has no series"),
        (lambda c: c["series"][0].update(times={"last": "x", "frequency": "h"}), "damaged"),
        (
            lambda c: c["series"][0].update(times={"last": "2026-01-01", "frequency": "?"}),
            "damaged",
        ),
        (lambda c: c["arguments"].update(hidden_units=[10**9]), None),
    ],
)
def test_damaged_files(saved, tmp_path, change, message):
    _, path = saved
    if message == "damaged":  # of times
        pytest.importorskip("pandas")
    target = damaged(path, tmp_path / "damaged.safetensors", change)
    if message is None:  # what is only said of the model is not believed
        assert Forecaster.load(target).model_.count_params() == saved[0].model_.count_params()
        return
    with pytest.raises(ValueError, match=message):
        Forecaster.load(target)


def test_a_file_without_the_end_of_a_series(saved, tmp_path):
    target = tmp_path / "damaged.safetensors"
    damaged(saved[1], target, lambda content: None, drop="forecaster/values/1")
    with pytest.raises(ValueError, match="no 'forecaster/values/1'"):
        Forecaster.load(target)


# ---- plots and bars ----


def test_plots(saved):
    pytest.importorskip("matplotlib")
    figure = saved[0].plot(6, past=20)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["a", "b"]
    measured, forecast = figure.axes[0].get_lines()
    assert len(measured.get_xdata()) == 20
    np.testing.assert_array_equal(forecast.get_xdata(), np.arange(150, 156))
    found = small(season=12, horizon=1).backtest(NOISY, folds=3, refit=False)
    *_, errors = found.plot().axes
    heights = [float(line.get_ydata()[0]) for line in errors.get_lines()]
    assert heights == pytest.approx([row["mae"] for row in found.summary()])


@pytest.mark.parametrize(("verbose", "bar"), [(1, True), (1, False), (2, True), (2, False)])
def test_progress_of_the_training(verbose, bar, monkeypatch, capsys):
    for module in (progress, training):
        monkeypatch.setattr(module, "bars_are_shown", lambda: bar)
    small(verbose=verbose).fit(NOISY)
    printed = capsys.readouterr()
    assert ("Training: 100%" in printed.err) is (verbose == 1 and bar)
    assert ("Epoch 2/2 - loss: " in printed.err) is (verbose == 1 and not bar)
    assert ("Epoch 2/2 - loss: " in printed.out) is (verbose == 2)
