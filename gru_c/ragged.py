"""Passes over sequences in which not every step counts: only those that do are computed.

`gru_c.steps` sorts rows and steps into intervals. Each is a pass of `gru_c.passes` like any other,
with the state carried from one to the next, so that the time goes with the steps that count.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise, zip_longest
from typing import Any

import numpy as np

from gru_c import _core, passes
from gru_c.arrays import Array
from gru_c.passes import Cell, GRUTape
from gru_c.steps import Steps

_CACHE_LINE = 64


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RaggedTape:
    """The tape of a pass in which not every step counted; to be used as a `GRUTape`.

    Attributes
    ----------
    steps : Steps
        Which steps counted.
    x_shape : tuple of int
        (B, T, I).
    kernel, recurrent_kernel, bias_shape
        As in `GRUTape`.
    memory : ndarray of uint8
        Gates and states of all intervals.
    tapes : list of GRUTape
        Of the intervals, in the order of time; they share the memory.
    """

    steps: Steps
    x_shape: tuple[int, int, int]
    kernel: Array
    recurrent_kernel: Array
    bias_shape: tuple[int, ...] | None
    memory: Array
    tapes: list[GRUTape]

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """(B, T, H)."""
        return (*self.x_shape[:2], len(self.recurrent_kernel))

    def take_memory(self) -> Array:
        """Return the memory, which is no longer part of the tape."""
        memory = self.memory
        object.__setattr__(self, "memory", passes.USED_UP)
        self.tapes.clear()
        return memory

    def __repr__(self) -> str:
        B, T, H = self.output_shape
        return (
            f"<RaggedTape of {B} sequences x {T} steps, of which {self.steps.lengths.sum()} count, "
            f"x {H} units, {self.memory.nbytes} bytes>"
        )


Tape = GRUTape | RaggedTape


def run_forward(
    x: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    initial_state: Array | None,
    output: Array | None = None,
    *,
    steps: Steps | None,
    cell: Cell,
    go_backwards: bool = False,
    training: bool = False,
    engine: int = passes.AUTO,
    memory: Array | None = None,
    packed: Array | None = None,
    **options: Any,
) -> tuple[Array, Tape | None]:
    """`passes.run_forward` of the steps that count, which say their order, too; None: of all."""
    weights = kernel, recurrent_kernel, bias
    options.update(cell=cell, training=training, engine=engine)
    if steps is None:
        options.update(go_backwards=go_backwards, memory=memory, packed=packed)
        return passes.run_forward(x, *weights, initial_state, output, **options)
    if packed is None:
        weights_format = options.get("weights_format", passes.FULL_WEIGHTS)
        packed = passes.pack_weights(
            *weights, cell=cell, engine=engine, weights_format=weights_format
        )
    options["packed"] = packed
    (B, _, features), H, N = x.shape, len(recurrent_kernel), steps.count
    sizes = [N * features * x.itemsize, (N + 1) * H * x.itemsize]
    if training:
        masked = options.get("state_mask") is not None
        sizes += _tape_sizes(steps, x, recurrent_kernel, cell, engine, masked)
    memory, pieces = _divide(sizes, memory)
    inputs = np.ndarray((N, features), x.dtype, pieces[0])
    outputs = np.ndarray((N + 1, H), x.dtype, pieces[1])
    state = np.zeros((B, H), x.dtype) if initial_state is None else initial_state
    steps.gather(x, inputs)
    tapes = _run_intervals(steps, inputs, weights, state, outputs, pieces[2:], options)
    last = steps.last(outputs, state)
    if output is not None:
        outputs[N] = 0
        steps.show(outputs, output)
    if not training:
        passes.keep_spare(memory)
        return last, None
    bias_shape = None if bias is None else bias.shape
    return last, RaggedTape(steps, x.shape, kernel, recurrent_kernel, bias_shape, memory, tapes)


def _tape_sizes(
    steps: Steps, x: Array, recurrent_kernel: Array, cell: Cell, engine: int, masked: bool
) -> list[int]:
    """Bytes of the tape of each interval."""
    parts = [x[: interval.rows, : interval.steps] for interval in steps.intervals]
    engines = [_core.resolve_engine(part, recurrent_kernel, cell, engine) for part in parts]
    return [
        _core.tape_bytes(part, recurrent_kernel, cell, resolved, masked)
        for part, resolved in zip(parts, engines, strict=True)
    ]


def _divide(sizes: list[int], memory: Array | None) -> tuple[Array, list[Array]]:
    """Return memory, that given if it suffices, and a piece of it for each of the sizes."""
    ends = list(accumulate(-(-size // _CACHE_LINE) * _CACHE_LINE for size in sizes))
    memory = passes.tape_memory(ends[-1], memory)
    return memory, [memory[begin:end] for begin, end in pairwise([0, *ends])]


def _run_intervals(
    steps: Steps,
    inputs: Array,
    weights: tuple[Array, Array, Array | None],
    state: Array,
    outputs: Array,
    memories: list[Array],
    options: dict[str, Any],
) -> list[GRUTape]:
    """Write the outputs of all steps, beginning with the states (B, H)."""
    state_mask, draws = options.pop("state_mask", None), options.pop("draws", None)
    state_mask = None if state_mask is None else state_mask[steps.rows]
    state = state[steps.rows]
    tapes = []
    for interval, memory in zip_longest(steps.intervals, memories):
        state, tape = passes.run_forward(
            interval.of(inputs),
            *weights,
            state[: interval.rows],
            interval.of(outputs),
            memory=memory,
            state_mask=None if state_mask is None else state_mask[: interval.rows],
            draws=None if draws is None else (draws[0], draws[1] + interval.time),
            **options,
        )
        tapes += [] if tape is None else [tape]
    return tapes


def run_backward(
    tape: Tape,
    d_output: Array | None,
    d_state: Array | None,
    d_x: Array | None,
    d_kernel: Array,
    d_recurrent_kernel: Array,
    d_bias: Array | None,
    d_initial_state: Array | None,
    *,
    accumulate: bool = False,
    keep_tape: bool = True,
    d_hidden: Array | None = None,
) -> Array | None:
    """`passes.run_backward` for both kinds of tape; `d_hidden` is 0 where a step does not count."""
    d_weights = d_kernel, d_recurrent_kernel, d_bias
    if isinstance(tape, GRUTape):
        return passes.run_backward(
            tape,
            d_output,
            d_state,
            d_x,
            *d_weights,
            d_initial_state,
            accumulate=accumulate,
            keep_tape=keep_tape,
            d_hidden=d_hidden,
        )
    passes.refuse_used_up(tape.memory)
    steps, dtype, N, H = tape.steps, d_kernel.dtype, tape.steps.count, tape.output_shape[2]
    d_outputs = np.empty((N, H), dtype)
    steps.gradients(d_output, d_state, d_outputs)
    d_inputs = None if d_x is None else np.empty((N + 1, d_x.shape[2]), dtype)
    d_steps = None if d_hidden is None else np.empty((N + 1, H), dtype)
    if not accumulate:
        for gradient in d_weights:
            if gradient is not None:
                gradient[...] = 0
    d_first = _run_intervals_back(tape, d_outputs, d_inputs, d_weights, d_steps, keep_tape)
    for of_steps, array, taken in ((d_inputs, d_x, False), (d_steps, d_hidden, True)):
        if of_steps is not None and array is not None:
            of_steps[N] = 0
            steps.put(of_steps, array, taken=taken)
    if d_initial_state is not None:
        d_initial_state[...] = 0 if d_state is None else d_state  # of rows that took no step
        d_initial_state[steps.rows[: len(d_first)]] = d_first
    return None if keep_tape else tape.take_memory()


def _run_intervals_back(
    tape: RaggedTape,
    d_outputs: Array,
    d_inputs: Array | None,
    d_weights: tuple[Array, Array, Array | None],
    d_steps: Array | None,
    keep_tape: bool,
) -> Array:
    """Add to the weights' gradients, write those of the steps, return that of the first states."""
    d_state = np.zeros((0, d_outputs.shape[1]), d_outputs.dtype)
    for interval, part in zip(reversed(tape.steps.intervals), reversed(tape.tapes), strict=True):
        # A row that ends here has no later steps; what it is used for is in d_outputs.
        d_after = np.zeros((interval.rows, d_outputs.shape[1]), d_outputs.dtype)
        d_after[: len(d_state)] = d_state
        d_state = np.empty_like(d_after)
        passes.run_backward(
            part,
            interval.of(d_outputs),
            d_after,
            None if d_inputs is None else interval.of(d_inputs),
            *d_weights,
            d_state,
            accumulate=True,
            keep_tape=keep_tape,
            d_hidden=None if d_steps is None else interval.of(d_steps),
        )
    return d_state
