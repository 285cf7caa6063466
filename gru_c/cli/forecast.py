"""The commands ``gru-c forecast`` and ``gru-c predict``."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gru_c.cli.reading import (
    add_columns,
    add_inputs,
    add_reading_options,
    add_skip_bad,
    reading_of,
    roles_of,
)
from gru_c.common.optional import require
from gru_c.forecast import Forecaster
from gru_c.forecast.csv_table import Table, columns_of, read_roles
from gru_c.forecast.panel import UNNAMED, Given, read_panel
from gru_c.forecast.peers import MODEL
from gru_c.forecast.reading.frame import Roles
from gru_c.forecast.reading.shapes import counted
from gru_c.forecast.reading.source import read_source
from gru_c.forecast.report import make_report, verdict
from gru_c.forecast.series import Series, is_frame
from gru_c.saving.files import write_whole

_WRITTEN = ("forecast.csv", "model.safetensors", "report.html")
_TIMES = ("time", *(f"time {number}" for number in range(2, 7)))  # roles of columns of times
_LEFT_OUT = "left out"  # the beginning of messages on series
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
    forecast.add_argument("data", metavar="DATA.csv", help="a file, or - for standard input")
    forecast.add_argument("--target", required=True, help="column to forecast")
    add_columns(forecast, "; without it rows are equal steps", ", one below the other")
    forecast.add_argument(
        "--window", type=count, help="steps that the model sees; default: chosen from the data"
    )
    forecast.add_argument("--horizon", type=count, required=True, help="steps that it forecasts")
    forecast.add_argument("--out", default=".", help="folder to write to; default: this one")
    add_inputs(forecast)
    forecast.add_argument(
        "--quantiles", type=_quantiles, default=(0.1, 0.5, 0.9), help="default: 0.1,0.5,0.9"
    )
    forecast.add_argument(
        "--season",
        type=_season,
        help="steps of a season, 0 for none; default: by the frequency of the times",
    )
    forecast.add_argument(
        "--lower", type=float, help="lowest possible value, such as 0 for counts; default: none"
    )
    forecast.add_argument(
        "--scale",
        choices=("auto", "linear", "log"),
        default="auto",
        help="log for series above 0 whose changes are rather relative; default: chosen from data",
    )
    forecast.add_argument(
        "--method",
        choices=("model", "best"),
        default="model",
        help="best: forecast by a simpler method if that has smaller errors; default: model",
    )
    forecast.add_argument("--unit", help="of the target, such as MW, for the report's axes")
    forecast.add_argument("--units", type=_counts, help="units of the GRUs; default: one of 16")
    forecast.add_argument("--epochs", type=count, default=100, help="at most; default: 100")
    forecast.add_argument("--folds", type=count, default=5, help="of the backtest; default: 5")
    forecast.add_argument("--seed", type=_season, default=0, help="default: 0")
    add_reading_options(forecast)
    forecast.set_defaults(run=_forecast)
    predict = commands.add_parser(
        "predict",
        help="forecast with a trained model",
        description="Forecast what comes after the rows of a CSV file, with the model of "
        "gru-c forecast.",
        epilog="example: gru-c predict out/model.safetensors data.csv --time date",
    )
    predict.add_argument("model", metavar="MODEL.safetensors")
    predict.add_argument("data", metavar="DATA.csv", help="a file, or - for standard input")
    predict.add_argument("--target", help="column to forecast; default: as in training")
    add_columns(predict, "; default: as in training", "; default: as in training")
    add_skip_bad(predict)
    predict.add_argument("--steps", type=count, help="default: the model's horizon")
    predict.add_argument("--out", default="forecast.csv", help="default: forecast.csv")
    add_reading_options(predict)
    predict.set_defaults(run=_predict)


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
    roles = roles_of(options)
    table = read_roles(options.data, roles, reading_of(options))
    table = _with_future(table, options.horizon, roles, options.data)
    reading = describe_table(table, roles)
    print("\n".join(reading))
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    for name in _WRITTEN:
        _refuse_input(out / name, options.data)
    forecaster = Forecaster(
        options.window,
        options.horizon,
        options.units,
        covariates=options.covariates,
        past_covariates=options.past_covariates,
        quantiles=options.quantiles,
        season=options.season,
        lower=options.lower,
        scale=options.scale,
        skip_bad=options.skip_bad,
        method=options.method,
        epochs=options.epochs,
        seed=options.seed,
        verbose=1,
    )
    print(f"\nBacktest: the last {options.folds} times {options.horizon} steps")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", _LEFT_OUT)  # they are printed here
        backtest = forecaster.backtest(
            table.series, options.folds, refit=False, static=table.static
        )
        print(f"{backtest}\n\n{verdict(backtest)}\n\nThe model, on all steps")
        forecaster.fit(table.series, static=table.static)
    too_short = [
        *(f"{_LEFT_OUT} of the backtest: {text}" for text in backtest.skipped.values()),
        *(f"{_LEFT_OUT}: {text}" for text in forecaster.skipped_.values()),
    ]
    known = {line.removeprefix(_LEFT_OUT) for line in reading}
    too_short = [line for line in too_short if line[line.index(":") :] not in known]
    print("".join(f"{line}\n" for line in too_short), end="")
    about = [_describe_model(forecaster), *too_short]
    names = {"target": options.target, "group": options.group}
    names |= dict(zip(_TIMES, options.time or (), strict=False))
    forecaster.columns_ = {role: name for role, name in names.items() if name is not None}
    rows = _as_rows(forecaster, forecaster.predict(covariates=table.future))
    charts = forecaster.chart(covariates=table.future, unit=options.unit)
    title = f"Forecast of {options.target}"
    records = rows.to_dict("records")
    report = make_report(title, reading, about, backtest, records, charts, backtest.plot())
    forecaster.save(out / "model.safetensors")
    _write_rows(out / "forecast.csv", rows)
    write_whole(out / "report.html", report.encode())
    written = [out / name for name in _WRITTEN]
    print(f"\nwritten: {', '.join(map(str, written))}")
    return 0


def _with_future(table: Table, steps: int, roles: Roles, path: str) -> Table:
    """Return a table with the covariates of so many steps ahead.

    Raises
    ------
    ValueError
        When there are fewer, unless groups with fewer are left out.
    """
    if table.future is None:
        return table
    by_group = table.future if roles.group is not None else {"": table.future}
    skipped = dict(table.skipped)
    for name, rows in by_group.items():
        if len(rows) < steps:
            of_group = f" of {name!r}" if name else ""
            fault = (
                f"{path} has covariates{of_group} of {len(rows)} steps ahead: a forecast needs "
                f"{steps}, in rows at the end whose {roles.target!r} is empty"
            )
            if not roles.skip_bad or len(skipped) + 1 == len(by_group) + len(table.skipped):
                raise ValueError(fault)
            skipped[name] = fault
    if roles.group is None:
        return replace(table, future=table.future.iloc[:steps])
    kept = [name for name in by_group if name not in skipped]
    future = {name: by_group[name].iloc[:steps] for name in kept}
    series = {name: table.series[name] for name in kept}
    return replace(table, series=series, future=future, skipped=skipped)


def describe_table(table: Table, roles: Roles) -> list[str]:
    """Return lines that say how a file was read, and describe the series in it."""
    given = Given(names=roles.covariates, past_names=roles.past_covariates, skip_bad=roles.skip_bad)
    panel = read_panel(table.series, given)
    lines = [f"{len(panel.series)} series"] if len(panel.series) > 1 else []
    lines += [_describe_series(item) for item in panel.series[:_MOST_LINES]]
    lines.append(f"covariates: {', '.join(roles.covariates) or 'none'}")
    kinds = (("known only in the past", roles.past_covariates), ("static", roles.static))
    lines += [f"{kind}: {', '.join(names)}" for kind, names in kinds if names]
    lines += [f"{_LEFT_OUT}: {text}" for text in {**table.skipped, **panel.skipped}.values()]
    return [*table.notes, *lines]


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
    chosen = forecaster.choices_
    calendar = ", ".join(forecaster.layout.calendar) or "nothing"
    seasons = " and ".join(map(str, chosen["seasons"])) or "none"
    text = (
        f"window {chosen['window']}, horizon {forecaster.horizon}, GRUs of "
        f"{' and '.join(map(str, chosen['hidden_units']))} units, "
        f"{forecaster.model_.count_params()} weights, {len(forecaster.history_['loss'])} epochs; "
        f"season {seasons}; of the calendar: {calendar}; {chosen['scale']} scale; "
    )
    if forecaster.base is None:
        text += f"it corrects the last {'season' if forecaster.reference_ == 'season' else 'value'}"
    else:
        text += (
            f"it corrects the mean of {len(chosen['linear_models'])} linear models of the last "
            f"{chosen['lags']} values, with a weight of {chosen['GRU_share']:g}; the intervals are "
            f"{chosen['intervals']}"
        )
    return text + (
        "" if forecaster.method_ == MODEL else f"; the forecasts are by {forecaster.method_}"
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
    if isinstance(forecast, np.ndarray):  # of a series without times, of several
        pandas = require("pandas", "pandas")
        steps = pandas.RangeIndex(1, len(forecast) + 1, name="step")
        return pandas.DataFrame(forecast, steps, columns=list(forecaster.quantiles or (0.5,)))
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
    forecaster.skip_bad |= options.skip_bad
    steps = forecaster.horizon if options.steps is None else options.steps
    table, roles = _table_for(forecaster, options)
    table = _with_future(table, steps, roles, options.data)
    print("\n".join(describe_table(table, roles)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        forecasts = forecaster.predict(steps, table.series, table.future, static=table.static)
    for warning in caught:
        print(warning.message)
    rows = _as_rows(forecaster, forecasts)
    _write_rows(Path(options.out), rows)
    print(f"\n{rows.head(_MOST_LINES).to_string(index=False)}")
    print(f"\nwritten: {options.out}, {counted(len(rows), 'row')}")
    return 0


def _table_for(forecaster: Forecaster, options: argparse.Namespace) -> tuple[Table, Roles]:
    """Read the columns that the options name, or else those that the model was trained on."""
    columns = forecaster.columns_
    group = options.group or columns.get("group")
    several = len(forecaster.names_) > 1 or forecaster.past.form == "dict"
    if several and group is None:
        raise ValueError(f"the model has the series {forecaster.names_}: name their --group")
    target = _target(forecaster, options.target, several)
    time, notes = options.time or [columns[role] for role in _TIMES if role in columns], []
    reading = reading_of(options)
    source = read_source(options.data, reading)
    static = [feature.name for feature in forecaster.static]
    if not set(static) & set(columns_of(source, reading)):
        static = []  # the model knows those of the series of the training
    if not time and forecaster.past.series[0].index is not None:
        others = {target, group, *forecaster.covariates, *forecaster.past_covariates, *static}
        time = [name for name in columns_of(source, reading) if name not in others][:1]
        notes = (
            [f"times: column {time[0]!r}, the first one besides; --time names another"]
            if time
            else []
        )
    roles = Roles(
        target,
        tuple(time),
        forecaster.covariates,
        group,
        forecaster.past_covariates,
        tuple(static),
        forecaster.skip_bad and group is not None,
    )
    table = read_roles(source, roles, reading)
    if several:
        new = [name for name in table.series if name not in forecaster.names_]
        notes += [f"not in the training, scaled by their own values: {', '.join(new)}"] * bool(new)
    return replace(table, notes=[*table.notes, *notes]), roles


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
