"""The weights of a recurrent layer, and the gradients of a backward pass, as records of arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, as_real
from gru_c.recurrence.cell import Cell


@dataclass(slots=True, eq=False)
class Weights:
    """The weights of one direction of one layer: contiguous arrays of one dtype.

    In all three the G gates lie side by side: z, r, n of a GRU, i, f, c, o of an LSTM.

    Attributes
    ----------
    kernel : ndarray of shape (I, GH)
    recurrent_kernel : ndarray of shape (H, GH)
    bias : ndarray or None
        Of shape (GH,), of a GRU with ``reset_after`` (2, 3H).
    """

    kernel: Array
    recurrent_kernel: Array
    bias: Array | None

    @classmethod
    def checked(
        cls,
        kernel: npt.ArrayLike,
        recurrent_kernel: npt.ArrayLike,
        bias: npt.ArrayLike | None,
        cell: Cell,
        dtype: npt.DTypeLike,
    ) -> Weights:
        """Convert a user's arrays to a dtype; ValueError unless their shapes fit each other."""
        W = np.ascontiguousarray(as_real("kernel", kernel, dtype))
        U = np.ascontiguousarray(as_real("recurrent_kernel", recurrent_kernel, dtype))
        columns = "H" if cell.gates == 1 else f"{cell.gates}H"
        if U.ndim != 2 or U.shape[0] < 1 or U.shape[1] != cell.gates * U.shape[0]:
            raise ValueError(
                f"recurrent_kernel must have shape (H, {columns}) with at least one unit, got "
                f"{U.shape}"
            )
        width = U.shape[1]
        if W.ndim != 2 or W.shape[1] != width:
            raise ValueError(
                f"kernel must have shape (I, {columns}) = (I, {width}) beside a recurrent_kernel "
                f"of shape {U.shape}, got {W.shape}"
            )
        if bias is None:
            return cls(W, U, None)
        b = np.ascontiguousarray(as_real("bias", bias, dtype))
        wanted = (2, width) if cell.two_biases else (width,)
        if b.shape != wanted:
            variant = f" for reset_after={cell.reset_after}" if cell.kind == "GRU" else ""
            raise ValueError(f"bias must have shape {wanted}{variant}, got {b.shape}")
        return cls(W, U, b)

    @property
    def units(self) -> int:
        """Hidden units H."""
        return len(self.recurrent_kernel)

    def empty_gradients(self) -> Gradients:
        """Return new arrays for the gradients of these weights; the other gradients are None."""
        return Gradients(
            np.empty_like(self.kernel),
            np.empty_like(self.recurrent_kernel),
            None if self.bias is None else np.empty_like(self.bias),
        )


@dataclass(slots=True, eq=False)
class Gradients:
    """The arrays that a backward pass writes; None for a gradient that is not wanted.

    Attributes
    ----------
    kernel, recurrent_kernel, bias : ndarray
        Of the shapes of the weights.
    x : ndarray of shape (B, T, I), or None
        With respect to the input, in the input's order of time steps.
    initial_state : ndarray of shape (B, H), of an LSTM (B, 2H): h, then c; or None
    hidden : ndarray of shape (B, T, H), or None
        With respect to the state after each time step; 0 where a time step does not count.
    accumulate : bool
        Add to the weights' gradients instead of writing over them.
    """

    kernel: Array
    recurrent_kernel: Array
    bias: Array | None
    x: Array | None = None
    initial_state: Array | None = None
    hidden: Array | None = None
    accumulate: bool = False

    def clear_weights(self) -> None:
        """Set the weights' gradients to 0."""
        for gradient in (self.kernel, self.recurrent_kernel, self.bias):
            if gradient is not None:
                gradient[...] = 0
