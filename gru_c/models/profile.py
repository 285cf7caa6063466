"""The time of each layer, forward and backward, and its share of the whole."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gru_c.layers import Bidirectional, Layer, random
from gru_c.network import layer_states
from gru_c.recurrence.tape import blas_held
from gru_c.utils.arrays import Array

if TYPE_CHECKING:
    from gru_c.network.network import Network
from gru_c.models.summary import _kernel_sizes, _table, kernel_places

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
        places = math.prod(size or 0 for size in kernel_places(self.layer, self.x.shape))
        places = places if mask is None else int(np.count_nonzero(mask))
        of_input, recurrent = _kernel_sizes(self.layer)
        forward = 2 * places * (of_input + recurrent)
        backward = 2 * forward - (0 if self.input_gradient else 2 * places * of_input)
        directions = (("forward", forward), ("backward", backward))
        for (direction, flops), seconds in zip(directions, times.tolist(), strict=False):
            share = seconds / total
            yield ProfileRow(self.layer.label, direction, seconds, flops, share, self.part_of)


def profile(model: Network, x: Array, mask: Array | None, training: bool, repeats: int) -> Profile:
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


def _measured(model: Network, x: Array, mask: Array | None, training: bool) -> Iterator[_Measured]:
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
def _unchanged(model: Network) -> Iterator[None]:
    """Put back what passes change besides gradients and tapes: states and random generators."""
    before = layer_states.save_states(model)
    generators = [rng.bit_generator for rng in random.generators(model.layers)]
    drawn = [generator.state for generator in generators]
    try:
        yield
    finally:
        layer_states.restore_states(before)
        for generator, state in zip(generators, drawn, strict=True):
            generator.state = state
