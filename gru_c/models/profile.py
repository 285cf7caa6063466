"""Measured times of each layer's forward and backward pass."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gru_c.common.arrays import Array
from gru_c.layers import Bidirectional, Layer
from gru_c.layers.base import random_layer
from gru_c.models.summary import kernel_positions, kernel_sizes, table_lines
from gru_c.network import layer_states
from gru_c.runtime.blas_threads import blas_held

if TYPE_CHECKING:
    from gru_c.network.network import Network


@dataclass(frozen=True)
class ProfileRow:
    """The time of one pass of a layer.

    Attributes
    ----------
    layer : str
        Name of the layer.
    direction : {"forward", "backward"}
        The pass.
    seconds : float
        Median of the repeats.
    flops : int
        Operations, without time steps that do not count.
    share : float
        Share of the total time.
    part_of : str or None
        Name of the `Bidirectional` that the layer is a direction of. Such a row is measured alone
        and is not part of the total.
    """

    layer: str
    direction: str
    seconds: float
    flops: int
    share: float
    part_of: str | None = None

    @property
    def gflops(self) -> float:
        """Operations per second, in 10^9."""
        return self.flops / self.seconds / 1e9 if self.seconds else 0.0


@dataclass(frozen=True)
class Profile:
    """The result of `Sequential.profile`; ``print(profile)`` shows it as a table.

    Attributes
    ----------
    rows : list of ProfileRow
        Layer by layer, the forward pass before the backward pass.
    seconds : float
        Sum over the layers.
    flops : int
        Sum over the layers.
    """

    rows: list[ProfileRow]
    seconds: float
    flops: int

    def __str__(self) -> str:
        total = ProfileRow("total", "", self.seconds, self.flops, 1.0)
        header = ("Layer", "Direction", "Time", "GFLOP/s", "Share")
        cells = [_cells(row) for row in (*self.rows, total)]
        lines = table_lines([header, *cells], left=2)
        rule = "-" * len(lines[0])
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])

    __repr__ = __str__


def _cells(row: ProfileRow) -> tuple[str, ...]:
    name = row.layer if row.part_of is None else f"  {row.layer}, alone"
    speed = f"{row.gflops:.1f}" if row.flops else "-"
    share = f"{100 * row.share:.1f} %" if row.part_of is None else ""
    return (name, row.direction, f"{1e6 * row.seconds:,.1f} us", speed, share)


class _Measurement(NamedTuple):
    """A layer with the arguments of its passes.

    Attributes
    ----------
    layer : Layer
    part_of : str or None
        See `ProfileRow`.
    x : ndarray
        Input of the layer.
    arguments : dict
        The mask, if there is one.
    d_output : ndarray or None
        Gradient of the output; None if there is no backward pass.
    input_gradient : bool
        True if the backward pass computes the gradient of the input.
    """

    layer: Layer
    part_of: str | None
    x: Array
    arguments: dict[str, Any]
    d_output: Array | None
    input_gradient: bool

    def run(self) -> list[float]:
        """Run the passes once; return the seconds of the forward and of the backward pass."""
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
        """Yield a row for each pass, given the times of the passes and of all layers."""
        mask = self.arguments.get("mask")
        sizes = kernel_positions(self.layer, self.x.shape)
        positions = math.prod(size or 0 for size in sizes)
        positions = positions if mask is None else int(np.count_nonzero(mask))
        input_weights, recurrent_weights = kernel_sizes(self.layer)
        forward = 2 * positions * (input_weights + recurrent_weights)
        backward = 2 * forward - (0 if self.input_gradient else 2 * positions * input_weights)
        directions = (("forward", forward), ("backward", backward))
        for (direction, flops), seconds in zip(directions, times.tolist(), strict=False):
            share = seconds / total
            yield ProfileRow(self.layer.label, direction, seconds, flops, share, self.part_of)


def profile(model: Network, x: Array, mask: Array | None, training: bool, repeats: int) -> Profile:
    """Run and time the layers one after the other; see `Sequential.profile`."""
    with _restored(model), blas_held():
        measurements = list(_measurements(model, x, mask, training))
        rounds = [[measurement.run() for measurement in measurements] for _ in range(repeats + 1)]
    # The first round is left out: caches are cold and memory is not allocated yet.
    medians = [np.median(times, axis=0) for times in zip(*rounds[1:], strict=True)]
    pairs = list(zip(measurements, medians, strict=True))
    total = float(sum(times.sum() for layer, times in pairs if layer.part_of is None))
    rows = [row for layer, times in pairs for row in layer.rows(times, total)]
    return Profile(rows, total, sum(row.flops for row in rows if row.part_of is None))


def _measurements(
    model: Network, x: Array, mask: Array | None, training: bool
) -> Iterator[_Measurement]:
    """Run the layers once, and yield each layer with its input.

    Layers below the first one that is trained have no backward pass.
    """
    lowest, reached = model.first_trained_layer, False
    for layer in model.layers:
        reached = reached or layer is lowest
        next_mask = layer.compute_mask(x, mask)
        arguments = {"mask": mask} if mask is not None and layer.takes_mask else {}
        directions = layer.directions if isinstance(layer, Bidirectional) else ()
        outputs = [part.forward(x, **arguments) for part in (layer, *directions)]
        for part, output in zip((layer, *directions), outputs, strict=True):
            part_of = None if part is layer else layer.label
            d_output = np.ones_like(output) if training and reached else None
            yield _Measurement(part, part_of, x, arguments, d_output, layer is not lowest)
        x, mask = outputs[0], next_mask


@contextmanager
def _restored(model: Network) -> Iterator[None]:
    """Return a context that restores what passes change, except for gradients and tapes."""
    layer_states_before = layer_states.save_states(model)
    statistics = layer_states.save_statistics(model)
    generators = [rng.bit_generator for rng in random_layer.generators(model.layers)]
    generator_states = [generator.state for generator in generators]
    try:
        yield
    finally:
        layer_states.restore_states(layer_states_before)
        layer_states.restore_statistics(statistics)
        for generator, state in zip(generators, generator_states, strict=True):
            generator.state = state
