"""Files of forecasters: written, read, and damaged."""

import json

import numpy as np
import pytest
from forecasters import NAN, NOISY, WAVE, T, small

import gru_c
from gru_c import load_model
from gru_c.forecast import Forecaster
from gru_c.saving.files import digest_of

FEATURE = {"name": "x", "mean": 0, "std": 1, "categories": ["a", "b"]}


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
    loaded = Forecaster.load(path)
    for name, forecast in loaded.predict(9).items():
        np.testing.assert_array_equal(forecast, forecaster.predict(9)[name])
    assert loaded.history_ == forecaster.history_
    assert loaded.quantiles == (0.1, 0.9)
    assert len(loaded.past.series[1]) == 12 + 12


def test_a_file_of_times_and_covariates(tmp_path):
    pd = pytest.importorskip("pandas")
    times = pd.date_range("2026-01-01", periods=150, freq="h", tz="Europe/Vienna")
    forecaster = small(season=None).fit(pd.Series(NOISY, times), T % 3)
    forecaster.save(tmp_path / "f.safetensors")
    loaded = Forecaster.load(tmp_path / "f.safetensors")
    covariates = [1, 2, 0, 1]
    forecast = loaded.predict(covariates=covariates)
    pd.testing.assert_series_equal(forecast, forecaster.predict(covariates=covariates))
    assert forecast.index[0] == times[-1] + pd.Timedelta("1h")
    days = pd.Series(NOISY, pd.date_range("2026-01-01", periods=150, freq="D"))
    with pytest.raises(ValueError, match="has the frequency 'D', the model was trained on 'h'"):
        loaded.predict(4, days, np.zeros(154))


def test_the_model_of_a_file_alone(saved):
    forecaster, path = saved
    assert load_model(path).count_params() == forecaster.model_.count_params()


def test_a_file_of_a_plain_model(tmp_path):
    path = tmp_path / "model.safetensors"
    gru_c.Sequential([gru_c.Input((5, 2)), gru_c.GRU(3)]).save(path)
    with pytest.raises(ValueError, match="holds a model that is not a forecaster"):
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
    metadata["forecaster"] = json.dumps(content)
    save_file(tensors, target, {**metadata, "digest": digest_of(tensors, metadata)})
    return target


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(version=9), "its version is not 1 or 2"),
        (lambda c: c["layout"].update(static=1), "static/0"),
        (lambda c: c["layout"].update(past_std=[1.0]), "its covariates do not fit"),
        (lambda c: c["layout"].update(log="yes"), "wanted a bool, got 'yes'"),
        (lambda c: c["layout"].update(lower="x"), "lower must be a finite number"),
        (lambda c: c.update(static=[{**FEATURE, "name": "x"}]), "its static features do not fit"),
        (lambda c: c.update(static=[{"mean": 1}]), "wanted \\["),
        (lambda c: c.update(skipped=3), "wanted a dict, got 3"),
        (lambda c: c.update(form="list"), "do not have numbers as names"),
        (lambda c: c.pop("layout"), "no 'layout'"),
        (lambda c: c["layout"].update(window=10**12), "the end of series 'a' does not fit"),
        (lambda c: c["layout"].update(horizon=10**12), "its model takes"),
        (lambda c: c["layout"].update(calendar=["day"]), "has no times"),
        (lambda c: c["layout"].update(calendar=["eon"]), "that this version does not have"),
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
    if message is None:  # the file's statements about the model are checked
        assert Forecaster.load(target).model_.count_params() == saved[0].model_.count_params()
        return
    with pytest.raises(ValueError, match=message):
        Forecaster.load(target)


def as_version_1(content):
    """Change the content of a file to that of version 1."""
    content["version"] = 1
    for name in ("static", "names", "past_names", "skipped"):
        del content[name]
    for name in ("past_mean", "past_std", "static", "log", "lower"):
        del content["layout"][name]
    for name in ("past_covariates", "lower", "scale", "skip_bad"):
        del content["arguments"][name]
    for item in content["series"]:
        if item["times"] is not None:
            del item["times"]["by_clock"], item["times"]["unit"]


def test_a_file_of_version_1(saved, tmp_path):
    forecaster, path = saved
    loaded = Forecaster.load(damaged(path, tmp_path / "old.safetensors", as_version_1))
    for name, forecast in loaded.predict(9).items():
        np.testing.assert_array_equal(forecast, forecaster.predict(9)[name])
    assert (loaded.lower, loaded.scale, loaded.skip_bad, loaded.skipped_) == (
        None,
        "linear",
        False,
        {},
    )


@pytest.mark.parametrize("frequency", ["D", "24h", "7D", "W-SUN", "MS"])
def test_a_file_of_version_1_with_times(frequency, tmp_path):
    pd = pytest.importorskip("pandas")
    times = pd.date_range("2021-03-01", periods=150, freq=frequency)
    forecaster = small().fit(pd.Series(NOISY, times))
    forecaster.save(tmp_path / "new.safetensors")

    def change(content):
        as_version_1(content)
        content["series"][0]["times"]["frequency"] = frequency  # versions differ in these names

    loaded = Forecaster.load(damaged(tmp_path / "new.safetensors", tmp_path / "old", change))
    pd.testing.assert_series_equal(loaded.predict(9), forecaster.predict(9))
    with_gap = pd.Series(NOISY, times).drop(times[[70]])
    assert loaded.predict(4, with_gap).index.equals(forecaster.predict(4).index)


def test_a_file_without_the_end_of_a_series(saved, tmp_path):
    target = tmp_path / "damaged.safetensors"
    damaged(saved[1], target, lambda content: None, drop="forecaster/values/1")
    with pytest.raises(ValueError, match="no 'forecaster/values/1'"):
        Forecaster.load(target)
