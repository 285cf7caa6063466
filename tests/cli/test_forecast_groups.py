"""gru-c forecast, predict and inspect on groups: covariates of each, static columns, bad groups."""

import numpy as np
import pytest

from gru_c import cli
from gru_c.forecast import Backtest, Forecaster, report

pd = pytest.importorskip("pandas")
pytest.importorskip("matplotlib")

FAST = ["--window", "14", "--horizon", "6", "--units", "4", "--epochs", "1", "--folds", "2"]
COLUMNS = ["--target", "demand", "--time", "day", "--group", "shop"]
BESIDE = ["--covariates", "promo", "--past-covariates", "wind", "--static", "size,kind"]


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    """Leave out the pictures of reports, which take most of the time."""
    monkeypatch.setattr(report, "_picture", lambda figure, text: "")
    for kind in (Forecaster, Backtest):
        monkeypatch.setattr(kind, "plot", lambda self, **_: None)


def shop(name, number, steps=90, ahead=6):
    """Return the rows of a shop, at whose end the demand and the wind are not known."""
    rng = np.random.default_rng(number)
    days = pd.date_range("2026-01-01", periods=steps + ahead, freq="D")
    t = np.arange(steps + ahead)
    demand = (10 + 5 * np.sin(t * 2 * np.pi / 7) + rng.normal(size=len(t))).round(2).astype(object)
    columns = {"demand": demand, "promo": t % 3 // 2, "wind": rng.normal(size=len(t)).round(2)}
    frame = pd.DataFrame({"shop": name, "day": days, **columns, "size": number, "kind": name[0]})
    frame.loc[steps:, ["demand", "wind"]] = None
    return frame


def write(path, *parts):
    pd.concat(parts).to_csv(path, index=False)
    return str(path)


def run(capsys, *arguments):
    code = cli.main([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


def test_groups_with_covariates_past_covariates_and_static_columns(tmp_path, capsys):
    north, south = shop("north", 1), shop("south", 2)
    data = write(tmp_path / "data.csv", north, south)
    code, printed, error = run(
        capsys, "forecast", data, *COLUMNS, *BESIDE, *FAST, "--out", tmp_path, "--lower", "0"
    )
    assert code == 0, error
    assert "6 rows at the end of each group with covariates and no target" in printed
    assert "known only in the past: wind\nstatic: size, kind\n" in printed
    model, again = tmp_path / "model.safetensors", tmp_path / "again.csv"
    forecaster = Forecaster.load(model)
    assert (forecaster.covariates, forecaster.past_covariates) == (("promo",), ("wind",))
    assert [feature.name for feature in forecaster.static] == ["size", "kind"]
    assert forecaster.lower == 0
    code, _, error = run(capsys, "predict", model, data, "--out", again)
    assert code == 0, error
    assert again.read_bytes() == (tmp_path / "forecast.csv").read_bytes()
    frames = {
        name: rows.set_index("day")[["demand", "promo", "wind"]].astype(float)
        for name, rows in (("north", north), ("south", south))
    }
    static = {"north": {"size": 1, "kind": "n"}, "south": {"size": 2, "kind": "s"}}
    expected = forecaster.predict(
        6,
        {name: frame[:90] for name, frame in frames.items()},
        {name: frame[["promo"]] for name, frame in frames.items()},
        static=static,
    )
    table = pd.read_csv(again)
    for name in frames:
        forecasts = table[table.series == name][["q0.1", "forecast", "q0.9"]]
        np.testing.assert_allclose(forecasts, expected[name], rtol=1e-9)
    without = write(
        tmp_path / "new.csv", *(f.drop(columns=["size", "kind"]) for f in (north, south))
    )
    code, _, error = run(capsys, "predict", model, without, "--out", tmp_path / "known.csv")
    assert code == 0, error  # the model knows the static features of its series
    assert (tmp_path / "known.csv").read_bytes() == again.read_bytes()
    code, _, error = run(capsys, "predict", model, data, "--out", again, "--steps", "7")
    assert code == 1
    assert "covariates of 'north' of 6 steps ahead: a forecast needs 7" in error


def bad_groups():
    """Return groups with a fault each, and words of the message on it."""
    text, twice, late = shop("text", 3), shop("twice", 4), shop("late", 5)
    text.loc[7, "demand"] = "many"
    late.loc[9, "size"] = 99
    return {
        "text": (text, "'many' in row "),
        "twice": (pd.concat([twice[:3], twice[2:]]), "2026-01-03"),
        "odd": (shop("odd", 6).drop(index=[50]), "the covariates have no row for 2026-02-20"),
        "empty": (shop("empty", 7).assign(demand=None), "'empty' has no value in any row"),
        "ahead": (shop("ahead", 8, ahead=2), "covariates of 'ahead' of 2 steps ahead"),
        "late": (late, "the static feature 'size' of 'late' is 5.0 in some rows and 99.0 in"),
        "short": (shop("short", 9, steps=5), "series 'short' has 5 steps"),
    }


@pytest.mark.parametrize("name", list(bad_groups()))
def test_a_bad_group_is_an_error(name, tmp_path, capsys):
    rows, message = bad_groups()[name]
    data = write(tmp_path / "data.csv", shop("north", 1), rows, shop("south", 2))
    code, _, error = run(capsys, "forecast", data, *COLUMNS, *BESIDE, *FAST, "--out", tmp_path)
    assert code == 1
    assert message in error


def test_bad_groups_are_left_out_and_named(tmp_path, capsys):
    groups = bad_groups()
    bad = [rows for rows, _ in groups.values()]
    data = write(tmp_path / "data.csv", shop("north", 1), *bad, shop("south", 2))
    arguments = ["forecast", data, *COLUMNS, *BESIDE, *FAST, "--out", tmp_path, "--skip-bad"]
    code, printed, error = run(capsys, *arguments)
    assert code == 0, error
    left_out = [line for line in printed.splitlines() if line.startswith("left out")]
    for _, message in groups.values():
        assert any(message in line for line in left_out)
    assert "series &#x27;short&#x27; has 5 steps" in (tmp_path / "report.html").read_text()
    table = pd.read_csv(tmp_path / "forecast.csv")
    assert sorted(set(table.series)) == ["north", "south"]
    model, again = tmp_path / "model.safetensors", tmp_path / "again.csv"
    code, printed, error = run(capsys, "predict", model, data, "--out", again)
    assert code == 0, error
    for _, message in groups.values():
        assert message in printed
    assert again.read_bytes() == (tmp_path / "forecast.csv").read_bytes()


def test_inspect_names_the_groups_that_would_be_left_out(tmp_path, capsys):
    groups = bad_groups()
    data = write(tmp_path / "data.csv", shop("north", 1), *(rows for rows, _ in groups.values()))
    code, printed, error = run(capsys, "inspect", data, *COLUMNS, *BESIDE, "--skip-bad")
    assert code == 0, error
    for name in ("text", "twice", "odd", "empty", "late"):
        assert groups[name][1] in printed


def test_a_file_without_a_good_group_is_an_error(tmp_path, capsys):
    data = write(tmp_path / "data.csv", bad_groups()["empty"][0])
    code, _, error = run(capsys, "forecast", data, *COLUMNS, *FAST, "--out", tmp_path, "--skip-bad")
    assert code == 1
    assert "has no group that can be used: " in error


def test_groups_without_times(tmp_path, capsys):
    parts = [shop("north", 1).drop(columns="day"), shop("south", 2).drop(columns="day")]
    data = write(tmp_path / "data.csv", *parts)
    columns = ["--target", "demand", "--group", "shop", *BESIDE]
    code, _, error = run(capsys, "forecast", data, *columns, *FAST, "--out", tmp_path)
    assert code == 0, error
    table = pd.read_csv(tmp_path / "forecast.csv")
    assert table.columns.tolist() == ["step", "series", "q0.1", "forecast", "q0.9"]
    assert table.step.tolist() == 2 * [1, 2, 3, 4, 5, 6]
    again = tmp_path / "again.csv"
    code, _, error = run(capsys, "predict", tmp_path / "model.safetensors", data, "--out", again)
    assert code == 0, error
    assert again.read_bytes() == (tmp_path / "forecast.csv").read_bytes()


@pytest.mark.parametrize("frequency", ["D", "W-SUN", "2W-SUN", "h", "MS"])
@pytest.mark.parametrize("trained_on", ["whole", "gaps"])
def test_a_model_forecasts_its_file_with_a_missing_row_and_without(
    frequency, trained_on, tmp_path, capsys
):
    times = pd.date_range("2024-01-01", periods=80, freq=frequency)
    frame = pd.DataFrame({"day": times, "demand": np.sin(np.arange(80))})
    files = {
        "whole": write(tmp_path / "whole.csv", frame),
        "gaps": write(tmp_path / "gaps.csv", frame.drop(index=[60])),
    }
    model, out = tmp_path / "model.safetensors", tmp_path / "out.csv"
    series = pd.read_csv(files[trained_on], parse_dates=["day"]).set_index("day").demand
    Forecaster(14, 6, 4, epochs=1, seed=0).fit(series).save(model)
    for data in files.values():
        code, _, error = run(capsys, "predict", model, data, "--out", out)
        assert code == 0, error
        first = pd.read_csv(out, parse_dates=["day"]).day[0]
        assert first == pd.date_range(times[-1], periods=2, freq=frequency)[1]


def test_a_logarithmic_scale(tmp_path, capsys):
    frame = pd.DataFrame({"demand": np.exp(np.sin(np.arange(90)) * 3)})
    data = write(tmp_path / "data.csv", frame)
    arguments = ["forecast", data, "--target", "demand", *FAST, "--out", tmp_path]
    code, _, error = run(capsys, *arguments, "--scale", "log")
    assert code == 0, error
    assert Forecaster.load(tmp_path / "model.safetensors").scale == "log"
    assert pd.read_csv(tmp_path / "forecast.csv")["q0.1"].min() > 0
    code, _, error = run(capsys, *arguments, "--lower", "1")
    assert code == 1
    assert "which is below lower=1" in error
