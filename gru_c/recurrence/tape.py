"""Tapes: what a training pass leaves for its backward pass, and the memory they use again."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from gru_c import _core
from gru_c.recurrence.cell import Cell
from gru_c.runtime.blas_threads import single_threaded_blas
from gru_c.runtime.threads import openmp_threads, team_threads
from gru_c.utils.arrays import Array, copied_past_line, past_line

_NOTHING = nullcontext()

# The memory of the last tape that was used up, for the next one: fresh memory of this size costs a
# page fault per 4 KiB, which for a small layer is a third of the step.
_SPARE: list[Array] = []
_MOST_SPARE_BYTES = 2**26


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class GRUTape:
    """What a training forward pass leaves for its backward pass.

    It refers to the arrays of the forward pass (x and the weights): they must not be changed
    before the backward pass. `gru_backward` may be called on it again, unless it was told to use it
    up (``keep_tape=False``).

    Attributes
    ----------
    x : ndarray of shape (B, T, I)
        The input, in the order in which the steps were taken.
    kernel, recurrent_kernel : ndarray
        The weights of the forward pass.
    bias_shape : tuple of int or None
        Shape of the bias; None without one.
    cell : Cell
    go_backwards : bool
        As in the forward pass.
    memory : ndarray of uint8 or None
        Gates and states, in the core's own layout; None once it is used up.
    engine, num_threads
        As in the forward pass, the engine by its number in the core.
    state_mask : ndarray of shape (B, H) or None
        Factors of the state in its products with the recurrent kernel.
    time_major : bool
        Whether `gru_backward` is to take and give (T, B, ...).
    """

    x: Array
    kernel: Array
    recurrent_kernel: Array
    bias_shape: tuple[int, ...] | None
    memory: Array | None
    cell: Cell
    go_backwards: bool
    engine: int
    num_threads: int | None
    state_mask: Array | None = None
    time_major: bool = False

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """(B, T, H)."""
        return (*self.x.shape[:2], len(self.recurrent_kernel))

    def backward(self, *gradients: Array | None, **options: Any) -> Array | None:
        """Go back; see `run_backward`. Every kind of tape has this method."""
        return run_backward(self, *gradients, **options)  # type: ignore[arg-type]

    def take_memory(self) -> Array | None:
        """Return the memory, which is no longer part of the tape."""
        memory = self.memory
        object.__setattr__(self, "memory", None)
        return memory

    # Copies have their own memory, since that of a tape that is used up becomes another one's; it
    # begins as far behind a cache line, where the core looks for what it has written.

    def __copy__(self) -> GRUTape:
        make, arguments = self.__reduce__()
        tape: GRUTape = make(*arguments)
        return tape

    def __reduce__(self) -> tuple[Any, ...]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        past = 0 if self.memory is None else past_line(self.memory)
        return _tape_of, (values, past)

    def __repr__(self) -> str:
        B, T, H = self.output_shape
        return f"<GRUTape of {B} sequences x {T} steps x {H} units, {bytes_of(self.memory)} bytes>"


def _tape_of(values: dict[str, Any], past: int) -> GRUTape:
    memory = values["memory"]
    return GRUTape(
        **{**values, "memory": None if memory is None else copied_past_line(memory, past)}
    )


def run_backward(
    tape: GRUTape,
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
    """`gru_backward` for checked arrays, into given ones; None: not wanted.

    With ``keep_tape=False`` the tape's memory is returned, and the tape cannot be used again.
    """
    memory = require_memory(tape.memory)
    if tape.go_backwards and d_x is not None:
        d_x = d_x[:, ::-1]
    threads = _threads_of(tape.engine, tape.num_threads)
    with blas_held(tape.engine):
        _core.backward(
            tape.x,
            tape.kernel,
            tape.recurrent_kernel,
            memory,
            keep_tape,
            d_output,
            d_state,
            d_x,
            d_kernel,
            d_recurrent_kernel,
            d_bias,
            d_initial_state,
            accumulate,
            tape.cell,
            tape.engine,
            threads,
            tape.state_mask,
            d_hidden,
        )
    return None if keep_tape else tape.take_memory()


def bytes_of(memory: Array | None) -> int:
    """Return the size of a tape's memory."""
    return 0 if memory is None else memory.nbytes


def require_memory(memory: Array | None) -> Array:
    """Return a tape's memory; ValueError where it has none any more."""
    if memory is None:
        raise ValueError(
            "the tape has been used up by a backward pass with keep_tape=False: run the forward "
            "pass again, or go back with keep_tape=True"
        )
    return memory


def tape_memory(size: int, memory: Array | None) -> Array:
    """Return memory for a tape: the given one, that of the last tape, or new memory."""
    memory = memory if memory is not None else _spare_memory()
    return np.empty(size, np.uint8) if memory is None or memory.size < size else memory


def keep_spare(memory: Array | None) -> None:
    """Keep a used tape's memory for the next one."""
    if memory is not None and memory.size <= _MOST_SPARE_BYTES:
        _SPARE[:] = [memory]


def _spare_memory() -> Array | None:
    try:
        return _SPARE.pop()
    except IndexError:
        return None


def _threads_of(engine: int, num_threads: int | None) -> int:
    return (openmp_threads if engine == _core.ENGINES["blas"] else team_threads)(num_threads)


def blas_held(engine: int | None = None) -> AbstractContextManager[None]:
    """BLAS on one thread per caller where the engine, by default "auto"'s, calls it."""
    engine = _core.auto_engine() if engine is None else engine
    return single_threaded_blas if engine == _core.ENGINES["blas"] else _NOTHING
