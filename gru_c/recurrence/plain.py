"""The pass in which every time step counts and all gates are kept: one call of the core."""

from __future__ import annotations

from dataclasses import dataclass

from gru_c import _core
from gru_c.common.arrays import Array
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.memory import BorrowedMemory
from gru_c.recurrence.options import AUTO, FULL_WEIGHTS, PassOptions
from gru_c.recurrence.tape import Tape
from gru_c.recurrence.weights import Gradients, Weights
from gru_c.runtime.blas_threads import BLAS, blas_held
from gru_c.runtime.threads import openmp_threads, team_threads


@dataclass(slots=True, repr=False, eq=False)
class GRUTape(Tape):
    """The tape of a pass that keeps the gates of all time steps.

    It refers to the arrays of the forward pass (x and the weights): they must not be changed
    before the backward pass. `gru_backward` may be called on it again, unless it used up the tape
    (``keep_tape=False``).

    Attributes
    ----------
    x : ndarray of shape (B, T, I)
        The input, in the order in which the time steps were taken.
    kernel, recurrent_kernel : ndarray
        The weights of the forward pass.
    bias_shape : tuple of int or None
        Shape of the bias; None without one.
    go_backwards : bool
        True if the time steps were taken from the last to the first.
    memory : ndarray of uint8 or None
        Gates and states, in the core's own layout; None once they have been used up.
    engine : int
        The engine of the forward pass, by its number in the core.
    time_major : bool
        True if `gru_backward` takes and returns gradients of shape (T, B, ...).
    """

    engine: int

    def _write_gradients(
        self,
        d_output: Array | None,
        d_state: Array | None,
        gradients: Gradients,
        d_x: Array | None,
        keep_tape: bool,
        memory: Array,
    ) -> None:
        engine = self.engine
        threads = _threads_of(engine, self.options.num_threads)
        with blas_held(engine):
            _core.backward(self, memory, d_output, d_state, d_x, gradients, keep_tape, threads)

    def __repr__(self) -> str:
        B, T, H = self.output_shape
        return f"<GRUTape of {B} sequences x {T} steps x {H} units, {self.borrowed.nbytes} bytes>"


def run_plain(
    x: Array,
    weights: Weights,
    state: Array | None,
    output: Array | None,
    options: PassOptions,
    memory: Array | None = None,
) -> tuple[Array, GRUTape | None]:
    """Run the pass; see `passes.run`. `memory` is the tape's, in place of that of the options."""
    if options.go_backwards:
        x = x[:, ::-1]
    U, cell = weights.recurrent_kernel, options.cell
    engine = _core.resolve_engine(x, U, cell, options.engine, options.weights_format)
    tape = None
    if options.training:
        pool = None
        if memory is None:
            pool, masks_state = options.memory, options.state_mask is not None
            memory = pool.take(_core.tape_bytes(x, U, cell, engine, masks_state))
        tape = GRUTape(x, weights, options, BorrowedMemory(memory, pool), engine)
    threads = _threads_of(engine, options.num_threads)
    with blas_held(engine):
        last = _core.forward(x, weights, state, output, memory, options, engine, threads)
    return last, tape


def pack_weights(
    weights: Weights, cell: Cell, engine: int = AUTO, weights_format: int = FULL_WEIGHTS
) -> Array | None:
    """Return the weights as the packed engine reads them, for many passes.

    None for another engine. They are a copy: changed weights must be packed again.
    """
    engine = _core.auto_engine() if engine == AUTO else engine
    if not weights_format and engine == BLAS:
        return None
    return _core.pack(weights, cell, team_threads(), weights_format)


def _threads_of(engine: int, num_threads: int | None) -> int:
    return (openmp_threads if engine == BLAS else team_threads)(num_threads)
