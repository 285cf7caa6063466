"""The table that `Sequential.summary` prints, with estimated operations."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gru_c.common.arrays import Shape
from gru_c.layers import Conv1D, Layer

if TYPE_CHECKING:
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
    shape = model.input_shape
    extra = ("Trainable",) if show_trainable else ()
    rows: list[tuple[str, ...]] = [("Layer (type)", "Output shape", "Params", "FLOPs", *extra)]
    costs = [(0, 0)]
    for layer in model.layers:
        known = shape is not None and layer.built
        costs.append(_flops(layer, shape) if shape is not None and known else (0, 0))
        flops = _flops_text(*costs[-1]) if known else "unknown"
        shape = None if shape is None else layer.compute_output_shape(shape)
        count = f"{layer.count_params():,}" if layer.built else "not built"
        extra = (_trained(model, layer),) if show_trainable else ()
        label = f"{layer.name} ({type(layer).__name__})"
        rows.append((label, str(shape or "?"), count, flops, *extra))
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
