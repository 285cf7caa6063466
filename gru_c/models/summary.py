"""The table that `Sequential.summary` prints, with estimated operations."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gru_c.common.arrays import Shape
from gru_c.layers import Conv1D, Input, Layer

if TYPE_CHECKING:
    from gru_c.network.graph import Graph
    from gru_c.network.network import Network


def kernel_sizes(layer: Layer) -> tuple[int, int]:
    """Return the numbers of weights in kernels for the input and in recurrent kernels."""
    kernels = [item for item in layer.parameters if item.name.endswith("kernel")]
    recurrent = sum(item.array.size for item in kernels if "recurrent" in item.name)
    return sum(item.array.size for item in kernels) - recurrent, recurrent


def kernel_positions(layer: Layer, input_shape: Shape) -> Shape:
    """Return the axes over which a layer's kernels are applied, batch axis first."""
    if isinstance(layer, Conv1D):
        return layer.swapped(layer.compute_output_shape(input_shape))[:-1]
    return input_shape[:-1]


def _flops(layer: Layer, input_shape: Shape) -> tuple[int, int]:
    """Return the operations per sample and per time step; one of the two is 0.

    They are given per time step if the number of time steps is open.
    """
    positions = kernel_positions(layer, input_shape)[1:]
    per_position = 2 * sum(kernel_sizes(layer))
    if None in positions:
        return 0, per_position
    return per_position * math.prod(size or 0 for size in positions), 0


def summary_lines(
    model: Network,
    length: int = 0,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> list[str]:
    """Return the lines of `Sequential.summary`; see there. `length` is the smallest length."""
    first, end = _layer_range(model, layer_range)
    is_graph = model.chain is not model
    extra = ("Trainable",) if show_trainable else ()
    extra = (*extra, "Connected to") if is_graph else extra
    rows: list[tuple[str, ...]] = [("Layer (type)", "Output shape", "Params", "FLOPs", *extra)]
    costs = [(0, 0)]
    for layer, calls in _calls(model):
        known = bool(calls) and layer.built
        cost = [_cost(layer, call.inputs) for call in calls] if known else [(0, 0)]
        costs.append((sum(a for a, _ in cost), sum(b for _, b in cost)))
        flops = _flops_text(*costs[-1]) if known else "unknown"
        count = f"{layer.count_params():,}" if layer.built else "not built"
        extra = (_trained(model, layer),) if show_trainable else ()
        if is_graph:
            extra = (*extra, ", ".join(name for call in calls for name in call.before) or "-")
        label = f"{layer.name} ({_class_name(layer)})"
        shapes = ", ".join(str(shape) for shape in calls[0].outputs) if calls else "?"
        rows.append((label, shapes, count, flops, *extra))
    rows = [rows[0], *rows[1 + first : 1 + end]]
    lines = table_lines(rows, left=2)
    missing = length - len(lines[0])
    if missing > 0:
        widest = max(len(row[0]) for row in rows)
        rows[0] = (rows[0][0].ljust(widest + missing), *rows[0][1:])
        lines = table_lines(rows, left=2)
    rule = "-" * len(lines[0])
    flops, *counts = ["unknown before the model is built"] * 4
    if model.built:
        per_sample, per_step = (sum(column) for column in zip(*costs, strict=True))
        flops, total = _flops_text(per_sample, per_step), model.count_params()
        trained = sum(item.array.size for item in model.trainable_weights)
        counts = [f"{count:,}" for count in (total, trained, total - trained)]
    return [
        f"Model: {model.name}",
        *(rule, lines[0], rule, *lines[1:], rule),
        f"FLOPs of a sample, forward: {flops}",
        f"Total params: {counts[0]}",
        f"Trainable params: {counts[1]}",
        f"Non-trainable params: {counts[2]}",
    ]


class Call(NamedTuple):
    """A call of a layer in a model.

    Attributes
    ----------
    inputs, outputs : list of tuple
        Shapes.
    before : list of str
        Names of the layers whose outputs it takes.
    """

    inputs: list[Any]
    outputs: list[Any]
    before: list[str]


def _calls(model: Network) -> list[tuple[Any, list[Call]]]:
    """Return the layers with their calls, which are none while the shapes are unknown."""
    graph = vars(model).get("graph")
    if graph is not None:
        return calls_in(graph)
    rows: list[tuple[Any, list[Call]]] = []
    shape = model.input_shape
    for layer in model.layers:
        after = None if shape is None else layer.compute_output_shape(shape)
        rows.append((layer, [] if shape is None else [Call([shape], [after], [])]))
        shape = after
    return rows


def calls_in(graph: Graph) -> list[tuple[Any, list[Call]]]:
    """Return the layers and inputs of a graph, in its order, with their calls."""
    rows: dict[int, tuple[Any, list[Call]]] = {
        id(layer): (layer, []) for layer in graph.layers if isinstance(layer, Layer)
    }
    for tensor in graph.inputs:
        layer = tensor.node.layer
        rows.get(id(layer), (layer, []))[1].append(Call([], [tensor.shape], []))
    for node in graph.nodes:
        if id(node.layer) in rows:
            before = [tensor.name for tensor in node.inputs]
            shapes = [tensor.shape for tensor in node.inputs]
            call = Call(shapes, [tensor.shape for tensor in node.outputs], before)
            rows[id(node.layer)][1].append(call)
    return list(rows.values())


def _class_name(layer: Layer) -> str:
    """Return the class of a layer, or of the model that it stands for."""
    if layer.runs_graph:
        return type(layer.model).__name__  # type: ignore[attr-defined]
    return "InputLayer" if isinstance(layer, Input) else type(layer).__name__


def _cost(layer: Layer, shapes: list[Any]) -> tuple[int, int]:
    """Return the operations of a call; see `_flops`."""
    if layer.runs_graph:
        parts = [
            _cost(inner, call.inputs)
            for inner, calls in calls_in(layer.graph)  # type: ignore[attr-defined]
            for call in calls
        ]
        return sum(a for a, _ in parts), sum(b for _, b in parts)
    return _flops(layer, shapes[0]) if shapes and layer.parameters else (0, 0)


def _layer_range(model: Network, names: Sequence[str] | None) -> tuple[int, int]:
    """Return the numbers of the first layer of the table and of the layer after its last."""
    if names is None:
        return 0, len(model.layers)
    if isinstance(names, str) or len(names) != 2:
        raise ValueError(f"layer_range must be two names of layers, got {names!r}")
    ends = []
    for name in names:
        numbers = [n for n, layer in enumerate(model.layers) if re.match(name, str(layer.name))]
        if not numbers:
            raise ValueError(f"layer_range: no layer has a name that matches {name!r}")
        ends.append(numbers)
    first, last = min(ends[0]), max(ends[1])
    return min(first, last), max(first, last) + 1


def _trained(model: Network, layer: Layer) -> str:
    if not layer.parameters:
        return "-"
    return "Y" if model.trainable and layer.trainable_weights else "N"


def _flops_text(per_sample: int, per_step: int) -> str:
    if not per_step:
        return f"{per_sample:,}"
    return f"{per_step:,} a step" + (f" + {per_sample:,}" if per_sample else "")


def table_lines(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Return lines of aligned columns: the first `left` columns to the left, the others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:{'<' if i < left else '>'}{width}}"
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
