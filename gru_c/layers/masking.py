"""The layer that excludes time steps marked by a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape, as_real
from gru_c.common.validation import check_flag, check_real
from gru_c.layers.base import LayerOptions
from gru_c.layers.base.weightless_layer import WeightlessLayer, WeightlessTape

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Masking(WeightlessLayer):
    """Exclude the time steps in which all features equal `mask_value`, and set them to zero.

    Parameters
    ----------
    mask_value : float
        The value that marks a time step as not counting.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError
        If mask_value is not finite. NaN cannot mark a step: it is not equal to itself.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Masking
    >>> x = np.array([[[1.0, -1.0], [-1.0, -1.0]]])
    >>> layer = Masking(mask_value=-1.0)
    >>> layer(x)
    array([[[ 1., -1.],
            [ 0.,  0.]]], dtype=float32)
    >>> layer.compute_mask(x)
    array([[ True, False]])
    """

    makes_mask = True

    def __init__(
        self,
        mask_value: float = 0.0,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.mask_value = check_real("Masking: mask_value", mask_value)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape; ValueError unless it is (B, T, features)."""
        self._require_sequences(input_shape)
        return input_shape

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> Array:
        """Return the mask without the steps in which all features equal `mask_value`."""
        array = as_real("x", x, self.dtype or np.float32)
        counts: Array = (array != self.mask_value).any(axis=-1)
        return counts if mask is None else counts & mask

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return x of shape (B, T, features), with zeros in the steps that do not count."""
        check_flag("training", training)
        array = self._as_input(x)
        self.compute_output_shape(array.shape)  # checks the shape
        counts = self.compute_mask(array)
        if training:
            self._set_tape(WeightlessTape(counts, array.shape))
        return _zero_uncounted(counts, array)

    def input_gradient_of(self, saved: Array, d_output: Array) -> Array:
        """Return the gradient, with zeros in the steps that do not count."""
        return _zero_uncounted(saved, d_output)


def _zero_uncounted(counts: Array, steps: Array) -> Array:
    """Return the steps (B, T, features), with zeros in those that do not count."""
    return np.where(counts[:, :, None], steps, steps.dtype.type(0))
