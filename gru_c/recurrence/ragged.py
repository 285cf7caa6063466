"""Passes over sequences in which not every step counts: only those that do are computed.

`step_order` sorts rows and steps into intervals. Each is a pass like any other, with the state
carried from one to the next, so that the time goes with the steps that count.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise, zip_longest
from typing import Any

import numpy as np

from gru_c import _core
from gru_c.recurrence import checkpointing, passes, tape
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.checkpointing import CheckpointTape
from gru_c.recurrence.passes import AUTO
from gru_c.recurrence.step_order import StepOrder
from gru_c.recurrence.tape import GRUTape
from gru_c.utils.arrays import Array

Weights = tuple[Array, Array, Array | None]

_CACHE_LINE = 64


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RaggedTape:
    """What a training forward pass leaves in which not every step counted.

    It refers to the arrays of the forward pass, as a `GRUTape` does.

    Attributes
    ----------
    steps : StepOrder
        Which steps counted.
    x : ndarray of shape (B, T, I), or as `steps` says
        The input, in the order in which the steps were taken.
    kernel, recurrent_kernel, bias_shape, go_backwards, time_major
        As in a `GRUTape`.
    memory : ndarray of uint8 or None
        The steps that count, and their gates and states; None once it is used up.
    tapes : list of GRUTape or CheckpointTape
        Of the intervals, in the order of time; they share the memory.
    """

    steps: StepOrder
    x: Array
    kernel: Array
    recurrent_kernel: Array
    bias_shape: tuple[int, ...] | None
    go_backwards: bool
    memory: Array | None
    tapes: list[GRUTape | CheckpointTape]
    time_major: bool = False

    @property
    def output_shape(self) -> tuple[int, ...]:
        """(B, T, H); in general the places of the steps, and H."""
        return (*self.x.shape[:-1], len(self.recurrent_kernel))

    def take_memory(self) -> Array | None:
        """Return the memory, which is no longer part of the tape."""
        memory = self.memory
        object.__setattr__(self, "memory", None)
        self.tapes.clear()
        return memory

    def __copy__(self) -> RaggedTape:
        """Return a copy with its own memory, as that of a `GRUTape`."""
        # Their inputs lie in the memory, too.
        tapes = [replace(copy.copy(tape), x=tape.x.copy()) for tape in self.tapes]
        return replace(self, memory=copy.copy(self.memory), tapes=tapes)

    def backward(
        self,
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
        """Go back as `tape.run_backward`; `d_hidden` is 0 where a step does not count."""
        tape.require_memory(self.memory)
        if self.go_backwards and d_x is not None:
            d_x = d_x[:, ::-1]
        steps, dtype, N, H = self.steps, d_kernel.dtype, self.steps.count, len(d_recurrent_kernel)
        d_weights = d_kernel, d_recurrent_kernel, d_bias
        for gradient in () if accumulate else d_weights:
            if gradient is not None:
                gradient[...] = 0
        d_outputs = np.empty((N, H), dtype)
        steps.gradients(d_output, d_state, d_outputs)
        d_inputs = None if d_x is None else np.empty((N + 1, d_x.shape[-1]), dtype)
        d_steps = None if d_hidden is None else np.empty((N + 1, H), dtype)
        d_first = self._go_back(d_outputs, d_inputs, d_weights, keep_tape, d_steps)
        for of_steps, array in ((d_inputs, d_x), (d_steps, d_hidden)):
            if of_steps is not None and array is not None:
                of_steps[N] = 0
                steps.put(of_steps, array)
        if d_initial_state is not None:
            d_initial_state[...] = 0 if d_state is None else d_state  # of rows that took no step
            d_initial_state[steps.rows[: len(d_first)]] = d_first
        return None if keep_tape else self.take_memory()

    def _go_back(
        self,
        d_outputs: Array,
        d_inputs: Array | None,
        d_weights: Weights,
        keep_tape: bool,
        d_steps: Array | None,
    ) -> Array:
        """Add to the weights' gradients, write those of the steps; return the first states'."""
        d_state = np.zeros((0, d_outputs.shape[1]), d_outputs.dtype)
        for interval, part in zip(
            reversed(self.steps.intervals), reversed(self.tapes), strict=True
        ):
            # What the last state of a row that ends here is used for is in d_outputs.
            d_after = np.zeros((interval.rows, d_outputs.shape[1]), d_outputs.dtype)
            d_after[: len(d_state)] = d_state
            d_state = np.empty_like(d_after)
            part.backward(
                interval.part(d_outputs),
                d_after,
                None if d_inputs is None else interval.part(d_inputs),
                *d_weights,
                d_state,
                accumulate=True,
                keep_tape=keep_tape,
                d_hidden=None if d_steps is None else interval.part(d_steps),
            )
        return d_state

    def __repr__(self) -> str:
        lengths, H = self.steps.lengths, len(self.recurrent_kernel)
        return (
            f"<RaggedTape of {len(lengths)} sequences, {lengths.sum()} steps in all, x {H} units, "
            f"{tape.bytes_of(self.memory)} bytes>"
        )


def run_forward(
    x: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    initial_state: Array | None,
    output: Array | None,
    *,
    steps: StepOrder,
    cell: Cell,
    go_backwards: bool = False,
    training: bool = False,
    every: int | str | None = None,
    engine: int = AUTO,
    memory: Array | None = None,
    **options: Any,
) -> tuple[Array, RaggedTape | None]:
    """Run a pass as `passes.run_forward`, over the steps that count.

    With `every`, the training passes of the intervals are those of `checkpointing.run_forward`.
    """
    x = x[:, ::-1] if go_backwards else x
    weights = kernel, recurrent_kernel, bias
    H, N = len(recurrent_kernel), steps.count
    B, features = len(steps.rows), x.shape[-1]
    sizes = [N * features * x.itemsize, (N + 1) * H * x.itemsize]
    options.update(cell=cell, engine=engine)
    if training and every is not None:
        options["every"] = every
    else:
        options.update(training=training, packed=_packed(weights, options))
    if options.get("training"):
        sizes += _tape_sizes(steps, x, recurrent_kernel, cell, engine, "state_mask" in options)
    memory, pieces = _divide(sizes, memory)
    inputs = np.ndarray((N, features), x.dtype, pieces[0])
    outputs = np.ndarray((N + 1, H), x.dtype, pieces[1])
    steps.gather(x, inputs)
    state = np.zeros((B, H), x.dtype) if initial_state is None else initial_state
    tapes = _run_intervals(steps, inputs, weights, state, outputs, pieces[2:], options)
    last = steps.last(outputs, state)
    if output is not None:
        outputs[N] = 0
        steps.show(outputs, output)
    if not training:
        tape.keep_spare(memory)
        return last, None
    shape = None if bias is None else bias.shape
    return last, RaggedTape(steps, x, kernel, recurrent_kernel, shape, go_backwards, memory, tapes)


def _packed(weights: Weights, options: dict[str, Any]) -> Array | None:
    """Return the weights as all intervals can read them, where the engine packs them."""
    if options.get("packed") is not None:
        return options["packed"]  # type: ignore[no-any-return]
    settings = {name: options[name] for name in ("engine", "weights_format") if name in options}
    return passes.pack_weights(*weights, cell=options["cell"], **settings)


def _tape_sizes(
    steps: StepOrder, x: Array, recurrent_kernel: Array, cell: Cell, engine: int, masks_state: bool
) -> list[int]:
    """Bytes of the tape of each interval."""
    gathered = np.broadcast_to(x.dtype.type(0), (steps.count, x.shape[-1]))  # for its shape
    parts = [interval.part(gathered) for interval in steps.intervals]
    engines = [_core.resolve_engine(part, recurrent_kernel, cell, engine) for part in parts]
    return [
        _core.tape_bytes(part, recurrent_kernel, cell, resolved, masks_state)
        for part, resolved in zip(parts, engines, strict=True)
    ]


def _divide(sizes: list[int], memory: Array | None) -> tuple[Array, list[Array]]:
    """Return memory, that given if it suffices, and a piece of it for each of the sizes."""
    ends = list(accumulate(-(-size // _CACHE_LINE) * _CACHE_LINE for size in sizes))
    memory = tape.tape_memory(ends[-1], memory)
    return memory, [memory[begin:end] for begin, end in pairwise([0, *ends])]


def _run_intervals(
    steps: StepOrder,
    inputs: Array,
    weights: Weights,
    state: Array,
    outputs: Array,
    memories: list[Array],
    options: dict[str, Any],
) -> list[GRUTape | CheckpointTape]:
    """Write the outputs of all steps, beginning with the states (B, H)."""
    state_mask, draws = options.pop("state_mask", None), options.pop("draws", None)
    state_mask = None if state_mask is None else state_mask[steps.rows]
    state = state[steps.rows]
    tapes: list[GRUTape | CheckpointTape] = []
    tape: GRUTape | CheckpointTape | None
    for interval, memory in zip_longest(steps.intervals, memories):
        arguments = interval.part(inputs), *weights, state[: interval.rows], interval.part(outputs)
        options["state_mask"] = None if state_mask is None else state_mask[: interval.rows]
        options["draws"] = None if draws is None else (draws[0], draws[1] + interval.time)
        if "every" in options:
            state, tape = checkpointing.run_forward(*arguments, **options)
        else:
            state, tape = passes.run_forward(*arguments, memory=memory, **options)
        tapes += [] if tape is None else [tape]
    return tapes
