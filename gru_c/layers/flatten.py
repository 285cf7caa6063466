"""All features of a sample in one axis."""

from __future__ import annotations

import math

import numpy.typing as npt

from gru_c._numbers import check_flag
from gru_c.layers.base import Array, Shape
from gru_c.layers.weightless import Tape, WeightlessLayer


class Flatten(WeightlessLayer):
    """Put all axes behind the batch's into one: (B, T, I) becomes (B, T * I).

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
        """True: the time axis does not stay."""
        return True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(B, product of the others), None in its place where one is not known."""
        if not input_shape:
            self._refuse_shape("(batch, ...)", input_shape)
        batch, *sizes = input_shape
        known = [size for size in sizes if size is not None]
        return (batch, math.prod(known) if len(known) == len(sizes) else None)

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> None:
        """Return None: there are no steps left."""

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return x of shape (B, ...) as (B, features)."""
        check_flag("training", training)
        array = self._as_input(x)
        batch, features = self.compute_output_shape(array.shape)
        y = array.reshape(batch or 0, features or 0)
        if training:
            self.tape = Tape(array.shape, y.shape)
        return y

    def input_gradient_of(self, kept: tuple[int, ...], d_output: Array) -> Array:
        """Return the gradient in the input's shape, which is what was kept."""
        return d_output.reshape(kept)
