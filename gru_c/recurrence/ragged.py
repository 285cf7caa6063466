"""Passes over sequences in which not every time step counts: only those that do are computed.

`step_order` sorts rows and time steps into intervals. Each interval is a pass like any other, with
the state carried from one to the next, so that the time goes with the steps that count.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

import numpy as np

from gru_c import _core
from gru_c.common.arrays import CACHE_LINE, Array
from gru_c.recurrence.checkpointing import run_checkpointed
from gru_c.recurrence.memory import BorrowedMemory
from gru_c.recurrence.options import PassOptions
from gru_c.recurrence.plain import pack_weights, run_plain
from gru_c.recurrence.step_order import StepOrder
from gru_c.recurrence.tape import Tape
from gru_c.recurrence.weights import Gradients, Weights
from gru_c.runtime.threads import team_threads


@dataclass(slots=True, repr=False, eq=False)
class RaggedTape(Tape):
    """The tape of a pass in which not every time step counted.

    It refers to the arrays of the forward pass, as a `GRUTape` does.

    Attributes
    ----------
    steps : StepOrder
        The time steps that counted.
    x : ndarray of shape (B, T, I), or as `steps` says
        The input, in the order in which the time steps were taken.
    memory : ndarray of uint8 or None
        The steps that count, and their gates and states; None once they have been used up.
    tapes : list of GRUTape or CheckpointTape
        Of the intervals, in the order of time; they share the memory.
    kernel, recurrent_kernel, bias_shape, go_backwards, time_major
        As in a `GRUTape`.
    """

    steps: StepOrder
    tapes: list[Tape]

    @property
    def batch(self) -> int:
        """Number of sequences B."""
        return len(self.steps.rows)

    def _write_gradients(
        self,
        d_output: Array | None,
        d_state: Array | None,
        gradients: Gradients,
        d_x: Array | None,
        keep_tape: bool,
        memory: Array,
    ) -> None:
        steps, N, H = self.steps, self.steps.count, self.weights.units
        width = self.options.cell.states * H
        dtype = self.weights.kernel.dtype
        if not gradients.accumulate:
            gradients.clear_weights()
        threads = team_threads(self.options.num_threads)
        # A tape that is used up has memory to spare: that of the outputs, behind the inputs.
        begin = _on_line(N * self.x.shape[-1] * dtype.itemsize)
        spare = None if keep_tape else memory[begin:]
        d_outputs = np.ndarray((N, width), dtype, spare)
        d_outputs[:, H:] = 0
        steps.gather_gradients(d_output, d_state, d_outputs, threads)
        d_inputs = None if d_x is None else np.empty((N, d_x.shape[-1]), dtype)
        d_hidden = None if gradients.hidden is None else np.empty((N, H), dtype)
        gathered = replace(gradients, x=d_inputs, hidden=d_hidden, accumulate=True)
        d_first = self._through_intervals(d_outputs, gathered, keep_tape)
        for of_steps, array in ((d_inputs, d_x), (d_hidden, gradients.hidden)):
            if of_steps is not None and array is not None:
                steps.scatter(of_steps, array, threads)
        d_initial = gradients.initial_state
        if d_initial is not None:
            d_initial[...] = 0 if d_state is None else d_state  # for rows in which no step counts
            d_initial[steps.rows[: len(d_first)]] = d_first

    def _through_intervals(self, d_outputs: Array, gathered: Gradients, keep_tape: bool) -> Array:
        """Write the gradients of the steps; return those of the states before the first step."""
        d_state = np.zeros((0, d_outputs.shape[1]), d_outputs.dtype)
        intervals = zip(reversed(self.steps.intervals), reversed(self.tapes), strict=True)
        for interval, tape in intervals:
            # The gradient of the last state of a row that ends here is in d_outputs.
            d_after = np.zeros((interval.rows, d_outputs.shape[1]), d_outputs.dtype)
            d_after[: len(d_state)] = d_state
            d_state = np.empty_like(d_after)
            part = replace(
                gathered,
                x=None if gathered.x is None else interval.part(gathered.x),
                initial_state=d_state,
                hidden=None if gathered.hidden is None else interval.part(gathered.hidden),
            )
            tape.backward(interval.part(d_outputs), d_after, part, keep_tape=keep_tape)
        return d_state

    def __copy__(self) -> RaggedTape:
        """Return a copy with its own memory."""
        # The inputs of the intervals lie in the memory, too.
        tapes = [replace(copy.copy(tape), x=tape.x.copy()) for tape in self.tapes]
        return replace(self, borrowed=copy.copy(self.borrowed), tapes=tapes)

    def __repr__(self) -> str:
        lengths = self.steps.lengths
        return (
            f"<RaggedTape of {len(lengths)} sequences, {lengths.sum()} steps in all, x "
            f"{self.weights.units} units, {self.borrowed.nbytes} bytes>"
        )


def run_ragged(
    x: Array,
    weights: Weights,
    state: Array | None,
    output: Array | None,
    options: PassOptions,
    steps: StepOrder,
    every: int | str | None,
) -> tuple[Array, RaggedTape | None]:
    """Run a pass over the time steps that count; see `passes.run`."""
    x = x[:, ::-1] if options.go_backwards else x
    N, H, features = steps.count, weights.units, x.shape[-1]
    threads = team_threads(options.num_threads)
    width = options.cell.states * H  # of an LSTM h and c
    sizes = [N * features * x.itemsize, N * width * x.itemsize]
    if options.training and every is None:
        sizes += _tape_sizes(steps, x, weights, options)
    memory, pieces = _divide(sizes, options)
    inputs = np.ndarray((N, features), x.dtype, pieces[0])
    outputs = np.ndarray((N, width), x.dtype, pieces[1])
    steps.gather(x, inputs, threads)
    state = np.zeros((len(steps.rows), width), x.dtype) if state is None else state
    intervals = _Intervals(steps, weights, options, every)
    tapes = intervals.run(inputs, state, outputs, pieces[2:])
    last = steps.last_states(outputs, state)
    if output is not None:
        steps.scatter_output(outputs[:, :H], output, threads)
    if not options.training:
        options.memory.give(memory)
        return last, None
    borrowed = BorrowedMemory(memory, options.memory)
    return last, RaggedTape(x, weights, options, borrowed, steps, tapes)


def _tape_sizes(steps: StepOrder, x: Array, weights: Weights, options: PassOptions) -> list[int]:
    """Return the bytes of the tape of each interval."""
    gathered = np.broadcast_to(x.dtype.type(0), (steps.count, x.shape[-1]))  # for its shape only
    U, cell, masks_state = weights.recurrent_kernel, options.cell, options.state_mask is not None
    sizes = []
    for interval in steps.intervals:
        part = interval.part(gathered)
        engine = _core.resolve_engine(part, U, cell, options.engine)
        sizes.append(_core.tape_bytes(part, U, cell, engine, masks_state))
    return sizes


def _on_line(size: int) -> int:
    """Return a number of bytes, rounded up to whole cache lines."""
    return -(-size // CACHE_LINE) * CACHE_LINE


def _divide(sizes: list[int], options: PassOptions) -> tuple[Array, list[Array]]:
    """Return memory from the pool, and a piece of it for each of the sizes."""
    ends = list(accumulate(map(_on_line, sizes)))
    memory = options.memory.take(ends[-1])
    return memory, [memory[begin:end] for begin, end in pairwise([0, *ends])]


@dataclass(slots=True)
class _Intervals:
    """The intervals of a pass, each of which is a pass of its own."""

    steps: StepOrder
    weights: Weights
    options: PassOptions
    every: int | str | None

    def run(self, inputs: Array, state: Array, outputs: Array, memories: list[Array]) -> list[Tape]:
        """Write the outputs of all steps, beginning with the states (B, H); return the tapes."""
        checkpoints = self.every if self.options.training else None
        options = self._shared_options(checkpoints)
        state_mask, state = options.state_mask, state[self.steps.rows]
        tapes: list[Tape] = []
        tape: Tape | None
        for number, interval in enumerate(self.steps.intervals):
            mask = None if state_mask is None else state_mask[: interval.rows]
            draws = self.options.draws_from(interval.time)
            now = replace(options, state_mask=mask, draws=draws)
            part, before = interval.part(inputs), state[: interval.rows]
            output = interval.part(outputs)
            if checkpoints is None:
                memory = memories[number] if memories else None
                state, tape = run_plain(part, self.weights, before, output, now, memory)
            else:
                state, tape = run_checkpointed(part, self.weights, before, output, now, checkpoints)
            tapes += [] if tape is None else [tape]
        return tapes

    def _shared_options(self, checkpoints: int | str | None) -> PassOptions:
        """Return the options of all intervals; the state's mask is in the order of their rows."""
        options, mask = self.options, self.options.state_mask
        packed = options.packed
        if packed is None and checkpoints is None:
            packed = pack_weights(
                self.weights, options.cell, options.engine, options.weights_format
            )
        return replace(
            options,
            go_backwards=False,  # the inputs are in the order of the pass already
            packed=packed,
            state_mask=None if mask is None else mask[self.steps.rows],
        )
