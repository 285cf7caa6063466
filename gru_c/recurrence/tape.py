"""The base class of tapes, which a training pass returns for its backward pass."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import TypeVar

from gru_c.common.arrays import Array
from gru_c.recurrence.memory import BorrowedMemory
from gru_c.recurrence.options import PassOptions
from gru_c.recurrence.weights import Gradients, Weights

AnyTape = TypeVar("AnyTape", bound="Tape")


@dataclass(slots=True, repr=False, eq=False)
class Tape:
    """The result of a training forward pass that its backward pass reads.

    It refers to the arrays of the forward pass (x and the weights): they must not be changed
    before the backward pass. The backward pass may be run again, unless it used up the tape
    (``keep_tape=False``).

    Attributes
    ----------
    x : ndarray of shape (B, T, I)
        The input, in the order in which the time steps were taken.
    weights : Weights
        The weights of the forward pass.
    options : PassOptions
        The options of the forward pass.
    borrowed : BorrowedMemory
        Holds the memory.
    time_major : bool
        True if `gru_backward` takes and returns gradients of shape (T, B, ...).
    """

    x: Array
    weights: Weights
    options: PassOptions
    borrowed: BorrowedMemory
    time_major: bool = field(default=False, kw_only=True)

    @property
    def memory(self) -> Array | None:
        """Gates and states, in the core's own layout; None once they have been used up."""
        return self.borrowed.memory

    @property
    def kernel(self) -> Array:
        """The input weights of the forward pass."""
        return self.weights.kernel

    @property
    def recurrent_kernel(self) -> Array:
        """The recurrent weights of the forward pass."""
        return self.weights.recurrent_kernel

    @property
    def bias_shape(self) -> tuple[int, ...] | None:
        """Shape of the bias; None without one."""
        return None if self.weights.bias is None else self.weights.bias.shape

    @property
    def go_backwards(self) -> bool:
        """True if the time steps were taken from the last to the first."""
        return self.options.go_backwards

    @property
    def batch(self) -> int:
        """Number of sequences B."""
        return len(self.x)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """(B, T, H); of a `RaggedTape` the places of the time steps, and H."""
        return (*self.x.shape[:-1], self.weights.units)

    def backward(
        self,
        d_output: Array | None,
        d_state: Array | None,
        gradients: Gradients,
        *,
        keep_tape: bool = True,
    ) -> None:
        """Write the gradients of a loss, given arrays that have been checked.

        Parameters
        ----------
        d_output : ndarray of shape (B, T, H), or None
            Gradient with respect to the output, in the order of the output; None for zeros.
        d_state : ndarray of shape (B, H), of an LSTM (B, 2H), or None
            Gradient with respect to the last state, in addition to `d_output`; None for zeros.
        gradients : Gradients
            Written.
        keep_tape : bool
            False returns the memory to its pool; the tape cannot be used again then.

        Raises
        ------
        ValueError
            When the tape has been used up.
        RuntimeError
            When it would be used up while another thread reads it.
        """
        borrowed = self.borrowed
        memory = borrowed.begin(keep_tape)
        end = borrowed.end
        try:
            d_x = gradients.x
            if d_x is not None and self.options.go_backwards:
                d_x = d_x[:, ::-1]
            self._write_gradients(d_output, d_state, gradients, d_x, keep_tape, memory)
        except Exception:  # the core checks its arguments before it writes anything
            end = borrowed.cancel
            raise
        finally:
            end(memory, keep_tape)

    def _write_gradients(
        self,
        d_output: Array | None,
        d_state: Array | None,
        gradients: Gradients,
        d_x: Array | None,
        keep_tape: bool,
        memory: Array,
    ) -> None:
        """Write `gradients`; `d_x` is that of x, in the order of the tape's x."""
        raise NotImplementedError

    def __copy__(self: AnyTape) -> AnyTape:
        """Return a copy with its own memory, since that of a tape may be used up."""
        return replace(self, borrowed=copy.copy(self.borrowed))
