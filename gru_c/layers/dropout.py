"""Dropout as a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy.typing as npt

from gru_c.common.arrays import Array
from gru_c.common.validation import check_flag, check_real
from gru_c.layers.base import LayerOptions
from gru_c.layers.base.random_layer import DrawingLayer
from gru_c.layers.base.weightless_layer import WeightlessLayer, WeightlessTape

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Dropout(DrawingLayer, WeightlessLayer):
    """Set a random share of the input to zero while training, and scale up the others.

    The other values are divided by ``1 - rate``, which leaves the expectation unchanged. Outside
    training the output is the input.

    Parameters
    ----------
    rate : float
        Share of the input that is dropped, at least 0 and below 1.
    seed : int, optional
        Seed of the masks; by default they are drawn from the model's generator.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If rate is outside [0, 1) or not a number.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Dropout
    >>> Dropout(0.5, seed=1)(np.ones((1, 6)), training=True)
    array([[0., 2., 2., 2., 0., 0.]], dtype=float32)
    """

    _advice: ClassVar = {**DrawingLayer._advice, "p": "cannot be set: here it is rate"}

    def __init__(
        self,
        rate: float,
        *,
        seed: int | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.rate = check_real("rate", rate, "[0, 1)")
        self.set_seed(seed)

    @property
    def stepwise(self) -> bool:
        """True: outside training the layer does nothing."""
        return True

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return x in the layer's dtype, when training with values dropped and scaled."""
        check_flag("training", training)
        array = self._as_input(x)
        if not training:
            return array
        mask = self.draw_mask(array.shape, self.rate)
        self._set_tape(WeightlessTape(mask, array.shape))
        dropped: Array = array * mask
        return dropped

    def input_gradient_of(self, saved: Array, d_output: Array) -> Array:
        """Return the gradient times the saved mask: zero where the input was dropped."""
        return d_output * saved
