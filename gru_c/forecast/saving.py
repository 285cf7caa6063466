"""Forecasters in safetensors files: a model's file, with what is known besides it.

The metadata's ``forecaster`` is JSON: the constructor's arguments, the layout of the features, the
scales, and of each series its name and times; the ends of the series are the tensors
``forecaster/values/0``, ``forecaster/covariates/0`` ... Nothing from a file is executed.
"""

from __future__ import annotations

import inspect
import json
import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gru_c.forecast.features import Layout, Scale
from gru_c.forecast.series import Panel, Series
from gru_c.models.loading import read_model
from gru_c.saving.contents import contents
from gru_c.saving.files import check_target, write_tensors
from gru_c.utils.arrays import Array
from gru_c.utils.optional import require
from gru_c.utils.validation import Range, check_integer, check_real

if TYPE_CHECKING:
    from gru_c.forecast.forecaster import Forecaster


_VERSION = 1
_FORMS = ("array", "columns", "list", "dict", "series", "frame")
_CYCLES = ("day", "week", "year")


def save(forecaster: Forecaster, path: str | os.PathLike[str]) -> None:
    """Write a forecaster; see `Forecaster.save`."""
    layout, past = forecaster.layout, forecaster.past
    tails = [item.tail(layout.needed) for item in past.series]
    tensors = {f"forecaster/values/{i}": item.values for i, item in enumerate(tails)}
    tensors |= {
        f"forecaster/covariates/{i}": item.covariates[: len(item)] for i, item in enumerate(tails)
    }
    content = {
        "version": _VERSION,
        "arguments": {name: getattr(forecaster, name) for name in _arguments(type(forecaster))},
        "layout": asdict(layout),
        "scales": {name: asdict(scale) for name, scale in forecaster.scales.items()},
        "form": past.form,
        "series": [{"name": item.name, "times": _times(item)} for item in tails],
        "history": forecaster.history_,
        "columns": forecaster.columns_,
    }
    target = Path(path)
    check_target(target)
    weights, metadata = contents(forecaster.model_)
    metadata["forecaster"] = json.dumps(content)
    # Names with two slashes are passed over by load_model, which reads the model alone.
    write_tensors(target, {**weights, **tensors}, metadata)


def _arguments(cls: type) -> list[str]:
    return list(inspect.signature(cls).parameters)


def _times(item: Series) -> dict[str, str] | None:
    if item.index is None:
        return None
    return {"last": item.index[-1].isoformat(), "frequency": item.index.freqstr} | (
        {} if item.index.tz is None else {"zone": str(item.index.tz)}
    )


def load(cls: type[Forecaster], path: str | os.PathLike[str]) -> Forecaster:
    """Read a forecaster; see `Forecaster.load`."""
    model, tensors, metadata = read_model(path)
    if "forecaster" not in metadata:
        raise ValueError(f"{os.fspath(path)} holds a model that is no forecaster: take load_model")
    try:
        content = json.loads(metadata["forecaster"])
        if not isinstance(content, dict) or content.get("version") != _VERSION:
            raise ValueError(f"its version is not {_VERSION}")
        forecaster = cls(**_checked(content["arguments"], dict))
        layout = _layout(content["layout"])
        scales = {name: _scale(item) for name, item in _checked(content["scales"], dict).items()}
        series = [
            _series(item, tensors, number, layout)
            for number, item in enumerate(_checked(content["series"], list))
        ]
        if not series or content["form"] not in _FORMS:
            raise ValueError("it has no series")
        _check_fit(forecaster, layout, model)
        forecaster.model_ = model
        forecaster.history_ = _checked(content["history"], dict)
        forecaster.columns_ = _columns(content.get("columns", {}))
    except (KeyError, TypeError, ValueError, RecursionError, OverflowError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"{os.fspath(path)}: the forecaster is damaged: {what}") from None
    forecaster.set_state(layout, scales, Panel(series, content["form"]))
    return forecaster


def _checked(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"wanted a {kind.__name__}, got {value!r:.40}")
    return value


def _columns(given: Any) -> dict[str, str]:
    columns = _checked(given, dict)
    return {_checked(role, str): _checked(name, str) for role, name in columns.items()}


def _layout(given: Any) -> Layout:
    values = _exactly(given, Layout)
    if values["reference"] not in ("last", "season") or not set(values["calendar"]) <= {*_CYCLES}:
        raise ValueError("its layout names what this version has not")
    for name in ("covariate_mean", "covariate_std"):
        interval: Range = "> 0" if name.endswith("std") else "finite"
        values[name] = tuple(check_real(f"layout: {name}", v, interval) for v in values[name])
    if len(values["covariate_mean"]) != len(values["covariate_std"]):
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
    )


def _scale(given: Any) -> Scale:
    values = _exactly(given, Scale)
    intervals: dict[str, Range] = {"mean": "finite", "std": "> 0", "step": "> 0"}
    return Scale(
        **{
            name: check_real(f"scale: {name}", values[name], interval)
            for name, interval in intervals.items()
        }
    )


def _exactly(given: Any, cls: type) -> dict[str, Any]:
    names = {item.name for item in fields(cls)}
    if set(_checked(given, dict)) != names:
        raise ValueError(f"wanted {sorted(names)}, got {sorted(given)}")
    return dict(given)


def _series(given: Any, tensors: dict[str, Array], number: int, layout: Layout) -> Series:
    name, times = _checked(given["name"], str), given["times"]
    values = tensors[f"forecaster/values/{number}"].astype(np.float64)
    covariates = tensors[f"forecaster/covariates/{number}"].astype(np.float64)
    whole = values.ndim == 1 and len(values) and np.isfinite(values[0])
    fit = covariates.ndim == 2 and covariates.shape[1] == len(layout.covariate_mean)
    if not whole or not fit or np.isinf(values).any() or len(values) < layout.shortest:
        raise ValueError(f"the end of series {name!r} does not fit")
    if not np.isfinite(covariates).all():
        raise ValueError(f"the covariates of series {name!r} are not finite")
    if len(covariates) != len(values):
        raise ValueError(f"the covariates of series {name!r} do not fit")
    if times is None:
        if layout.calendar:
            raise ValueError(f"series {name!r} has no times")
        return Series(name, values, None, covariates)
    pandas = require("pandas", "pandas")
    last = pandas.Timestamp(_checked(times["last"], str))
    if "zone" in times:
        last = last.tz_convert(_checked(times["zone"], str))
    frequency = _checked(times["frequency"], str)
    index = pandas.date_range(end=last, periods=len(values), freq=frequency)
    return Series(name, values, index, covariates)


def _check_fit(forecaster: Forecaster, layout: Layout, model: Any) -> None:
    """Raise ValueError unless the model takes and gives what the layout says."""
    outputs = layout.horizon * len(forecaster.levels)
    takes, gives = model.input_shape, model.output_shape
    if tuple(takes or ()) != (None, None, layout.features) or tuple(gives) != (None, outputs):
        raise ValueError(
            f"its model takes {takes} and gives {gives}: wanted {layout.features} features and "
            f"{outputs} outputs"
        )
    if (forecaster.window, forecaster.horizon) != (layout.window, layout.horizon):
        raise ValueError("its window and horizon are not those of its layout")
