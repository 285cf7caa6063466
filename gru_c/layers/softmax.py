"""Softmax as a layer, over any axes and with a mask; and a warning of softmax over one number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gru_c.activations import ACTIVATIONS, Activation
from gru_c.common.arrays import Array, Shape, refuse_masked
from gru_c.common.validation import check_flag, check_integer
from gru_c.common.warnings import warn
from gru_c.layers.base import LayerOptions
from gru_c.layers.base.weightless_layer import WeightlessLayer, WeightlessTape

_MASKED = -1e9  # replaces masked entries, as in Keras

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Softmax(WeightlessLayer):
    """Turn numbers into positive ones whose sum over some axes is 1.

    ``Activation("softmax")`` is the same over the last axis; a loss is paired with that one.

    Parameters
    ----------
    axis : int or sequence of int
        The axes that the sum is over.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If axis is not an integer, or several different ones.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Softmax
    >>> Softmax()(np.array([[0.0, 0.0, 5.0]]), mask=np.array([[True, True, False]]))
    array([[0.5, 0.5, 0. ]], dtype=float32)
    """

    takes_mask = True
    reads_masked_steps = True

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.axis: int | list[int]
        if isinstance(axis, (list, tuple)) and axis:
            self.axis = [check_integer("Softmax: axis", item, None) for item in axis]
        else:
            self.axis = check_integer("Softmax: axis", axis, None, also=" or several")

    def _axes(self, shape: Shape) -> tuple[int, ...]:
        """Return the axes of input of that shape, from 0; ValueError unless it has them."""
        axis_list = self.axis if isinstance(self.axis, list) else [self.axis]
        axes = {axis % len(shape) for axis in axis_list if -len(shape) <= axis < len(shape)}
        if len(axes) < len(axis_list):
            raise ValueError(
                f"layer {self.label!r}: axis={self.axis} is not one axis, or several different "
                f"ones, of input of shape {shape}"
            )
        return tuple(sorted(axes))

    @property
    def stepwise(self) -> bool:
        """True if the sum is over the last axis alone."""
        return self.axis in (-1, len(self.built_shape or ()) - 1)

    @property
    def mixes_time(self) -> bool:
        """True unless the sum is over the last axis alone."""
        return not self.stepwise

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input; ValueError unless it has the axes."""
        self._axes(input_shape)
        return input_shape

    def forward(
        self, x: npt.ArrayLike, *, training: bool = False, mask: npt.ArrayLike | None = None
    ) -> Array:
        """Compute the output.

        Parameters
        ----------
        x : array_like
            Input.
        training : bool
            Keep ``self.tape`` for `backward`.
        mask : array_like, optional
            True, or above 0.5, for the entries that take part, broadcast to the shape of x; the
            others become 0.

        Returns
        -------
        ndarray of the shape of x
        """
        check_flag("training", training)
        array = self._as_input(x)
        axes = self._axes(array.shape)
        taken = None if mask is None else self._entries(mask, array)
        z = array if taken is None else np.where(taken, array, array.dtype.type(_MASKED))
        y: Array = np.exp(z - z.max(axis=axes, keepdims=True))
        y /= y.sum(axis=axes, keepdims=True)
        if taken is not None:
            y = np.where(taken, y, array.dtype.type(0))
        if training:
            self._set_tape(WeightlessTape(y, y.shape))
        return y

    def _entries(self, mask: npt.ArrayLike, x: Array) -> Array:
        """Return a mask of entries; ValueError unless it can be broadcast to x in one way."""
        refuse_masked("mask", mask)
        entries = np.asarray(mask)
        taken = entries if entries.dtype == bool else entries > 0.5
        if entries.ndim == 2 and x.ndim == 3:
            raise ValueError(
                f"layer {self.label!r}: a mask of shape {entries.shape} could be one of the time "
                f"steps or of the entries of input of shape {x.shape}: for steps write "
                "Activation('softmax'), for entries give the mask as many axes as the input"
            )
        sizes = zip(entries.shape[::-1], x.shape[::-1], strict=False)
        if entries.ndim > x.ndim or any(size not in (1, wanted) for size, wanted in sizes):
            raise ValueError(
                f"layer {self.label!r}: mask of shape {entries.shape} cannot be broadcast to "
                f"input of shape {x.shape}"
            )
        return taken

    def input_gradient_of(self, saved: Array, d_output: Array) -> Array:
        """Return the gradient of the input, given the output."""
        along = (d_output * saved).sum(axis=self._axes(saved.shape), keepdims=True)
        d_x: Array = saved * (d_output - along)
        return d_x


def warn_of_constant(activation: Activation, owner: str, outputs: int | None) -> None:
    """Warn if an activation is a softmax over one number, which is always 1."""
    if outputs == 1 and activation is ACTIVATIONS["softmax"]:
        warn(
            f"{owner} takes the softmax of one number, which is always 1: write "
            "activation='sigmoid' for the probability of one of two classes, or have an output for "
            "each class"
        )
