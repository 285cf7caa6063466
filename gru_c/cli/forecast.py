"""The commands ``gru-c forecast`` and ``gru-c predict``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gru_c.common.optional import require
from gru_c.forecast import Forecaster
from gru_c.forecast.csv_table import Table, columns_of, read_table
from gru_c.forecast.panel import UNNAMED, Given, Panel, read_panel
from gru_c.forecast.report import make_report, verdict
from gru_c.forecast.series import Series, is_frame
from gru_c.saving.files import write_whole

_COVARIATES = "columns known ahead; the steps of the last rows, which have no target, are forecast"
_WRITTEN = ("forecast.csv", "model.safetensors", "report.html")
_MOST_LINES = 10  # printed about series, and of a forecast


def add_commands(commands: Any, count: Callable[[str], int]) -> None:
    """Add the parsers of both commands; `count` parses a whole number of at least 1."""
    forecast = commands.add_parser(
        "forecast",
        help="train a forecaster on a CSV file, with a report",
        description="Train a forecaster on a column of a CSV file. Writes forecast.csv, "
        "model.safetensors and report.html, with its errors beside those of naive forecasts.",
        epilog="example: gru-c forecast data.csv --target demand --time date --window 168 "
        "--horizon 24 --out out/",
    )
    forecast.add_argument("data", metavar="DATA.csv")
    forecast.add_argument("--target", required=True, help="column to forecast")
    forecast.add_argument("--time", help="column of times; without it rows are equal steps")
    forecast.add_argument("--window", type=count, required=True, help="steps that the model sees")
    forecast.add_argument("--horizon", type=count, required=True, help="steps that it forecasts")
    forecast.add_argument("--out", default=".", help="folder to write to; default: this one")
    forecast.add_argument("--covariates", type=_names, default=(), metavar="A,B", help=_COVARIATES)
    forecast.add_argument("--group", help="column that names several series, one below the other")
    forecast.add_argument(
        "--quantiles", type=_quantiles, default=(0.1, 0.5, 0.9), help="default: 0.1,0.5,0.9"
    )
    forecast.add_argument(
        "--season",
        type=_season,
        help="steps of a season, 0 for none; default: by the frequency of the times",
    )
    forecast.add_argument("--units", type=_counts, default=(64, 64), help="default: 64,64")
    forecast.add_argument("--epochs", type=count, default=100, help="at most; default: 100")
    forecast.add_argument("--folds", type=count, default=5, help="of the backtest; default: 5")
    forecast.add_argument("--seed", type=_season, default=0, help="default: 0")
    forecast.set_defaults(run=_forecast)
    predict = commands.add_parser(
        "predict",
        help="forecast with a trained model",
        description="Forecast what comes after the rows of a CSV file, with the model of "
        "gru-c forecast.",
        epilog="example: gru-c predict out/model.safetensors data.csv --time date",
    )
    predict.add_argument("model", metavar="MODEL.safetensors")
    predict.add_argument("data", metavar="DATA.csv")
    predict.add_argument("--target", help="column to forecast; default: as in training")
    predict.add_argument("--time", help="column of times; default: as in training")
    predict.add_argument("--group", help="column that names the series; default: as in training")
    predict.add_argument("--steps", type=count, help="default: the model's horizon")
    predict.add_argument("--out", default="forecast.csv", help="default: forecast.csv")
    predict.set_defaults(run=_predict)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _quantiles(text: str) -> tuple[float, ...]:
    try:
        return tuple(sorted({0.5, *(float(q) for q in text.split(","))}))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"wanted numbers as in 0.1,0.5,0.9, got {text!r}"
        ) from None


def _season(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"wanted a whole number of at least 0, got {text!r}")
    return int(text)


def _counts(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(units) for units in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"wanted whole numbers as in 64,64, got {text!r}"
        ) from None


# ---- gru-c forecast -----------------------------------------------------------------------------


def _forecast(options: argparse.Namespace) -> int:
    require("matplotlib", "plot")  # fail before the training, not after it
    table = read_table(
        options.data, options.target, options.time, options.covariates, options.group
    )
    panel = read_panel(table.series, Given(names=options.covariates))
    notes = [*table.notes, *_describe_panel(panel, options.covariates)]
    print("\n".join(notes))
    if table.future is not None and len(table.future) < options.horizon:
        raise ValueError(
            f"{options.data} has covariates of {len(table.future)} steps ahead: a forecast needs "
            f"{options.horizon}, in rows at the end whose {options.target!r} is empty"
        )
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    for name in _WRITTEN:
        _refuse_input(out / name, options.data)
    forecaster = Forecaster(
        options.window,
        options.horizon,
        options.units,
        covariates=options.covariates,
        quantiles=options.quantiles,
        season=options.season,
        epochs=options.epochs,
        seed=options.seed,
        verbose=1,
    )
    print(f"\nBacktest: the last {options.folds} times {options.horizon} steps")
    backtest = forecaster.backtest(table.series, options.folds, refit=False)
    print(f"{backtest}\n\n{verdict(backtest)}\n\nThe model, on all steps")
    forecaster.fit(table.series)
    roles = {"target": options.target, "time": options.time, "group": options.group}
    forecaster.columns_ = {role: name for role, name in roles.items() if name is not None}
    future = None if table.future is None else table.future.iloc[: options.horizon]
    rows = _as_rows(forecaster, forecaster.predict(covariates=future))
    notes.append(_describe_model(forecaster))
    figures = {"forecast": forecaster.plot(covariates=future), "backtest": backtest.plot()}
    title = f"Forecast of {options.target}"
    report = make_report(title, notes, backtest, rows.to_dict("records"), figures)
    forecaster.save(out / "model.safetensors")
    _write_rows(out / "forecast.csv", rows)
    write_whole(out / "report.html", report.encode())
    written = [out / name for name in _WRITTEN]
    print(f"\nwritten: {', '.join(map(str, written))}")
    return 0


def _describe_panel(panel: Panel, covariates: tuple[str, ...]) -> list[str]:
    """Return lines that describe the series and the covariates."""
    lines = [f"{len(panel.series)} series"] if len(panel.series) > 1 else []
    lines += [_describe_series(item) for item in panel.series[:_MOST_LINES]]
    return [*lines, f"covariates: {', '.join(covariates) or 'none'}"]


def _describe_series(item: Series) -> str:
    low, high, missing = np.nanmin(item.values), np.nanmax(item.values), np.isnan(item.values).sum()
    text = f"{item.name}: {len(item)} steps, {low:g} to {high:g}, {missing} missing"
    if item.gaps:
        text += f", {item.gaps} of them gaps in the times"
    if item.index is None or item.step is None:
        return text
    first, last = (str(time).removesuffix(" 00:00:00") for time in item.index[[0, -1]])
    return f"{text}; {first} to {last}, frequency {item.step.name}"


def _describe_model(forecaster: Forecaster) -> str:
    calendar = ", ".join(forecaster.layout.calendar) or "nothing"
    return (
        f"window {forecaster.window}, horizon {forecaster.horizon}, GRUs of "
        f"{' and '.join(map(str, forecaster.hidden_units))} units, "
        f"{forecaster.model_.count_params()} weights, {len(forecaster.history_['loss'])} epochs; "
        f"season {forecaster.season_ or 'none'}; of the calendar: {calendar}; it corrects the "
        f"last {'season' if forecaster.reference_ == 'season' else 'value'}"
    )


def _as_rows(forecaster: Forecaster, forecasts: Any) -> Any:
    """Return forecasts as one table of times or steps, quantiles, and the names of the series.

    The latter only if there are several series.
    """
    pandas = require("pandas", "pandas")
    if isinstance(forecasts, dict):
        parts = [
            _quantile_columns(forecast, forecaster).assign(series=name)
            for name, forecast in forecasts.items()
        ]
        table = pandas.concat(parts)
        table = table[["series", *(column for column in table if column != "series")]]
    else:
        table = _quantile_columns(forecasts, forecaster)
    names = {0.5: "forecast"} | {q: f"q{q:g}" for q in forecaster.quantiles or () if q != 0.5}
    table = table.rename(columns=names).rename_axis(columns=None)
    return table.reset_index(names=table.index.name or "time")


def _quantile_columns(forecast: Any, forecaster: Forecaster) -> Any:
    """Return the forecast of one series as a DataFrame with a column for each quantile."""
    if not is_frame(forecast):
        return forecast.to_frame(0.5)
    if forecaster.quantiles is None:
        return forecast.set_axis([0.5], axis="columns")
    # With covariates the columns have two levels: the target's name, then the quantile.
    return forecast[forecaster.names_[0]] if forecast.columns.nlevels > 1 else forecast


def _write_rows(path: Path, rows: Any) -> None:
    write_whole(path, rows.to_csv(index=False, lineterminator="\n").encode())


def _refuse_input(target: Path, *inputs: str) -> None:
    """Raise ValueError if the target file is one of the input files."""
    if str(target) == "-":
        raise ValueError("--out names a file to write the table to, got '-'")
    for path in inputs:
        if target.exists() and Path(path).exists() and target.samefile(path):
            raise ValueError(f"{path} would be written over: name another --out")


# ---- gru-c predict ------------------------------------------------------------------------------


def _predict(options: argparse.Namespace) -> int:
    _refuse_input(Path(options.out), options.model, options.data)
    forecaster = Forecaster.load(options.model)
    table = _table_for(forecaster, options)
    steps = forecaster.horizon if options.steps is None else options.steps
    future = None if table.future is None else table.future.iloc[:steps]
    if future is not None and len(future) < steps:
        raise ValueError(
            f"{options.data} has covariates of {len(future)} steps ahead, {steps} are needed"
        )
    panel = read_panel(table.series, Given(names=forecaster.covariates))
    print("\n".join([*table.notes, *_describe_panel(panel, forecaster.covariates)]))
    rows = _as_rows(forecaster, forecaster.predict(steps, table.series, future))
    _write_rows(Path(options.out), rows)
    print(f"\n{rows.head(_MOST_LINES).to_string(index=False)}")
    print(f"\nwritten: {options.out}, {len(rows)} rows")
    return 0


def _table_for(forecaster: Forecaster, options: argparse.Namespace) -> Table:
    """Read the columns that the options name, or else those that the model was trained on."""
    columns = forecaster.columns_
    group = options.group or columns.get("group")
    several = len(forecaster.names_) > 1 or forecaster.past.form == "dict"
    if several and group is None:
        raise ValueError(f"the model has the series {forecaster.names_}: name their --group")
    target = _target(forecaster, options.target, several)
    time, notes = options.time or columns.get("time"), []
    if time is None and forecaster.past.series[0].index is not None:
        others = {target, group, *forecaster.covariates}
        time = next((name for name in columns_of(options.data) if name not in others), None)
        notes = [f"times: column {time!r}, the first one besides; --time names another"]
    table = read_table(options.data, target, time, forecaster.covariates, group)
    if several:
        new = [name for name in table.series if name not in forecaster.names_]
        notes += [f"not in the training, scaled by their own values: {', '.join(new)}"] * bool(new)
    return replace(table, notes=[*table.notes, *notes])


def _target(forecaster: Forecaster, wanted: str | None, several: bool) -> str:
    """Return the column to forecast; ValueError when the model was trained on another one."""
    trained = forecaster.columns_.get("target")
    if trained is None and not several and forecaster.past.form in ("series", "frame"):
        trained = forecaster.names_[0]
        if trained == UNNAMED and wanted is not None:
            return wanted
    if trained is None and wanted is None:
        raise ValueError("the model does not say which column it was trained on: name the --target")
    if trained is not None and wanted not in (None, trained):
        raise ValueError(
            f"the model was trained on {trained!r}, --target names {wanted!r}: leave --target out, "
            f"or train a model with gru-c forecast --target {wanted}"
        )
    return str(trained or wanted)
