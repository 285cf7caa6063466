"""Gradient checkpointing through time: for long sequences, gates are computed again, not kept.

A training pass keeps the gates of all time steps, five numbers for each unit and step. Here the
forward pass keeps only the state before each piece of some steps; the backward pass computes the
gates of a piece again, goes back through it, and uses the same memory for the piece before it
(T. Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016, arXiv:1604.06174). With the
packed engine the gradients have the same bits, with the BLAS engine they agree up to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from gru_c import _core
from gru_c.common.arrays import Array
from gru_c.common.validation import check_integer
from gru_c.recurrence.memory import BorrowedMemory, TapeMemory
from gru_c.recurrence.options import PassOptions
from gru_c.recurrence.plain import pack_weights, run_plain
from gru_c.recurrence.tape import Tape
from gru_c.recurrence.weights import Gradients, Weights


def check_every(every: object) -> int | str | None:
    """Return the argument ``checkpoint_every``; TypeError or ValueError for anything else."""
    if every is None or every == "auto":
        return every
    return check_integer("checkpoint_every", every, 1, also=", 'auto' or None")


@dataclass(slots=True, repr=False, eq=False)
class CheckpointTape(Tape):
    """The tape of a pass that keeps the state before each piece of some time steps.

    It refers to the arrays of the forward pass, as a `GRUTape` does. It may be used again even
    after ``keep_tape=False``.

    Attributes
    ----------
    states : ndarray of shape (pieces, B, H), of an LSTM (pieces, B, 2H)
        The state before each piece.
    steps : int
        Time steps of a piece; the last piece may be shorter.
    engine : int
        The engine of the forward pass, by its number in the core.
    x, kernel, recurrent_kernel, bias_shape, go_backwards, time_major
        As in a `GRUTape`.
    """

    states: Array
    steps: int
    engine: int

    def pieces(self) -> Iterator[tuple[int, slice]]:
        """Yield the number and the time steps of each piece."""
        T = self.x.shape[1]
        for number in range(len(self.states)):
            yield number, slice(number * self.steps, min((number + 1) * self.steps, T))

    def piece_options(self, *, training: bool) -> PassOptions:
        """Return the options of the pieces' passes, all but the draws."""
        return replace(
            self.options,
            go_backwards=False,  # x is in the order of the pass already
            training=training,
            engine=self.engine,
            packed=pack_weights(self.weights, self.options.cell, self.engine),
            memory=TapeMemory(),  # memory of one piece, reused for the next one
        )

    def run_piece(
        self, number: int, steps: slice, output: Array | None, options: PassOptions
    ) -> tuple[Array, Tape | None]:
        """Run a piece from its checkpoint; return the state after it, and a tape if training."""
        options = replace(options, draws=self.options.draws_from(steps.start))
        return run_plain(self.x[:, steps], self.weights, self.states[number], output, options)

    def backward(
        self,
        d_output: Array | None,
        d_state: Array | None,
        gradients: Gradients,
        *,
        keep_tape: bool = True,
    ) -> None:
        """Write the gradients; see `Tape.backward`. The states are kept in any case."""
        # By name: the class that `super` means is the one without slots.
        Tape.backward(self, d_output, d_state, gradients, keep_tape=True)

    def _write_gradients(
        self,
        d_output: Array | None,
        d_state: Array | None,
        gradients: Gradients,
        d_x: Array | None,
        keep_tape: bool,
        memory: Array,
    ) -> None:
        options, accumulate = self.piece_options(training=True), gradients.accumulate
        state = np.zeros(self.states.shape[1:], self.x.dtype) if d_state is None else d_state
        for number, steps in reversed(list(self.pieces())):
            _, tape = self.run_piece(number, steps, None, options)
            assert tape is not None
            before = np.empty_like(state)
            part = replace(
                gradients,
                x=_part(d_x, steps),
                initial_state=before,
                hidden=_part(gradients.hidden, steps),
                accumulate=accumulate,
            )
            tape.backward(_part(d_output, steps), state, part, keep_tape=False)
            state, accumulate = before, True
        if gradients.initial_state is not None:
            gradients.initial_state[...] = state

    def __repr__(self) -> str:
        B, T, H = self.output_shape
        return (
            f"<CheckpointTape of {B} sequences x {T} steps x {H} units, {len(self.states)} pieces>"
        )


def run_checkpointed(
    x: Array,
    weights: Weights,
    state: Array | None,
    output: Array | None,
    options: PassOptions,
    every: int | str,
) -> tuple[Array, CheckpointTape]:
    """Run a training pass that keeps the state `every` so many time steps; see `passes.run`."""
    if options.go_backwards:
        x = x[:, ::-1]
    B, T, _ = x.shape
    U = weights.recurrent_kernel
    engine = _core.resolve_engine(x, U, options.cell, options.engine)
    wanted = math.isqrt(T) if every == "auto" else int(every)
    chunk = _core.chunk_steps(x, U, options.cell, engine)  # the number that the core sums at a time
    steps = max(1, -(-wanted // chunk)) * chunk
    width = options.cell.states * len(U)
    states = np.zeros((max(1, -(-T // steps)), B, width), x.dtype)
    if state is not None:
        states[0] = state
    nothing = BorrowedMemory(np.empty(0, np.uint8))
    tape = CheckpointTape(x, weights, options, nothing, states, steps, engine)
    last, pieces = states[0].copy(), tape.piece_options(training=False)
    for number, now in tape.pieces():
        last, _ = tape.run_piece(number, now, _part(output, now), pieces)
        if number + 1 < len(states):
            states[number + 1] = last
    return last, tape


def _part(array: Array | None, steps: slice) -> Array | None:
    """Return some time steps of an array (B, T, n); None for None."""
    return None if array is None else array[:, steps]
