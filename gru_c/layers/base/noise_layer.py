"""The base classes of layers that change their input at random while training, and only then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array
from gru_c.common.validation import check_flag, check_real
from gru_c.layers.base.layer import LayerOptions
from gru_c.layers.base.random_layer import DrawingLayer
from gru_c.layers.base.weightless_layer import WeightlessLayer, WeightlessTape

if TYPE_CHECKING:
    from typing_extensions import Unpack


class NoiseLayer(DrawingLayer, WeightlessLayer):
    """Base of layers that draw numbers for their input; a subclass combines the two."""

    @property
    def stepwise(self) -> bool:
        """True: outside training the layer returns its input."""
        return True

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return x changed at random when training, else x in the layer's dtype."""
        check_flag("training", training)
        array = self._as_input(x)
        self.compute_output_shape(array.shape)  # checks the shape
        if not training:
            return array
        y, saved = self._changed(array)
        self._set_tape(WeightlessTape(saved, array.shape))
        return y

    def _changed(self, x: Array) -> tuple[Array, Any]:
        """Return the output, and the value that `input_gradient_of` needs."""
        raise NotImplementedError

    def draw_normal(self, shape: tuple[int, ...], stddev: float) -> Array:
        """Return normally distributed numbers of mean 0 in the layer's dtype."""
        dtype = np.dtype(self.dtype).type
        numbers: Array = self.rng.standard_normal(shape, dtype=dtype) * dtype(stddev)
        return numbers


class FactorLayer(NoiseLayer):
    """Base of layers that multiply their input by random factors: the kinds of dropout."""

    def __init__(
        self, rate: float, seed: int | None = None, **options: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**options)
        self.rate = check_real("rate", rate, "[0, 1)")
        self.set_seed(seed)

    def _changed(self, x: Array) -> tuple[Array, Array]:
        factors = self._draw_factors(x.shape)
        return x * factors, factors

    def _draw_factors(self, shape: tuple[int, ...]) -> Array:
        """Return the factors for input of that shape, or for all of an axis of length 1."""
        raise NotImplementedError

    def input_gradient_of(self, saved: Array, d_output: Array) -> Array:
        """Return the gradient times the factors, which are saved."""
        return d_output * saved
