"""What a model costs: operations of each layer for `summary`, measured times for `profile`.

Counted are the multiplications with kernels and the additions that go with them, which is nearly
all: 2 * 3H * (I + H) operations for a step of a GRU of H units on I features, 2 * I * O for a
Dense. Activations, normalisations and look-ups count as nothing. The backward pass takes twice
that, once for the gradient of the kernels and once for that of the input, so that a training step
takes three times as many. The gradient of the model's own input is not computed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gru_c import states
from gru_c.layers import Bidirectional, Layer, drawing
from gru_c.layers.base import Array, Shape
from gru_c.passes import blas_held

if TYPE_CHECKING:
    from gru_c.chain import Chain
    from gru_c.model import Sequential


def _kernel_sizes(layer: Layer) -> tuple[int, int]:
    """Return how many weights meet the input at each place, and how many the state."""
    kernels = [item for item in layer.parameters if item.name.endswith("kernel")]
    recurrent = sum(item.array.size for item in kernels if "recurrent" in item.name)
    return sum(item.array.size for item in kernels) - recurrent, recurrent


def _flops(layer: Layer, input_shape: Shape) -> tuple[int, int]:
    """Return the operations of a sample, and where their number is open those of a time step."""
    places = input_shape[1:-1]
    by_place = 2 * sum(_kernel_sizes(layer))
    if None in places:
        return 0, by_place
    return by_place * math.prod(size or 0 for size in places), 0


# ---- summary ------------------------------------------------------------------------------------


def summary_lines(model: Chain) -> list[str]:
    """Return the lines of `Sequential.summary`."""
    shape = model.input_shape
    rows = [("Layer (type)", "Output shape", "Params", "FLOPs")]
    costs = [(0, 0)]
    for layer in model.layers:
        known = shape is not None and layer.built
        costs.append(_flops(layer, shape) if shape is not None and known else (0, 0))
        flops = _in_words(*costs[-1]) if known else "unknown"
        shape = None if shape is None else layer.compute_output_shape(shape)
        count = f"{layer.count_params():,}" if layer.built else "not built"
        rows.append((f"{layer.name} ({type(layer).__name__})", str(shape or "?"), count, flops))
    lines = _table(rows, left=2)
    rule = "-" * len(lines[0])
    flops, *counts = ["unknown before the model is built"] * 4
    if model.built:
        by_sample, by_step = (sum(column) for column in zip(*costs, strict=True))
        flops, total = _in_words(by_sample, by_step), model.count_params()
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


def _in_words(by_sample: int, by_step: int) -> str:
    if not by_step:
        return f"{by_sample:,}"
    return f"{by_step:,} a step" + (f" + {by_sample:,}" if by_sample else "")


def _table(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Return lines of aligned columns, the first `left` of them to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:{'<' if i < left else '>'}{width}}"
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


# ---- profile ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ProfileRow:
    """One pass of a layer.

    Attributes
    ----------
    layer : str
        Its name.
    direction : {"forward", "backward"}
        Which pass.
    seconds : float
        Median over the repeats.
    flops : int
        Operations; steps that do not count are left out.
    share : float
        Of the total time.
    part_of : str or None
        The `Bidirectional` that the layer is one direction of: measured alone, and not in the
        total.
    """

    layer: str
    direction: str
    seconds: float
    flops: int
    share: float
    part_of: str | None = None

    @property
    def gflops(self) -> float:
        """Operations in a second, in 10^9."""
        return self.flops / self.seconds / 1e9 if self.seconds else 0.0


@dataclass(frozen=True)
class Profile:
    """What `Sequential.profile` measured; ``print(profile)`` shows it as a table.

    Attributes
    ----------
    rows : list of ProfileRow
        Layer by layer, forward and then backward.
    seconds : float
        The sum over the layers.
    flops : int
    """

    rows: list[ProfileRow]
    seconds: float
    flops: int

    def __str__(self) -> str:
        total = ProfileRow("total", "", self.seconds, self.flops, 1.0)
        header = ("Layer", "Direction", "Time", "GFLOP/s", "Share")
        cells = [_cells(row) for row in (*self.rows, total)]
        lines = _table([header, *cells], left=2)
        rule = "-" * len(lines[0])
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])

    __repr__ = __str__


def _cells(row: ProfileRow) -> tuple[str, ...]:
    name = row.layer if row.part_of is None else f"  {row.layer}, alone"
    speed = f"{row.gflops:.1f}" if row.flops else "-"
    share = f"{100 * row.share:.1f} %" if row.part_of is None else ""
    return (name, row.direction, f"{1e6 * row.seconds:,.1f} us", speed, share)


class _Measured(NamedTuple):
    """A layer with what goes into it, and what comes back."""

    layer: Layer
    part_of: str | None
    x: Array
    arguments: dict[str, Any]  # the mask, if there is one
    d_output: Array | None  # None: forward only
    input_gradient: bool

    def time(self) -> list[float]:
        """Return the seconds of the forward, and of the backward pass where there is one."""
        training = self.d_output is not None
        start = time.perf_counter()
        self.layer.forward(self.x, training=training, **self.arguments)
        seconds = [time.perf_counter() - start]
        if self.d_output is not None:
            start = time.perf_counter()
            self.layer.backward(self.d_output, input_gradient=self.input_gradient, keep_tape=False)
            seconds.append(time.perf_counter() - start)
        return seconds

    def rows(self, times: Array, total: float) -> Iterator[ProfileRow]:
        """Yield a row for each pass, given its time."""
        mask = self.arguments.get("mask")
        places = self.x.size // max(self.x.shape[-1], 1)
        places = places if mask is None else int(np.count_nonzero(mask))
        of_input, recurrent = _kernel_sizes(self.layer)
        forward = 2 * places * (of_input + recurrent)
        backward = 2 * forward - (0 if self.input_gradient else 2 * places * of_input)
        directions = (("forward", forward), ("backward", backward))
        for (direction, flops), seconds in zip(directions, times.tolist(), strict=False):
            share = seconds / total
            yield ProfileRow(self.layer.label, direction, seconds, flops, share, self.part_of)


def profile(
    model: Sequential, x: Array, mask: Array | None, training: bool, repeats: int
) -> Profile:
    """Run and time the layers one after the other; see `Sequential.profile`."""
    with _unchanged(model), blas_held():
        measured = list(_measured(model, x, mask, training))
        rounds = [[one.time() for one in measured] for _ in range(repeats + 1)]
    # The first round finds cold caches and memory that is not there yet.
    medians = [np.median(times, axis=0) for times in zip(*rounds[1:], strict=True)]
    pairs = list(zip(measured, medians, strict=True))
    total = float(sum(times.sum() for one, times in pairs if one.part_of is None))
    rows = [row for one, times in pairs for row in one.rows(times, total)]
    return Profile(rows, total, sum(row.flops for row in rows if row.part_of is None))


def _measured(
    model: Sequential, x: Array, mask: Array | None, training: bool
) -> Iterator[_Measured]:
    """Run the chain once, for what goes into each layer; the backward pass has its lowest one."""
    lowest, reached = model.first_trained_layer, False
    for layer in model.layers:
        reached = reached or layer is lowest
        passed_on = layer.compute_mask(x, mask)
        arguments = {"mask": mask} if mask is not None and layer.takes_mask else {}
        parts = layer.directions if isinstance(layer, Bidirectional) else ()
        outputs = [one.forward(x, **arguments) for one in (layer, *parts)]
        for one, output in zip((layer, *parts), outputs, strict=True):
            part_of = None if one is layer else layer.label
            d_output = np.ones_like(output) if training and reached else None
            yield _Measured(one, part_of, x, arguments, d_output, layer is not lowest)
        x, mask = outputs[0], passed_on


@contextmanager
def _unchanged(model: Sequential) -> Iterator[None]:
    """Put back what passes change besides gradients and tapes: states and random generators."""
    before = states.kept(model)
    generators = [rng.bit_generator for rng in drawing.generators(model.layers)]
    drawn = [generator.state for generator in generators]
    try:
        yield
    finally:
        states.put_back(before)
        for generator, state in zip(generators, drawn, strict=True):
            generator.state = state
