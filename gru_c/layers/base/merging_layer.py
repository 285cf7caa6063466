"""The base class of the layers that merge several inputs into one output."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_flag, check_flags
from gru_c.layers.base import Layer

if TYPE_CHECKING:
    pass

Masks = Sequence[Array | None]


class MergingLayer(Layer):
    """Base of layers without weights that take a list of inputs.

    A subclass defines `merge_shapes`, `merge` and `gradients`.
    """

    takes_several = takes_mask = True
    fewest, most = 2, 1_000_000  # inputs

    def merge_shapes(self, shapes: list[Shape]) -> Shape:
        """Return the shape of the output for shapes of the inputs."""
        raise NotImplementedError

    def merge(self, inputs: list[Array], masks: Masks) -> tuple[Array, Any]:
        """Return the output, and the value that `gradients` needs."""
        raise NotImplementedError

    def gradients(self, saved: Any, d_output: Array) -> list[Array]:
        """Return the gradients of the inputs."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the shape of the output for a list of shapes of the inputs.

        Raises
        ------
        ValueError
            If there are too few or too many inputs, or their shapes cannot be merged.
        """
        shapes = [tuple(shape) for shape in input_shape if isinstance(shape, (tuple, list))]
        if len(shapes) != len(input_shape) or not self.fewest <= len(shapes) <= self.most:
            count = self.fewest if self.fewest == self.most else f"at least {self.fewest}"
            raise ValueError(
                f"layer {self.label!r} merges a list of {count} inputs, got "
                f"{len(shapes) or 'one'}: of shape {self._text(input_shape)}"
            )
        return self.merge_shapes(shapes)

    def _text(self, shapes: Any) -> str:
        return " and ".join(map(str, shapes)) if isinstance(shapes, list) else str(shapes)

    def _refuse(self, shapes: list[Shape], reason: str) -> ValueError:
        return ValueError(
            f"layer {self.label!r} cannot merge inputs of the shapes {self._text(shapes)}: {reason}"
        )

    def read_input(self, x: Any) -> Any:
        """Return the list of inputs as arrays."""
        if not isinstance(x, (list, tuple)):
            raise ValueError(
                f"layer {self.label!r} merges a list of inputs, got {type(x).__name__}"
            )
        return _Inputs(super(MergingLayer, self).read_input(item) for item in x)

    def open_shape(self, shape: Any) -> Any:
        """Return the shapes to build for."""
        return list(shape)

    def compute_mask(self, x: Any, mask: Any = None) -> Array | None:
        """Return the mask of the output: a step counts if it counts in one of the inputs.

        None if one of the inputs has no mask.
        """
        if mask is None or any(item is None for item in mask):
            return None
        merged: Array = reduce(np.logical_or, mask)
        return merged

    def forward(self, x: Any, *, training: bool = False, mask: Masks | None = None) -> Array:
        """Return the output for a list of inputs.

        Parameters
        ----------
        x : list of array_like
        training : bool
            Store ``self.tape`` for `backward`.
        mask : list of ndarray of bool or None, optional
            The masks of the inputs.
        """
        check_flag("training", training)
        inputs = [np.asarray(item, self.dtype or "float32") for item in x]
        self.compute_output_shape([array.shape for array in inputs])  # checks the shapes
        y, saved = self.merge(inputs, mask or [None] * len(inputs))
        if training:
            self._set_tape((saved, y.shape))
        return y

    def backward(
        self,
        d_output: npt.ArrayLike,
        *,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
    ) -> list[Array] | None:
        """Return the list of the inputs' gradients; see `Layer.backward`."""
        check_flags(accumulate=accumulate, input_gradient=input_gradient, keep_tape=keep_tape)
        saved, shape = self._take_tape(tape)
        d = self._as_gradient(d_output, shape)
        return self.gradients(saved, d) if input_gradient else None


class _Inputs(list[Array]):
    """Arrays with the list of their shapes."""

    @property
    def shape(self) -> list[tuple[int, ...]]:
        return [array.shape for array in self]


def beside(mask: Array, axes: int) -> Array:
    """Return a mask with axes of length 1 behind its own, for an array of more axes."""
    return mask.reshape(*mask.shape, *[1] * (axes - mask.ndim))
