"""Random layers between others: noise, and dropout of whole features."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_real
from gru_c.layers.base import LayerOptions
from gru_c.layers.base.noise_layer import FactorLayer, NoiseLayer

if TYPE_CHECKING:
    from typing_extensions import Unpack


class SpatialDropout1D(FactorLayer):
    """Set whole features of a sample to zero while training, in all time steps, and scale the rest.

    Neighbouring steps of a convolution's output resemble each other, so that `Dropout` of single
    numbers would leave most of what a feature says.

    Parameters
    ----------
    rate : float
        Share of the features that is dropped, at least 0 and below 1.
    seed : int, optional
        Seed of the masks; by default they are drawn from the model's generator.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If rate is outside [0, 1) or not a number.

    References
    ----------
    J. Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2014,
    arXiv:1411.4280.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import SpatialDropout1D
    >>> SpatialDropout1D(0.5, seed=1)(np.ones((1, 2, 4)), training=True)
    array([[[0., 2., 2., 2.],
            [0., 2., 2., 2.]]], dtype=float32)
    """

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input; ValueError unless it is (B, T, features)."""
        self._require_sequences(input_shape)
        return input_shape

    def _draw_factors(self, shape: tuple[int, ...]) -> Array:
        return self.draw_mask((shape[0], 1, shape[2]), self.rate)


class GaussianDropout(FactorLayer):
    """Multiply by normally distributed numbers of mean 1 while training.

    Their standard deviation is ``sqrt(rate / (1 - rate))``, that of the factors of `Dropout`.

    Parameters
    ----------
    rate : float
        As that of `Dropout`: at least 0 and below 1.
    seed : int, optional
        Seed of the numbers; by default they are drawn from the model's generator.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If rate is outside [0, 1) or not a number.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import GaussianDropout
    >>> GaussianDropout(0.5)(np.ones((1, 3)))
    array([[1., 1., 1.]], dtype=float32)
    """

    def _draw_factors(self, shape: tuple[int, ...]) -> Array:
        return 1 + self.draw_normal(shape, math.sqrt(self.rate / (1 - self.rate)))


class GaussianNoise(NoiseLayer):
    """Add normally distributed noise of mean 0 while training.

    Parameters
    ----------
    stddev : float
        Standard deviation of the noise, from 0 to 1.
    seed : int, optional
        Seed of the noise; by default it is drawn from the model's generator.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If stddev is outside [0, 1] or not a number.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import GaussianNoise
    >>> GaussianNoise(0.1)(np.ones((1, 3)))
    array([[1., 1., 1.]], dtype=float32)
    """

    def __init__(
        self, stddev: float, seed: int | None = None, **options: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**options)
        self.stddev = check_real("stddev", stddev, "[0, 1]")
        self.set_seed(seed)

    def _changed(self, x: Array) -> tuple[Array, None]:
        return x + self.draw_normal(x.shape, self.stddev), None

    def input_gradient_of(self, saved: None, d_output: Array) -> Array:
        """Return the gradient itself."""
        return d_output
