"""The layer that declares the shape of a model's input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy.typing as npt

from gru_c.layers.base import FIXED, Layer
from gru_c.utils.arrays import Array
from gru_c.utils.validation import check_flag


class Input(Layer):
    """Declare the shape of one sample: ``Sequential([Input((10, 8)), GRU(50), Dense(1)])``.

    Parameters
    ----------
    shape : tuple of int or None
        Shape of one sample, without the batch axis; None stands for any length. ``()`` stands for
        samples of one number each, which an `Embedding` takes.
    name, dtype
        See `Layer`.

    Examples
    --------
    >>> from gru_c import GRU, Input, Sequential
    >>> Sequential([Input((None, 8)), GRU(50)]).output_shape
    (None, 50)
    """

    _advice: ClassVar = {**Layer._advice, "shape": FIXED}

    def __init__(
        self,
        shape: Sequence[int | None],
        *,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype, input_shape=shape)

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Shape of one sample."""
        return tuple(self.input_shape or ())

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return x in the layer's dtype."""
        check_flag("training", training)
        return self._as_input(x)
