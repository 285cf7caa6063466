"""Dropout as a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gru_c.common.arrays import Array
from gru_c.layers.base import LayerOptions
from gru_c.layers.base.noise_layer import FactorLayer

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Dropout(FactorLayer):
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

    _advice: ClassVar = {**FactorLayer._advice, "p": "cannot be set: here it is rate"}

    def __init__(
        self, rate: float, *, seed: int | None = None, **options: Unpack[LayerOptions]
    ) -> None:
        super().__init__(rate, seed, **options)

    def _draw_factors(self, shape: tuple[int, ...]) -> Array:
        return self.draw_mask(shape, self.rate)
