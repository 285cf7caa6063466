"""Checkpointing through time: long sequences whose gates are not kept but computed again.

A training pass keeps the gates of all steps, five numbers for each unit and step. Here the forward
pass keeps the state before every piece of some steps alone; the backward pass computes the gates of
a piece again, goes back through it, and uses the same memory for the piece before it (T. Chen et
al., "Training Deep Nets with Sublinear Memory Cost", 2016, arXiv:1604.06174). The gradients are the
same to the bit with the packed engine, and but for rounding with the BLAS engine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gru_c import _core
from gru_c.recurrence import passes
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.passes import AUTO
from gru_c.recurrence.tape import GRUTape
from gru_c.utils.arrays import Array
from gru_c.utils.validation import check_integer


def check_every(every: object) -> int | str | None:
    """Return the argument ``checkpoint_every``, or an exception that says what it was."""
    if every is None or every == "auto":
        return every
    return check_integer("checkpoint_every", every, 1, also=", 'auto' or None")


@dataclass(eq=False)
class CheckpointTape:
    """What a checkpointed forward pass leaves for its backward pass.

    It refers to the arrays of the forward pass, as a `GRUTape` does.

    Attributes
    ----------
    x : ndarray of shape (B, T, I)
        The input, in the order in which the steps were taken.
    kernel, recurrent_kernel, bias : ndarray
        The weights of the forward pass.
    states : ndarray of shape (pieces, B, H)
        The state before each piece.
    steps : int
        Of a piece; the last one may be shorter.
    cell, go_backwards, engine, num_threads, state_mask, draws, time_major
        As in the forward pass.
    """

    x: Array
    kernel: Array
    recurrent_kernel: Array
    bias: Array | None
    states: Array
    steps: int
    cell: Cell
    go_backwards: bool
    engine: int
    num_threads: int | None
    state_mask: Array | None
    draws: tuple[int, int] | None
    time_major: bool = False
    memory: Array | None = None  # of a piece's gates, once they have been computed

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """(B, T, H)."""
        return (*self.x.shape[:2], len(self.recurrent_kernel))

    @property
    def bias_shape(self) -> tuple[int, ...] | None:
        """Shape of the bias; None without one."""
        return None if self.bias is None else self.bias.shape

    def pieces(self) -> Iterator[tuple[int, slice]]:
        """Yield the number and the steps of each piece."""
        T = self.x.shape[1]
        for number in range(len(self.states)):
            yield number, slice(number * self.steps, min((number + 1) * self.steps, T))

    def run(
        self,
        number: int,
        steps: slice,
        output: Array | None,
        packed: Array | None,
        *,
        training: bool,
    ) -> tuple[Array, GRUTape | None]:
        """Run a piece from its checkpoint: the state after it, and its tape when training."""
        draws = self.draws and (self.draws[0], self.draws[1] + steps.start)
        return passes.run_forward(
            self.x[:, steps],
            self.kernel,
            self.recurrent_kernel,
            self.bias,
            self.states[number],
            output,
            cell=self.cell,
            training=training,
            engine=self.engine,
            num_threads=self.num_threads,
            memory=self.memory,
            packed=packed,
            state_mask=self.state_mask,
            draws=draws,
        )

    def pack(self) -> Array | None:
        """Return the weights packed for all pieces, where the engine packs them."""
        if self.engine != _core.ENGINES["packed"]:
            return None
        return passes.pack_weights(self.kernel, self.recurrent_kernel, self.bias, cell=self.cell)

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
    ) -> None:
        """Go back as `tape.run_backward`; the tape may be used again in any case."""
        B, _, H = self.output_shape
        if self.go_backwards and d_x is not None:
            d_x = d_x[:, ::-1]
        packed, weights = self.pack(), (d_kernel, d_recurrent_kernel, d_bias)
        state = np.zeros((B, H), self.x.dtype) if d_state is None else d_state
        for number, now in reversed(list(self.pieces())):
            _, piece = self.run(number, now, None, packed, training=True)
            assert piece is not None
            before = np.empty_like(state)
            parts = [None if a is None else a[:, now] for a in (d_output, d_x, d_hidden)]
            self.memory = piece.backward(
                parts[0],
                state,
                parts[1],
                *weights,
                before,
                accumulate=accumulate,
                keep_tape=False,
                d_hidden=parts[2],
            )
            state, accumulate = before, True
        self.memory = None
        if d_initial_state is not None:
            d_initial_state[...] = state

    def __repr__(self) -> str:
        B, T, H = self.output_shape
        return (
            f"<CheckpointTape of {B} sequences x {T} steps x {H} units, {len(self.states)} pieces>"
        )


def run_forward(
    x: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    initial_state: Array | None,
    output: Array | None,
    *,
    every: int | str,
    cell: Cell,
    go_backwards: bool = False,
    engine: int = AUTO,
    num_threads: int | None = None,
    state_mask: Array | None = None,
    draws: tuple[int, int] | None = None,
) -> tuple[Array, CheckpointTape]:
    """Run a training pass as `passes.run_forward`, with a checkpoint `every` so many steps."""
    if go_backwards:
        x = x[:, ::-1]
    B, T, _ = x.shape
    engine = _core.resolve_engine(x, recurrent_kernel, cell, engine)
    steps = _piece_steps(x, recurrent_kernel, cell, engine, every)
    states = np.zeros((max(1, -(-T // steps)), B, len(recurrent_kernel)), x.dtype)
    if initial_state is not None:
        states[0] = initial_state
    tape = CheckpointTape(
        x,
        kernel,
        recurrent_kernel,
        bias,
        states,
        steps,
        cell,
        go_backwards,
        engine,
        num_threads,
        state_mask,
        draws,
    )
    state, packed = states[0].copy(), tape.pack()
    for number, now in tape.pieces():
        part = None if output is None else output[:, now]
        state, _ = tape.run(number, now, part, packed, training=False)
        if number + 1 < len(states):
            states[number + 1] = state
    return state, tape


def _piece_steps(
    x: Array, recurrent_kernel: Array, cell: Cell, engine: int, every: int | str
) -> int:
    """Return the steps of a piece: those wanted, rounded up to what the core sums at a time."""
    T = x.shape[1]
    wanted = math.isqrt(T) if every == "auto" else int(every)
    chunk = _core.chunk_steps(x, recurrent_kernel, cell, engine)
    return max(1, -(-wanted // chunk)) * chunk
