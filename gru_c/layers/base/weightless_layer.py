"""The base class of layers without weights."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy.typing as npt

from gru_c.common.arrays import Array
from gru_c.common.validation import check_flags
from gru_c.layers.base.layer import Layer


class WeightlessTape(NamedTuple):
    """The tape of a `WeightlessLayer`.

    Attributes
    ----------
    saved : object
        The value that `WeightlessLayer.input_gradient_of` needs.
    output_shape : tuple of int
        Shape of the output.
    """

    saved: Any
    output_shape: tuple[int, ...]


class WeightlessLayer(Layer):
    """Base of layers without weights: a subclass defines `forward` and `input_gradient_of`.

    A training forward pass stores a `WeightlessTape` in ``self.tape``.
    """

    def input_gradient_of(self, saved: Any, d_output: Array) -> Array:
        """Return the gradient of the input, given ``tape.saved`` and the checked `d_output`."""
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
        saved, shape = self._take_tape(tape)
        d = self._as_gradient(d_output, shape)
        return self.input_gradient_of(saved, d) if input_gradient else None
