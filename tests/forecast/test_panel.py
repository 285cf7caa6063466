"""Several series: covariates of each, covariates of the past, series that are left out."""

import numpy as np
import pytest
from forecasters import NAN, NOISY, WAVE, T, small

from gru_c.forecast import Forecaster
from gru_c.forecast.panel import Given, read_panel

WIND = np.random.default_rng(5).normal(size=150)
BAD = {
    "a": NOISY,
    "short": NOISY[:5],
    "infinite": np.r_[NOISY, np.inf],
    "empty": np.full(9, NAN),
    "text": np.array(["x"] * 30),
    "b": WAVE,
}


@pytest.fixture
def frames():
    pd = pytest.importorskip("pandas")
    times = pd.date_range("2026-01-01", periods=154, freq="D")
    columns = {"y": [*NOISY, *4 * [NAN]], "promo": np.arange(154) % 2, "wind": [*WIND, *4 * [NAN]]}
    first = pd.DataFrame(columns, times)
    return {"a": first, "b": first.assign(y=first.y + 30, promo=1 - first.promo)[20:]}


def known(frames):
    return {name: frame[:-4] for name, frame in frames.items()}


def ahead(frames):
    return {name: frame[["promo"]] for name, frame in frames.items()}


# ---- series that are left out ----


def test_a_bad_series_is_an_error_and_named():
    with pytest.raises(ValueError, match="series 'infinite' holds inf"):
        small().fit(BAD)


def test_bad_series_are_left_out_and_named(tmp_path):
    forecaster = small(skip_bad=True)
    with pytest.warns(UserWarning, match=r"left out: series 'infinite' holds inf .*'short' has 5"):
        forecaster.fit(BAD)
    assert forecaster.names_ == ["a", "b"]
    assert list(forecaster.skipped_) == ["infinite", "empty", "text", "short"]
    assert forecaster.skipped_["short"].startswith("series 'short' has 5 steps")
    expected = small().fit({"a": NOISY, "b": WAVE}).predict(6)
    for name, forecast in forecaster.predict(6).items():
        np.testing.assert_array_equal(forecast, expected[name])
    forecaster.save(tmp_path / "f.safetensors")
    loaded = Forecaster.load(tmp_path / "f.safetensors")
    assert (loaded.skipped_, loaded.skip_bad) == (forecaster.skipped_, True)


@pytest.mark.parametrize("form", ["list", "columns"])
def test_a_series_without_a_name_keeps_its_place(form, tmp_path):
    empty = np.full(150, NAN)
    data = [NOISY, empty, WAVE] if form == "list" else np.column_stack([NOISY, empty, WAVE])
    forecaster = small(skip_bad=True, quantiles=(0.1, 0.9))
    with pytest.warns(UserWarning, match="left out: series '1' has no value"):
        forecaster.fit(data)
    forecaster.save(tmp_path / "f.safetensors")
    for model in (forecaster, Forecaster.load(tmp_path / "f.safetensors")):
        forecasts = np.array(model.predict())
        assert forecasts.shape == ((3, 4, 2) if form == "list" else (4, 3, 2))
        missing = np.isnan(forecasts).all(axis=(1, 2) if form == "list" else (0, 2))
        assert missing.tolist() == [False, True, False]


def test_columns_of_a_frame_are_left_out():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": NOISY, "empty": NAN, "b": -WAVE, "c": WAVE})
    with pytest.warns(UserWarning, match="'empty' has no value.*'b' is -.* below lower=0"):
        forecast = small(skip_bad=True, lower=0).fit(frame).predict()
    assert forecast.columns.tolist() == ["a", "c"]


@pytest.mark.parametrize("data", [NOISY[:5], {"a": NOISY[:5], "b": NOISY[:3]}, [[NAN], [NAN]]])
def test_without_a_good_series_the_first_fault_is_an_error(data):
    with pytest.raises(ValueError, match=r"has 5 steps|has no value"):
        small(skip_bad=True).fit(data)


def test_irregular_times_are_left_out():
    pd = pytest.importorskip("pandas")
    days = pd.date_range("2026-01-01", periods=150, freq="D")
    series = {
        "good": pd.Series(NOISY, days),
        "twice": pd.Series(NOISY, days[:-1].append(days[-2:-1])),
        "odd": pd.Series(NOISY, days[:-1].append(pd.DatetimeIndex(["2027-01-01 05:00"]))),
        "labels": pd.Series(NOISY, [f"row {i}" for i in T]),
    }
    with pytest.warns(
        UserWarning, match="'twice' has .*'odd' has irregular.*'labels' has an index"
    ):
        forecaster = small(skip_bad=True).fit(series)
    assert forecaster.names_ == ["good"]
    hours = pd.Series(NOISY, pd.date_range("2026-01-01", periods=150, freq="h"))
    with pytest.warns(UserWarning, match="'new' has the frequency 'h'.*'short' has 5 steps"):
        forecasts = forecaster.predict(
            4, {"good": series["good"], "new": hours, "short": series["good"][:5]}
        )
    assert list(forecasts) == ["good"]


def test_one_short_series_does_not_end_the_season_of_all():
    pd = pytest.importorskip("pandas")
    hours = pd.date_range("2026-01-01", periods=150, freq="h")
    series = {str(i): pd.Series(NOISY + i, hours) for i in range(3)}
    series["new"] = pd.Series(NOISY[:20], hours[:20])
    assert small(season=None).fit(series).season_ == 0
    with pytest.warns(UserWarning, match="'new' has 20 steps, a forecast needs .* 24"):
        assert small(season=None, skip_bad=True).fit(series).season_ == 24


def test_a_backtest_leaves_out_the_same_series_in_all_folds():
    late = np.r_[NOISY[:-1], -1.0]  # its bad value is in the last fold
    series = {"a": NOISY, "short": NOISY[:20], "late": late, "b": WAVE}
    with pytest.warns(UserWarning, match="'short' has 20 steps: 5 folds.*'late' is -1"):
        backtest = small(skip_bad=True, lower=0).backtest(series)
    assert backtest.names == ["a", "b"]
    assert list(backtest.skipped) == ["short", "late"]
    assert {fold.measured.shape for fold in backtest.folds} == {(2, 4)}


# ---- covariates ----


def test_each_series_has_covariates_of_its_own(frames):
    by_name = small(covariates=["promo"], past_covariates=["wind"]).fit(known(frames))
    expected = by_name.predict(covariates=ahead(frames))
    series = {name: frame.y[:-4] for name, frame in frames.items()}
    past = {name: frame[["wind"]] for name, frame in frames.items()}
    apart = small().fit(series, ahead(frames), past_covariates=past)
    arrays = small().fit(
        {name: values.to_numpy() for name, values in series.items()},
        {name: frame.promo.to_numpy()[:-4] for name, frame in frames.items()},
        past_covariates={name: frame.wind.to_numpy()[:-4] for name, frame in frames.items()},
    )
    steps = {name: frame.promo.to_numpy()[-4:] for name, frame in frames.items()}
    for name in "ab":
        for model, covariates in ((apart, ahead(frames)), (arrays, steps)):
            forecast = model.predict(covariates=covariates)[name]
            if model is apart:
                assert forecast.index.equals(expected[name].index)
                np.testing.assert_array_equal(forecast, expected[name])
            assert np.isfinite(forecast).all()
        again = by_name.predict(4, {name: known(frames)[name]}, ahead(frames))
        np.testing.assert_array_equal(again[name], expected[name])
    other = by_name.predict(covariates={name: 1 - rows for name, rows in ahead(frames).items()})
    assert (other["a"] != expected["a"]).any()


def test_covariates_of_each_series_that_do_not_fit(frames):
    forecaster = small(covariates=["promo"], past_covariates=["wind"]).fit(known(frames))
    with pytest.raises(ValueError, match="no covariates of series 'b': there are those of"):
        forecaster.predict(covariates={"a": ahead(frames)["a"]})
    different = {"a": frames["a"][["promo"]], "b": frames["b"][["wind"]].fillna(0)}
    series = {name: frame.y[:-4] for name, frame in frames.items()}
    with pytest.raises(ValueError, match="series 'b' has other covariates than the series before"):
        small().fit(series, different)


def test_columns_of_covariates_are_looked_up_by_name(frames):
    frame = frames["a"]
    beside = frame[["promo", "wind"]].fillna(0)
    forecaster = small().fit(frame.y[:-4], beside)
    swapped = forecaster.predict(covariates=beside[["wind", "promo"]])
    np.testing.assert_array_equal(swapped, forecaster.predict(covariates=beside))
    with pytest.raises(ValueError, match="there is no covariate 'promo'"):
        forecaster.predict(covariates=beside[["wind"]])


def test_a_covariate_of_the_past_is_learnt():
    steps = np.random.default_rng(1).normal(size=400)
    y = np.r_[0.0, np.cumsum(steps)[:-1]]  # a step is known one step ahead
    forecaster = small(4, 1, hidden_units=16, epochs=40, learning_rate=0.02)
    forecaster.fit(y[:380], past_covariates=steps[:380])
    forecasts = [
        forecaster.predict(1, y[:end], past_covariates=steps[:end])[0] for end in range(381, 400)
    ]
    error = np.abs(forecasts - y[381:400]).mean()
    assert error < 0.3 * np.abs(np.diff(y)[-20:]).mean()


def test_a_missing_covariate_of_the_past_is_the_last_known_one(frames):
    holes = WIND.copy()
    holes[40:45] = NAN
    (item,) = read_panel(NOISY, Given(past=holes)).series
    assert (item.past[40:45, 0] == WIND[39]).all()
    with pytest.raises(ValueError, match="past covariate 0 of series 'y' has no value up to"):
        small().fit(NOISY, past_covariates=np.r_[NAN, WIND[1:]])
    with pytest.raises(ValueError, match="past covariate 0 is inf at step 3"):
        small().fit(NOISY, past_covariates=np.r_[WIND[:3], np.inf, WIND[4:]])
    frame = frames["a"][:-4].drop(frames["a"].index[60:62])  # gaps in the times
    (item,) = read_panel(frame[["y", "wind"]], Given(past_names=["wind"])).series
    assert (item.past[60:62, 0] == WIND[59]).all()


def test_covariates_of_the_past_that_are_missing_or_too_many(tmp_path):
    forecaster = small().fit(NOISY, past_covariates=WIND)
    forecaster.save(tmp_path / "f.safetensors")
    loaded = Forecaster.load(tmp_path / "f.safetensors")
    np.testing.assert_array_equal(loaded.predict(), forecaster.predict())
    with pytest.raises(ValueError, match="steps must be at most the horizon of 4, got 5"):
        forecaster.predict(5)
    with pytest.raises(ValueError, match="the model has 1 past covariates, series 'y' has 0"):
        forecaster.predict(4, NOISY)
    with pytest.raises(ValueError, match="past covariates belong to new series"):
        forecaster.predict(4, past_covariates=WIND)
    with pytest.raises(ValueError, match="trained without past covariates"):
        small().fit(NOISY).predict(4, NOISY, past_covariates=WIND)
    with pytest.raises(ValueError, match=r"past covariates must have a row .* each of 150 steps"):
        small().fit(NOISY, past_covariates=WIND[:9])


def test_series_that_cannot_have_these_names(frames):
    with pytest.raises(ValueError, match=r"must have different names, got \['1', '1'\]"):
        small().fit({1: NOISY, "1": NOISY})
    with pytest.raises(ValueError, match=r"'a' must be .* one column besides .* \['y', 'promo'"):
        small().fit({"a": frames["a"][:-4]})
    with pytest.raises(ValueError, match="columns of a DataFrame"):
        small(past_covariates=["wind"]).fit(NOISY)
