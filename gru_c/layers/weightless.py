"""What layers without weights have in common: the way back."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy.typing as npt

from gru_c.layers.base import Layer
from gru_c.utils.arrays import Array
from gru_c.utils.validation import check_flags


class Tape(NamedTuple):
    """What the forward pass of a `WeightlessLayer` leaves."""

    kept: Any
    output_shape: tuple[int, ...]


class WeightlessLayer(Layer):
    """Base of layers without weights.

    A subclass's training forward pass leaves a `Tape` with what `input_gradient_of` needs.
    """

    def input_gradient_of(self, kept: Any, d_output: Array) -> Array:
        """Return the gradient of the input; `d_output` has been checked."""
        raise NotImplementedError

    def backward(
        self,
        d_output: npt.ArrayLike,
        *,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
    ) -> Array | None:
        """Return the gradient of the input; see `Layer.backward`."""
        check_flags(accumulate=accumulate, input_gradient=input_gradient, keep_tape=keep_tape)
        kept, shape = self._take_tape(tape)
        d = self._as_gradient(d_output, shape)
        return self.input_gradient_of(kept, d) if input_gradient else None
