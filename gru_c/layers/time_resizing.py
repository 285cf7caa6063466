"""Layers that pad, crop or repeat time steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_flag, check_integer
from gru_c.layers.base import LayerOptions
from gru_c.layers.base.time_axis import TimeAxisLayer, check_format, check_pair
from gru_c.layers.base.weightless_layer import WeightlessLayer, WeightlessTape

if TYPE_CHECKING:
    from typing_extensions import Unpack


class _TimeResizingLayer(TimeAxisLayer, WeightlessLayer):
    """Base of these layers: a subclass says how long the output is, and makes it."""

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape with the new number of steps; ValueError unless one is left."""
        batch, steps, features = self.sequence_shape(input_shape)
        length = None if steps is None else self._length(steps)
        if length is not None and length < 1:
            raise ValueError(
                f"layer {self.label!r}: no time step is left of input of shape {input_shape}"
            )
        return self.swapped((batch, length, features))

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return x (B, T, features) with the new number of steps."""
        check_flag("training", training)
        array = self.as_sequence(x)
        self.compute_output_shape(self.swapped(array).shape)  # checks the number of steps
        y = self.swapped(self._resized(array))
        if training:
            self._set_tape(WeightlessTape(array.shape[1], y.shape))
        return y

    def _length(self, steps: int) -> int:
        """Return the number of steps of the output."""
        raise NotImplementedError

    def _resized(self, x: Array) -> Array:
        """Return x (B, T, features) with the new number of steps."""
        raise NotImplementedError


class ZeroPadding1D(_TimeResizingLayer):
    """Add time steps of zeros at the beginning and at the end.

    Parameters
    ----------
    padding : int or tuple of two int
        Steps at the beginning and at the end; one number stands for both.
    data_format : {"channels_last", "channels_first"}, optional
        Order of the axes of input and output: (B, T, features), the default, or (B, features, T).
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.

    Notes
    -----
    The layer drops a mask, as in Keras: every step of its output counts. A warning says so.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import ZeroPadding1D
    >>> ZeroPadding1D((2, 1))(np.array([[[7.0]]])).ravel()
    array([0., 0., 7., 0.], dtype=float32)
    """

    def __init__(
        self,
        padding: int | Sequence[int] = 1,
        data_format: str | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.padding = check_pair("padding", padding)
        self.data_format = check_format(data_format)

    def _length(self, steps: int) -> int:
        return steps + sum(self.padding)

    def _resized(self, x: Array) -> Array:
        return np.pad(x, ((0, 0), self.padding, (0, 0)))

    def input_gradient_of(self, saved: int, d_output: Array) -> Array:
        """Return the gradient of the steps of the input; `saved` is their number."""
        before = self.padding[0]
        return self.swapped(self.swapped(d_output)[:, before : before + saved])


class Cropping1D(_TimeResizingLayer):
    """Leave out time steps at the beginning and at the end.

    Parameters
    ----------
    cropping : int or tuple of two int
        Steps at the beginning and at the end; one number stands for both.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.

    Notes
    -----
    The layer drops a mask, as in Keras: every step of its output counts. A warning says so.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Cropping1D
    >>> Cropping1D((0, 1))(np.array([[[7.0], [8.0], [9.0]]])).ravel()
    array([7., 8.], dtype=float32)
    """

    def __init__(
        self,
        cropping: int | Sequence[int] = (1, 1),
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.cropping = check_pair("cropping", cropping)

    def _length(self, steps: int) -> int:
        return steps - sum(self.cropping)

    def _resized(self, x: Array) -> Array:
        return x[:, self.cropping[0] : x.shape[1] - self.cropping[1]]

    def input_gradient_of(self, saved: int, d_output: Array) -> Array:
        """Return the gradient, zero in the steps that are left out; `saved` is their number."""
        return np.pad(d_output, ((0, 0), self.cropping, (0, 0)))


class UpSampling1D(_TimeResizingLayer):
    """Repeat each time step: (B, T, features) becomes (B, size * T, features).

    Parameters
    ----------
    size : int
        Number of copies of each step.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If size is not a positive integer.

    Notes
    -----
    The layer drops a mask, as in Keras: every step of its output counts. A warning says so.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import UpSampling1D
    >>> UpSampling1D(2)(np.array([[[7.0], [8.0]]])).ravel()
    array([7., 7., 8., 8.], dtype=float32)
    """

    def __init__(
        self,
        size: int = 2,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.size = check_integer("size", size, 1)

    def _length(self, steps: int) -> int:
        return steps * self.size

    def _resized(self, x: Array) -> Array:
        return np.repeat(x, self.size, axis=1)

    def input_gradient_of(self, saved: int, d_output: Array) -> Array:
        """Return the sum of the gradients of the copies of each step; `saved` is their number."""
        batch, _, features = d_output.shape
        d_x: Array = d_output.reshape(batch, saved, self.size, features).sum(axis=2)
        return d_x
