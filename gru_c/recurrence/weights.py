"""The weights of a GRU, and the gradients of a backward pass, as records of arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, as_real


@dataclass(slots=True, eq=False)
class Weights:
    """The weights of one direction of one layer: contiguous arrays of one dtype.

    In all three the gates z, r, n lie side by side.

    Attributes
    ----------
    kernel : ndarray of shape (I, 3H)
    recurrent_kernel : ndarray of shape (H, 3H)
    bias : ndarray or None
        Of shape (2, 3H) with ``reset_after``, else (3H,).
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
        reset_after: bool,
        dtype: npt.DTypeLike,
    ) -> Weights:
        """Convert a user's arrays to a dtype; ValueError unless their shapes fit each other."""
        W = np.ascontiguousarray(as_real("kernel", kernel, dtype))
        U = np.ascontiguousarray(as_real("recurrent_kernel", recurrent_kernel, dtype))
        if U.ndim != 2 or U.shape[0] < 1 or U.shape[1] != 3 * U.shape[0]:
            raise ValueError(
                f"recurrent_kernel must have shape (H, 3H) with at least one unit, got {U.shape}"
            )
        width = U.shape[1]
        if W.ndim != 2 or W.shape[1] != width:
            raise ValueError(
                f"kernel must have shape (I, 3H) = (I, {width}) beside a recurrent_kernel of shape "
                f"{U.shape}, got {W.shape}"
            )
        if bias is None:
            return cls(W, U, None)
        b = np.ascontiguousarray(as_real("bias", bias, dtype))
        wanted = (2, width) if reset_after else (width,)
        if b.shape != wanted:
            raise ValueError(
                f"bias must have shape {wanted} for reset_after={bool(reset_after)}, got {b.shape}"
            )
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
    initial_state : ndarray of shape (B, H), or None
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
