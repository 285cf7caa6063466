"""Forecasters in safetensors files: the file of a model, with the forecaster's own data added.

``forecaster`` in the metadata is JSON: the arguments of the constructor, the layout of the
features, the scales, the static features, and the name and times of each series. The ends of the
series are the tensors ``forecaster/values/0``, ``forecaster/covariates/0``, ``forecaster/past/0``
and ``forecaster/static/0`` ... No code from a file is executed.

A linear path is ``forecaster/linear/coefficients``, ``forecaster/linear/intercept`` and
``forecaster/linear/spread``, with the rest of it in the JSON.

Version 3 had no linear path; version 2 had no effects of covariates; version 1 had neither past
covariates nor static features, a lowest value, a logarithmic scale, or names of covariates.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.optional import require
from gru_c.common.validation import Range, check_integer, check_real
from gru_c.forecast.base_file import describe_base, read_base
from gru_c.forecast.features import Layout, Scale
from gru_c.forecast.fitted import Fitted
from gru_c.forecast.frequency import Step
from gru_c.forecast.panel import Panel
from gru_c.forecast.peers import MODEL, PEERS
from gru_c.forecast.series import Series
from gru_c.forecast.static import StaticFeature
from gru_c.models.loading import read_model
from gru_c.models.sequential import Sequential
from gru_c.saving.contents import contents
from gru_c.saving.files import check_target, write_tensors

_VERSION = 4
_VERSIONS = (1, 2, 3, _VERSION)
_DEFAULTS_BEFORE = {"linear": False, "scale": "linear"}  # of versions that had no others
_FORMS = ("array", "columns", "list", "dict", "series", "frame")
_CYCLES = ("day", "week", "year")


class _Forecaster(Protocol):
    """The attributes of a `Forecaster` that its file must agree with."""

    window: int | None
    horizon: int

    @property
    def levels(self) -> tuple[float, ...]: ...


F = TypeVar("F", bound=_Forecaster)


def save(
    path: str | os.PathLike[str],
    fitted: Fitted,
    arguments: dict[str, Any],
    columns: dict[str, str],
) -> None:
    """Write a forecaster; see `Forecaster.save`.

    Parameters
    ----------
    arguments : dict of str to object
        The arguments of the constructor.
    columns : dict of str to str
        `Forecaster.columns_`.
    """
    layout, past = fitted.layout, fitted.past
    tails = past.series
    if fitted.method == MODEL:
        tails = [item.tail(fitted.needed) for item in tails]
    tensors = {f"forecaster/values/{i}": item.values for i, item in enumerate(tails)}
    tensors |= {
        f"forecaster/covariates/{i}": item.covariates[: len(item)] for i, item in enumerate(tails)
    }
    if layout.past_mean:
        tensors |= {f"forecaster/past/{i}": item.past for i, item in enumerate(tails)}
    if layout.static:
        tensors |= {f"forecaster/static/{i}": item.static for i, item in enumerate(tails)}
    base = None
    if fitted.base is not None:
        base, more = describe_base(fitted.base)
        tensors |= more
    content = {
        "version": _VERSION,
        "base": base,
        "arguments": arguments,
        "layout": asdict(layout),
        "scales": {name: asdict(scale) for name, scale in fitted.scales.items()},
        "static": [asdict(feature) for feature in fitted.static],
        "form": past.form,
        "names": past.names,
        "past_names": past.past_names,
        "skipped": past.skipped,
        "series": [{"name": item.name, "times": _describe_times(item)} for item in tails],
        "history": fitted.history,
        "columns": columns,
        "method": fitted.method,
    }
    target = Path(path)
    check_target(target)
    weights, metadata = contents(fitted.model)
    metadata["forecaster"] = json.dumps(content)
    # load_model reads the model alone: it ignores names with two slashes.
    write_tensors(target, {**weights, **tensors}, metadata)


def _describe_times(item: Series) -> dict[str, Any] | None:
    if item.index is None:
        return None
    assert item.step is not None
    last, step = item.index[-1], item.step
    try:
        is_named = Step.of(step.name, last, step.by_clock) == step
    except ValueError:
        is_named = False
    if not is_named:
        raise ValueError(
            f"a file cannot hold the frequency {step.offset!r} of series {item.name!r}, which has "
            "no name of its own: give times of another frequency"
        )
    times = {
        "last": last.isoformat(),
        "unit": item.index.unit,
        "frequency": step.name,
        "by_clock": step.by_clock,
    }
    return times if last.tz is None else {**times, "zone": str(last.tz)}


def load(path: str | os.PathLike[str], make: Callable[..., F]) -> tuple[F, Fitted, dict[str, str]]:
    """Read a file that `save` wrote.

    Parameters
    ----------
    make : callable
        The constructor of the forecaster.

    Returns
    -------
    forecaster : object
        The object that `make` returned for the arguments in the file.
    fitted : Fitted
    columns : dict of str to str
    """
    model, tensors, metadata = read_model(path)
    if "forecaster" not in metadata:
        raise ValueError(
            f"{os.fspath(path)} holds a model that is not a forecaster: take load_model"
        )
    try:
        content = json.loads(metadata["forecaster"])
        if not isinstance(content, dict) or content.get("version") not in _VERSIONS:
            raise ValueError(f"its version is not {' or '.join(map(str, _VERSIONS))}")
        arguments = _checked(content["arguments"], dict)
        if content["version"] < _VERSION:
            for name, default in _DEFAULTS_BEFORE.items():
                arguments.setdefault(name, default)
        forecaster = make(**arguments)
        layout = _layout(content["layout"])
        scales = {
            name: _scale(item, layout) for name, item in _checked(content["scales"], dict).items()
        }
        series = [
            _series(item, tensors, number, layout)
            for number, item in enumerate(_checked(content["series"], list))
        ]
        if not series or content["form"] not in _FORMS:
            raise ValueError("it has no series")
        _check_model(forecaster, layout, model)
        shape = layout.horizon, len(forecaster.levels)
        base = read_base(content.get("base"), tensors, shape)
        static = tuple(_static(item) for item in _checked(content.get("static", []), list))
        if sum(feature.size for feature in static) != layout.static:
            raise ValueError("its static features do not fit")
        history = _checked(content["history"], dict)
        past = _panel(content, series)
        columns = _columns(content.get("columns", {}))
        method = content.get("method", MODEL)
        if method not in (MODEL, *PEERS):
            raise ValueError(f"it forecasts by {method!r}, which this version does not have")
    except (KeyError, TypeError, ValueError, RecursionError, OverflowError) as error:
        problem = f"no {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"{os.fspath(path)}: the forecaster is damaged: {problem}") from None
    levels = forecaster.levels
    known = Fitted(model, history, layout, scales, past, levels, static, method, base)
    return forecaster, known, columns


def _checked(value: Any, kind: type) -> Any:
    """Return a value of the file; ValueError if it is of another type."""
    if not isinstance(value, kind):
        raise ValueError(f"wanted a {kind.__name__}, got {value!r:.40}")
    return value


def _columns(content: Any) -> dict[str, str]:
    columns = _checked(content, dict)
    return {_checked(role, str): _checked(name, str) for role, name in columns.items()}


def _panel(content: dict[str, Any], series: list[Series]) -> Panel:
    names, past_names = (
        tuple(_checked(content.get(key, []), list)) for key in ("names", "past_names")
    )
    skipped = _columns(content.get("skipped", {}))
    if content["form"] in ("list", "columns"):
        numbers = {*skipped, *(item.name for item in series)}
        if numbers != {str(i) for i in range(len(series) + len(skipped))}:
            raise ValueError("its series do not have numbers as names")
    return Panel(series, content["form"], skipped, names, past_names)


def _static(content: Any) -> StaticFeature:
    values = _fields(content, StaticFeature)
    return StaticFeature(
        name=_checked(values["name"], str),
        mean=check_real("static: mean", values["mean"]),
        std=check_real("static: std", values["std"], "> 0"),
        categories=tuple(_checked(c, str) for c in _checked(values["categories"], list)),
    )


def _layout(content: Any) -> Layout:
    values = _fields(content, Layout)
    if values["reference"] not in ("last", "season") or not set(values["calendar"]) <= {*_CYCLES}:
        raise ValueError("its layout names something that this version does not have")
    for name in ("covariate_mean", "covariate_std", "past_mean", "past_std"):
        interval: Range = "> 0" if name.endswith("std") else "finite"
        values[name] = tuple(check_real(f"layout: {name}", v, interval) for v in values[name])
    for kind in ("covariate", "past"):
        if len(values[f"{kind}_mean"]) != len(values[f"{kind}_std"]):
            raise ValueError("its covariates do not fit")
    season = check_integer("season", values["season"])
    return Layout(
        window=check_integer("window", values["window"], 1),
        horizon=check_integer("horizon", values["horizon"], 1),
        season=season,
        reference=values["reference"] if season else "last",
        marks_missing=_checked(values["marks_missing"], bool),
        calendar=tuple(values["calendar"]),
        covariate_mean=values["covariate_mean"],
        covariate_std=values["covariate_std"],
        past_mean=values["past_mean"],
        past_std=values["past_std"],
        static=check_integer("static", values["static"], 0),
        log=_checked(values["log"], bool),
        lower=None if values["lower"] is None else check_real("lower", values["lower"]),
        longer=check_integer("longer", values["longer"], 0),
        counts=_checked(values["counts"], bool),
    )


def _scale(content: Any, layout: Layout) -> Scale:
    values = _fields(content, Scale)
    effects = tuple(check_real("scale: effects", v) for v in values["effects"])
    if len(effects) not in (0, len(layout.covariate_mean)):
        raise ValueError("the effects of its covariates do not fit")
    intervals: dict[str, Range] = {"mean": "finite", "std": "> 0", "step": "> 0"}
    return Scale(
        **{
            name: check_real(f"scale: {name}", values[name], interval)
            for name, interval in intervals.items()
        },
        effects=effects,
    )


def _fields(content: Any, cls: type) -> dict[str, Any]:
    """Return the fields of a dataclass; ValueError if any is missing or unknown.

    Those with a default may be missing.
    """
    defaults = {item.name: item.default for item in fields(cls)}
    optional = {name: value for name, value in defaults.items() if value is not MISSING}
    names = set(_checked(content, dict))
    if not defaults.keys() - optional.keys() <= names <= defaults.keys():
        raise ValueError(f"wanted {sorted(defaults)}, got {sorted(content)}")
    return {**optional, **content}


def _series(content: Any, tensors: dict[str, Array], number: int, layout: Layout) -> Series:
    name, times = _checked(content["name"], str), content["times"]
    values = tensors[f"forecaster/values/{number}"].astype(np.float64)
    covariates = tensors[f"forecaster/covariates/{number}"].astype(np.float64)
    past = _rows_beside(tensors, f"forecaster/past/{number}", (len(values), len(layout.past_mean)))
    static = _rows_beside(tensors, f"forecaster/static/{number}", (layout.static,))
    is_series = values.ndim == 1 and len(values) and np.isfinite(values[0])
    are_rows = covariates.ndim == 2 and covariates.shape[1] == len(layout.covariate_mean)
    if not is_series or not are_rows or np.isinf(values).any() or len(values) < layout.shortest:
        raise ValueError(f"the end of series {name!r} does not fit")
    if not np.isfinite(covariates).all():
        raise ValueError(f"the covariates of series {name!r} are not finite")
    if len(covariates) != len(values):
        raise ValueError(f"the covariates of series {name!r} do not fit")
    if times is None:
        if layout.calendar:
            raise ValueError(f"series {name!r} has no times")
        return Series(name, values, None, covariates, past=past, static=static)
    pandas = require("pandas", "pandas")
    last = pandas.Timestamp(_checked(times["last"], str))
    if "zone" in times:
        last = last.tz_convert(_checked(times["zone"], str))
    unit = times.get("unit", pandas.date_range(last, periods=1).unit)
    last = last.as_unit(_checked(unit, str))
    by_clock = _checked(times.get("by_clock", False), bool)
    step = Step.of(_checked(times["frequency"], str), last, by_clock)
    index = step.until(last, len(values))
    return Series(name, values, index, covariates, step=step, past=past, static=static)


def _rows_beside(tensors: dict[str, Array], name: str, shape: tuple[int, ...]) -> Array:
    """Return a tensor of numbers beside a series; ValueError if it does not fit."""
    rows = tensors[name].astype(np.float64) if shape[-1] else np.zeros(shape)
    if rows.shape != shape or not np.isfinite(rows).all():
        raise ValueError(f"{name} does not fit")
    return rows


def _check_model(forecaster: _Forecaster, layout: Layout, model: Sequential) -> None:
    """Raise ValueError unless the shapes of the model and the arguments agree with the layout."""
    outputs = layout.horizon * len(forecaster.levels)
    takes, gives = model.input_shape, model.output_shape
    if tuple(takes or ()) != (None, None, layout.features) or tuple(gives or ()) != (None, outputs):
        raise ValueError(
            f"its model takes {takes} and gives {gives}: wanted {layout.features} features and "
            f"{outputs} outputs"
        )
    window = layout.window if forecaster.window is None else forecaster.window
    if (window, forecaster.horizon) != (layout.window, layout.horizon):
        raise ValueError("its window and horizon are not those of its layout")
