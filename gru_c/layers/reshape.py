"""Layers that change the shape: `Flatten` and `RepeatVector`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_flag, check_integer
from gru_c.layers.base import LayerOptions
from gru_c.layers.weightless import Tape, WeightlessLayer

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Flatten(WeightlessLayer):
    """Merge all axes after the batch axis into one: (B, T, I) becomes (B, T * I).

    Parameters
    ----------
    name, dtype, input_shape, trainable
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Flatten
    >>> Flatten()(np.zeros((2, 10, 8))).shape
    (2, 80)
    """

    @property
    def mixes_time(self) -> bool:
        """True: the time axis is merged with the others."""
        return True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (B, product of the other sizes), or (B, None) if one of them is not known."""
        if not input_shape:
            self._refuse_shape("(batch, ...)", input_shape)
        batch, *sizes = input_shape
        known = [size for size in sizes if size is not None]
        return (batch, math.prod(known) if len(known) == len(sizes) else None)

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> None:
        """Return None: the output has no time axis."""

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return x of shape (B, ...) as (B, features)."""
        check_flag("training", training)
        array = self._as_input(x)
        batch, features = self.compute_output_shape(array.shape)
        y = array.reshape(batch or 0, features or 0)
        if training:
            self._set_tape(Tape(array.shape, y.shape))
        return y

    def input_gradient_of(self, saved: tuple[int, ...], d_output: Array) -> Array:
        """Return the gradient in the shape of the input, which was saved."""
        return d_output.reshape(saved)


class RepeatVector(WeightlessLayer):
    """Repeat a vector: (B, features) becomes (B, n, features).

    Parameters
    ----------
    n : int
        Number of time steps.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If n is not a positive integer.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import RepeatVector
    >>> RepeatVector(2)(np.array([[1.0, 5.0]]))
    array([[[1., 5.],
            [1., 5.]]], dtype=float32)
    """

    def __init__(
        self,
        n: int,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.n = check_integer("n", n, 1)

    @property
    def mixes_time(self) -> bool:
        """True: the output has a time axis that the input does not have."""
        return True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (B, n, features); ValueError unless the input is (B, features)."""
        if len(input_shape) != 2:
            self._refuse_shape("(batch, features)", input_shape)
        return (input_shape[0], self.n, input_shape[1])

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> None:
        """Return None: every step of the output counts."""

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return x of shape (B, features) repeated n times, of shape (B, n, features)."""
        check_flag("training", training)
        array = self._as_input(x)
        self.compute_output_shape(array.shape)  # checks the shape
        y = np.repeat(array[:, None], self.n, axis=1)
        if training:
            self._set_tape(Tape(None, y.shape))
        return y

    def input_gradient_of(self, saved: None, d_output: Array) -> Array:
        """Return the sum of the gradients of the time steps, (B, features)."""
        d_x: Array = d_output.sum(axis=1)
        return d_x
