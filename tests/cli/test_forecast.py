"""gru-c forecast and predict: their files, their output, and one-line errors."""

import base64
import re
import struct

import numpy as np
import pytest

from gru_c import cli, load_model
from gru_c.forecast import Forecaster

pd = pytest.importorskip("pandas")
pytest.importorskip("matplotlib")

T = np.arange(300)
FAST = ["--window", "24", "--horizon", "6", "--units", "4", "--epochs", "2", "--folds", "2"]


@pytest.fixture(scope="module")
def hourly():
    """Return 300 hours of a demand: two rows missing, one empty, and a column known ahead."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "date": pd.date_range("2026-01-01", periods=300, freq="h"),
            "demand": 50 + 10 * np.sin(T * np.pi / 12) + rng.normal(size=300).round(2),
            "holiday": T // 100 % 2,
        }
    )
    frame.loc[40, "demand"] = np.nan
    return frame.drop(index=[100, 101])


def write(frame, path, **options):
    frame.to_csv(path, index=False, **options)
    return str(path)


def run(capsys, *arguments):
    code = cli.main([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


def forecast(capsys, data, out, *more):
    return run(capsys, "forecast", data, "--target", "demand", "--out", out, *FAST, *more)


def test_forecast_writes_a_table_a_model_and_a_report(hourly, tmp_path, capsys):
    data, out = write(hourly, tmp_path / "data.csv"), tmp_path / "new" / "out"
    code, printed, seen = forecast(capsys, data, out, "--time", "date")
    assert code == 0
    assert "298 rows, columns date, demand, holiday" in printed
    assert re.search(r"demand: 300 steps, 3\d\S* to 6\d\S*, 3 missing, 2 of them gaps", printed)
    assert "2026-01-01 to 2026-01-13 11:00:00, frequency h" in printed
    assert "covariates: none" in printed
    assert re.search(r"^seasonal naive( +\d+\.?\d*){6}$", printed, re.MULTILINE)
    lines = [line[:9] for line in seen.splitlines()]  # backtest and final training
    assert lines == ["Epoch 1/2", "Epoch 2/2"] * 2
    assert sorted(p.name for p in out.iterdir()) == [
        "forecast.csv",
        "model.safetensors",
        "report.html",
    ]
    table = pd.read_csv(out / "forecast.csv")
    assert table.columns.tolist() == ["date", "q0.1", "forecast", "q0.9"]
    assert table.date.tolist()[0] == "2026-01-13 12:00:00"
    expected = Forecaster.load(out / "model.safetensors").predict()
    np.testing.assert_allclose(table[["q0.1", "forecast", "q0.9"]], expected)

    page = (out / "report.html").read_text()
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    sizes = [struct.unpack(">II", base64.b64decode(p)[16:24]) for p in pictures]
    assert len(sizes) == 1
    assert 'class="forecast"' in page
    assert all(width > 1000 and height > 300 for width, height in sizes)
    assert "<td>seasonal naive</td>" in page
    assert "prefers-color-scheme: dark" in page
    assert "http" not in page


def test_predict_continues_from_new_rows(hourly, tmp_path, capsys):
    data, out = write(hourly.iloc[:250], tmp_path / "data.csv"), tmp_path
    forecast(capsys, data, out, "--time", "date")
    model = out / "model.safetensors"
    target = tmp_path / "next.csv"
    code, printed, _ = run(
        capsys, "predict", model, write(hourly, tmp_path / "new.csv"), "--out", target, "--steps", 8
    )
    assert code == 0
    assert "298 rows" in printed
    table = pd.read_csv(target, parse_dates=["date"])
    assert len(table) == 8
    series = hourly.set_index("date").demand
    np.testing.assert_allclose(table.iloc[:, 1:], Forecaster.load(model).predict(8, series))


def test_the_same_seed_gives_the_same_table_and_model(hourly, tmp_path, capsys):
    data = write(hourly, tmp_path / "data.csv")
    tables, models = [], []
    for seed in (3, 3, 4):
        forecast(capsys, data, tmp_path, "--time", "date", "--seed", seed)
        tables.append((tmp_path / "forecast.csv").read_bytes())
        models.append(load_model(tmp_path / "model.safetensors").get_weights()[0])
    assert tables[0] == tables[1]
    assert (models[0] == models[1]).all()
    assert (models[0] != models[2]).any()


def test_covariates_of_the_last_rows(hourly, tmp_path, capsys):
    frame = hourly.drop(index=40).reset_index(drop=True)
    frame.loc[frame.index[-6:], "demand"] = np.nan
    data = write(frame, tmp_path / "data.csv")
    more = ["--time", "date", "--covariates", "holiday"]
    code, printed, _ = forecast(capsys, data, tmp_path, *more)
    assert code == 1  # the missing hours have no covariates
    frame = pd.DataFrame({"demand": np.sin(T), "holiday": T % 2})
    frame.loc[294:, "demand"] = np.nan
    data = write(frame, tmp_path / "data.csv")
    code, printed, error = forecast(capsys, data, tmp_path, *more[2:])
    assert code == 0, error
    assert "6 rows at the end with covariates and no target" in printed
    assert pd.read_csv(tmp_path / "forecast.csv").step.tolist() == [1, 2, 3, 4, 5, 6]
    before = (tmp_path / "forecast.csv").read_bytes()
    model = tmp_path / "model.safetensors"
    code, _, error = run(capsys, "predict", model, data, "--out", tmp_path / "forecast.csv")
    assert (code, (tmp_path / "forecast.csv").read_bytes()) == (0, before), error
    code, _, error = forecast(capsys, write(frame[:296], data), tmp_path, *more[2:])
    assert code == 1
    assert "covariates of 2 steps ahead: a forecast needs 6" in error


def test_groups(tmp_path, capsys):
    frame = pd.concat(
        pd.DataFrame(
            {
                "shop": shop,
                "day": pd.date_range("2026-01-01", periods=80, freq="D"),
                "demand": np.sin(T[:80] + i),
            }
        )
        for i, shop in enumerate(("north", "south"))
    )
    data = write(frame, tmp_path / "data.csv")
    code, printed, error = forecast(capsys, data, tmp_path, "--time", "day", "--group", "shop")
    assert code == 0, error
    assert "2 series" in printed
    table = pd.read_csv(tmp_path / "forecast.csv")
    assert table.series.tolist() == ["north"] * 6 + ["south"] * 6
    model = tmp_path / "model.safetensors"
    columns = ["--group", "shop", "--time", "day", "--target", "demand"]
    for options in ([], columns):  # a model knows the columns that it was trained on
        again = tmp_path / "again.csv"
        code, _, error = run(capsys, "predict", model, data, *options, "--out", again)
        assert code == 0, error
        assert again.read_bytes() == (tmp_path / "forecast.csv").read_bytes()
    write(frame.replace("north", "west"), tmp_path / "new.csv")
    code, printed, _ = run(capsys, "predict", model, tmp_path / "new.csv", "--out", again)
    assert code == 0
    assert "not in the training, scaled by their own values: west" in printed


def test_input_files_are_not_overwritten(hourly, tmp_path, capsys):
    data = write(hourly, tmp_path / "forecast.csv")
    code, _, error = forecast(capsys, data, tmp_path, "--time", "date")
    assert (code, error.count("would be written over: name another --out")) == (1, 1)
    code, _, error = forecast(capsys, data, tmp_path / "out", "--time", "date")
    assert code == 0, error
    model = tmp_path / "out" / "model.safetensors"
    before = model.read_bytes()
    (tmp_path / "link.csv").symlink_to(data)
    for out in (data, model, tmp_path / "link.csv", "-", tmp_path):
        code, _, error = run(capsys, "predict", model, data, "--out", out)
        assert code == 1
        assert re.search("would be written over|names a file|is a folder", error)
    assert model.read_bytes() == before
    assert pd.read_csv(data).columns.tolist() == ["date", "demand", "holiday"]


def test_a_model_refuses_to_forecast_another_column(hourly, tmp_path, capsys):
    data = write(hourly.assign(wind=hourly.demand + 1), tmp_path / "data.csv")
    forecast(capsys, data, tmp_path, "--time", "date")
    before = (tmp_path / "forecast.csv").read_bytes()
    model, out = tmp_path / "model.safetensors", tmp_path / "forecast.csv"
    code, _, error = run(capsys, "predict", model, data, "--target", "wind", "--out", out)
    assert code == 1
    assert "was trained on 'demand', --target names 'wind': leave --target out" in error
    assert out.read_bytes() == before
    code, _, error = run(capsys, "predict", model, data, "--target", "demand", "--out", out)
    assert (code, out.read_bytes()) == (0, before), error


@pytest.mark.parametrize(
    ("series", "target", "message"),
    [
        (pd.Series(np.sin(T), name="wind"), None, None),
        (pd.Series(np.sin(T), name="wind"), "demand", "was trained on 'wind'"),
        (pd.DataFrame({"wind": np.sin(T)}), "demand", "was trained on 'wind'"),
        (np.sin(T), None, "does not say which column it was trained on"),
        (np.sin(T), "demand", None),
        (pd.Series(np.sin(T)), "demand", None),
        ({"a": np.sin(T), "b": np.cos(T)}, "demand", "name their --group"),
    ],
)
def test_models_trained_in_python_know_the_names_of_their_series(
    series, target, message, tmp_path, capsys
):
    path = tmp_path / "model.safetensors"
    Forecaster(24, 6, 4, epochs=1, seed=0).fit(series).save(path)
    data = write(pd.DataFrame({"demand": np.sin(T), "wind": np.cos(T)}), tmp_path / "data.csv")
    options = [] if target is None else ["--target", target]
    code, _, error = run(capsys, "predict", path, data, *options, "--out", tmp_path / "out.csv")
    assert code == (message is not None), error
    assert (message or "") in error


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_order_and_decimal_commas(hourly, tmp_path, capsys, separator):
    path = tmp_path / "data.csv"
    options = {"sep": separator, "decimal": "." if separator == "," else ","}
    data = write(hourly[::-1], path, encoding="utf-8-sig", **options)
    code, printed, error = forecast(capsys, data, tmp_path, "--time", "date")
    assert code == 0, error
    assert "rows put in the order of time" in printed
    assert "demand: 300 steps, 3" in printed


DAYS = "date,demand\n2026-01-01,1\n2026-01-02,2\n"


@pytest.mark.parametrize(
    ("content", "more", "message"),
    [
        (None, [], "there is no file 'data.csv'"),
        ("", [], "data.csv is not a CSV file"),
        ("a\x00\xff", [], "data.csv"),
        ("date,demand\n", [], "data.csv has no rows"),
        (
            "date,demandd\n2026-01-01,1\n",
            [],
            "no column 'demand'; did you mean 'demandd'? It has: ",
        ),
        (DAYS + "2026-01-03,many\n", [], "'many' in row 4, column 'demand', is not a number"),
        (DAYS + "soon,3\n", ["--time", "date"], "'soon' in row 4, column 'date', is not a time"),
        (
            DAYS + "2026-01-02,3\n",
            ["--time", "date"],
            "the time 2026-01-02 00:00:00 more than once",
        ),
        ("date,demand\n2026-01-01,\n", [], "'demand' has no value in any row"),
        (DAYS, ["--time", "day"], "no column 'day'"),
        (DAYS, ["--time", "demand"], "must be different: got ['demand', 'demand']"),
        (DAYS, [], "has 2 steps"),
        (DAYS, ["--group", "date", "--covariates", "x"], "no column 'x'"),
        (DAYS, ["--group", "date", "--covariates", "date"], "must be different"),
        (DAYS, ["--static", "date"], "--static is for several series: --group names their column"),
        (DAYS, ["--skip-bad"], "--skip-bad is for several series"),
        (DAYS + "1,2,3,4\n", [], "is not a CSV file: row 4 has 4 fields, the header has 2"),
    ],
)
def test_errors_are_a_line_and_a_code(content, more, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "data.csv").write_bytes(content.encode("latin-1"))
    code, _, error = forecast(capsys, "data.csv", tmp_path, *more)
    assert code == 1
    assert error.startswith("gru-c: error: ")
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("*.safetensors"))


def test_a_file_that_is_not_a_model(tmp_path, capsys):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"nothing")
    code, _, error = run(capsys, "predict", path, "data.csv")
    assert code == 1
    assert "is not a readable safetensors file" in error


def test_an_interrupt_has_its_own_code(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("gru_c.cli.forecast.read_roles", interrupted)
    code, _, error = run(capsys, "forecast", "x", "--target", "y", *FAST)
    assert (code, error) == (130, "gru-c: interrupted\n")


@pytest.mark.parametrize("command", ["demo", "info", "inspect", "forecast", "predict", "bench"])
def test_help_shows_an_example(command, capsys):
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    assert f"example: gru-c {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--quantiles", "a", "wanted numbers as in 0.1,0.5,0.9, got 'a'"),
        ("--units", "a", "wanted whole numbers as in 64,64, got 'a'"),
        ("--season", "-1", "wanted a whole number of at least 0, got '-1'"),
        ("--window", "0", "wanted a whole number of at least 1, got '0'"),
    ],
)
def test_options_that_are_refused(option, value, message, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["forecast", "x", "--target", "y", *FAST, option, value])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
