"""Forecasters in ONNX files: scaling, calendar and naive forecast are part of the graph."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from gru_c.common.optional import require
from gru_c.forecast.base import Base
from gru_c.forecast.features import Layout, Scale
from gru_c.forecast.fitted import Fitted
from gru_c.forecast.peers import MODEL
from gru_c.interop.onnx import export
from gru_c.saving.files import write_whole

_DAY = 86_400
_FARTHEST = 1e6  # scaled values are clipped to this, as in a Forecaster
_MARCH = 719_468  # days from 0000-03-01 to 1970-01-01


def write(path: str | os.PathLike[str], known: Fitted, series: str | None) -> None:
    """Write a forecaster as an ONNX file; see `Forecaster.to_onnx`."""
    _check(known.layout, known.method)
    names = [item.name for item in known.past.series]
    if series is None and len(names) > 1:
        raise ValueError(f"the forecaster has the series {names}: name the one whose scale is used")
    name = names[0] if series is None else series
    if name not in names:
        raise ValueError(f"the forecaster has no series {series!r}: there are {names}")
    onnx = require("onnx", "onnx")
    target = Path(path)
    with tempfile.TemporaryDirectory() as folder:
        inner = Path(folder) / f"model{target.suffix}"
        export(known.model, inner)
        model = onnx.load(inner)
    wrapper = _Wrapper(onnx, known, known.scales[name])
    write_whole(target, wrapper.wrap(model).SerializeToString())


def _check(layout: Layout, method: str) -> None:
    for has, what in (
        (layout.covariate_mean or layout.past_mean, "covariates"),
        (layout.static, "static features"),
        (layout.marks_missing, "a mark for missing values"),
        (method != MODEL, f"forecasts by {method}"),
    ):
        if has:
            raise ValueError(f"the forecaster has {what}, which its ONNX file cannot express")


class _Wrapper:
    """Adds nodes before and behind a model, so that it takes and gives values of a series."""

    def __init__(self, onnx: Any, known: Fitted, scale: Scale) -> None:
        self._onnx, self._layout, self._scale = onnx, known.layout, scale
        self._known, self._levels = known, len(known.levels)
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def wrap(self, model: Any) -> Any:
        """Return the model with the additional nodes."""
        graph, helper, proto = model.graph, self._onnx.helper, self._onnx.TensorProto
        entry, result = graph.input[0].name, graph.output[0].name
        layout, length = self._layout, self._known.needed
        self._features(entry)
        before, self._nodes = self._nodes, []
        self._forecast(result)
        inputs = [helper.make_tensor_value_info("values", proto.DOUBLE, ["B", length])]
        if layout.calendar:
            inputs.append(helper.make_tensor_value_info("times", proto.INT64, ["B", layout.window]))
        shape = ["B", layout.horizon, self._levels]
        outputs = [helper.make_tensor_value_info("forecast", proto.DOUBLE, shape)]
        whole = helper.make_graph(
            [*before, *graph.node, *self._nodes],
            "forecaster",
            inputs,
            outputs,
            [*graph.initializer, *self._constants],
        )
        new = helper.make_model(whole, opset_imports=model.opset_import)
        new.ir_version = model.ir_version
        self._onnx.checker.check_model(new)
        return new

    def _add(self, kind: str, *inputs: Any, out: str | None = None, **attributes: Any) -> str:
        """Add a node, whose inputs are names or constants; return the name of its output."""
        names = [self._name(given) for given in inputs]
        out = out or f"forecaster_{kind}_{len(self._nodes)}_{len(self._constants)}"
        self._nodes.append(self._onnx.helper.make_node(kind, names, [out], **attributes))
        return out

    def _name(self, given: Any) -> str:
        if isinstance(given, str):
            return given
        name = f"forecaster_constant_{len(self._constants)}"
        self._constants.append(self._onnx.numpy_helper.from_array(np.asarray(given), name))
        return name

    def _integers(self, *numbers: int) -> Any:
        return np.array(numbers, np.int64)

    def _scaled(self, name: str, divisor: float) -> str:
        """Return a quotient, clipped, as a float32 feature (B, window, 1)."""
        quotient = self._add("Div", name, np.float64(divisor))
        quotient = self._add("Max", quotient, np.float64(-_FARTHEST))
        quotient = self._add("Min", quotient, np.float64(_FARTHEST))
        return self._feature(quotient)

    def _feature(self, name: str) -> str:
        single = self._add("Cast", name, to=self._onnx.TensorProto.FLOAT)
        return self._add("Unsqueeze", single, self._integers(2))

    def _features(self, entry: str) -> None:
        """Add the nodes that make the features of the window."""
        layout, scale = self._layout, self._scale
        self._values = self._add("Log", "values") if layout.log else "values"
        axis = self._integers(1)

        skipped = self._known.needed - layout.needed  # what only the linear forecast sees

        def part(begin: int, end: int) -> str:
            limits = self._integers(skipped + begin), self._integers(skipped + end)
            return self._add("Slice", self._values, *limits, axis)

        self._part = part
        now = part(layout.season, layout.season + layout.window)
        features = [self._scaled(self._add("Sub", now, np.float64(scale.mean)), scale.std)]
        if layout.season:
            change = self._add("Sub", now, part(0, layout.window))
            features.append(self._scaled(change, scale.step))
        angles = [self._angle(cycle) for cycle in layout.calendar]
        for function in (np.sin, np.cos):
            features += [self._wave(angle, function is np.cos) for angle in angles]
        self._add("Concat", *features, out=entry, axis=2)

    def _wave(self, angle: str, is_cosine: bool) -> str:
        # Sin and Cos of float64 are not in every runtime: those of float32 have the same accuracy
        # as the features.
        single = self._add("Cast", angle, to=self._onnx.TensorProto.FLOAT)
        return self._feature(self._add("Cos" if is_cosine else "Sin", single))

    def _angle(self, cycle: str) -> str:
        """Return the angle of the times in a cycle of the calendar, float64 (B, window)."""
        seconds = self._mod("times", _DAY)
        hour = self._add("Div", self._double(seconds), np.float64(_DAY))
        if cycle == "day":
            return self._add("Mul", hour, np.float64(2 * np.pi))
        days = self._add("Div", self._add("Sub", "times", seconds), np.int64(_DAY))
        if cycle == "week":  # 1970-01-01 was a Thursday
            whole, length = self._mod(self._add("Add", days, np.int64(3)), 7), 7.0
        else:
            whole, length = self._day_of_year(days), 365.25
        passed = self._add("Add", self._double(whole), hour)
        return self._add("Mul", passed, np.float64(2 * np.pi / length))

    def _mod(self, name: str, divisor: int) -> str:
        return self._add("Mod", name, np.int64(divisor))

    def _double(self, name: str) -> str:
        return self._add("Cast", name, to=self._onnx.TensorProto.DOUBLE)

    def _quotient(self, name: str, divisor: int) -> str:
        return self._add("Div", name, np.int64(divisor))

    def _day_of_year(self, days: str) -> str:
        """Return the number of days since January 1 (Hinnant, chrono-compatible algorithms)."""
        day = self._mod(self._add("Add", days, np.int64(_MARCH)), 146_097)
        leap_days = self._add("Sub", day, self._quotient(day, 1460))
        leap_days = self._add("Add", leap_days, self._quotient(day, 36_524))
        leap_days = self._add("Sub", leap_days, self._quotient(day, 146_096))
        year = self._quotient(leap_days, 365)  # begins in March, 0 to 399
        before = self._add("Mul", year, np.int64(365))
        before = self._add("Add", before, self._quotient(year, 4))
        before = self._add("Sub", before, self._quotient(year, 100))
        since_march = self._add("Sub", day, before)
        is_next = self._add("GreaterOrEqual", since_march, np.int64(306))  # January, February
        by_4 = self._add("Equal", self._mod(year, 4), np.int64(0))
        by_100 = self._add("Equal", self._mod(year, 100), np.int64(0))
        by_400 = self._add("Equal", self._mod(year, 400), np.int64(0))
        is_leap = self._add("Or", self._add("And", by_4, self._add("Not", by_100)), by_400)
        leap = self._add("Cast", is_leap, to=self._onnx.TensorProto.INT64)
        spring = self._add("Add", self._add("Add", since_march, np.int64(59)), leap)
        return self._add("Where", is_next, self._add("Sub", since_march, np.int64(306)), spring)

    def _forecast(self, result: str) -> None:
        """Add the nodes that make forecasts of the model's outputs."""
        layout, levels = self._layout, self._levels
        outputs = self._add("Reshape", result, self._integers(-1, layout.horizon, levels))
        ordered = f"{outputs}_ordered"
        names = [outputs, self._name(self._integers(levels))]
        self._nodes.append(
            self._onnx.helper.make_node(
                "TopK", names, [ordered, f"{ordered}_places"], axis=2, largest=0
            )
        )
        correction = self._double(ordered)
        if self._known.base is not None:
            correction = self._weighted(correction, self._known.base)
        correction = self._add("Mul", correction, np.float64(self._scale.step))
        reference = self._add("Unsqueeze", self._reference(), self._integers(2))
        forecast = self._add("Add", reference, correction)
        if layout.log:
            limit = np.log(1e100)
            forecast = self._add("Max", forecast, np.float64(-limit))
            forecast = self._add("Exp", self._add("Min", forecast, np.float64(limit)))
        if layout.counts:
            forecast = self._add("Round", forecast)
        if layout.lower is not None:
            forecast = self._add("Max", forecast, np.float64(layout.lower))
        self._add("Identity", forecast, out="forecast")

    def _reference(self) -> str:
        """Return the forecast that the model corrects, float64 (B, horizon)."""
        layout, base, scale = self._layout, self._known.base, self._scale
        if base is None:
            season = layout.reference_season
            back = self._known.needed - season + np.arange(layout.horizon) % season
            return self._add("Gather", self._values, back.astype(np.int64), axis=1)
        begin, end = self._known.needed - base.lags, self._known.needed
        limits = self._integers(begin), self._integers(end), self._integers(1)
        seen = self._add("Slice", self._values, *limits)
        seen = self._add(
            "Div", self._add("Sub", seen, np.float64(scale.mean)), np.float64(scale.std)
        )
        ahead = self._add("MatMul", seen, base.map.coefficients)
        ahead = self._add("Add", ahead, base.map.intercept)
        return self._add(
            "Add", self._add("Mul", ahead, np.float64(scale.std)), np.float64(scale.mean)
        )

    def _weighted(self, ordered: str, base: Base) -> str:
        """Return the part of the model's outputs in the forecast; see `Base.corrections`."""
        middle = self._known.levels.index(0.5)
        median = self._add("Gather", ordered, self._integers(middle), axis=2)
        beside = self._add("Mul", self._add("Sub", ordered, median), np.float64(base.share))
        beside = self._add("Add", beside, (1 - base.share) * base.spread)
        beside = self._add("Mul", beside, np.float64(base.widening))
        return self._add("Add", self._add("Mul", median, np.float64(base.share)), beside)
