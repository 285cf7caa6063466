"""Initializers without randomness: the same number everywhere, or an array."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, as_real
from gru_c.common.validation import check_real
from gru_c.initializers.base import Initializer


class Constant(Initializer):
    """Set every entry to the same number, or to those of an array.

    Parameters
    ----------
    value : float or array_like
        A number, or an array of the weight's shape or one that NumPy broadcasts to it, as in
        Keras. The initializer keeps a copy of the array. Files of models leave it out, because
        they contain the weights.
    """

    def __init__(self, value: float | npt.ArrayLike = 0.0) -> None:
        super().__init__()
        self.value: float | Array
        if isinstance(value, (np.ndarray, list, tuple)):
            array = _finite_array(value)
            self.value = array if array.ndim else float(array)
        else:
            self.value = check_real("Constant: value", value)
        self._shape: tuple[int, ...] | None = None  # the only shape that `draw` accepts, if any

    @property
    def is_array(self) -> bool:
        """True if the value is an array."""
        return isinstance(self.value, np.ndarray)

    def of_shape(self, shape: tuple[int, ...]) -> Constant:
        """Restrict the initializer to weights of this shape, and return it."""
        self._shape = shape
        return self

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Return an array filled with `value`; ValueError if that does not fit the shape."""
        if self._shape not in (None, shape) or not _broadcasts(np.shape(self.value), shape):
            raise ValueError(
                f"an array of shape {np.shape(self.value)} was given as the initial value of a "
                f"weight of shape {shape}"
            )
        return np.full(shape, self.value)


class Zeros(Constant):
    """Set every entry to 0."""

    def __init__(self) -> None:
        super().__init__(0.0)


class Ones(Constant):
    """Set every entry to 1."""

    def __init__(self) -> None:
        super().__init__(1.0)


class Identity(Initializer):
    """Set the diagonal of a matrix to `gain`, and the other entries to 0.

    Parameters
    ----------
    gain : float
        Factor of the identity matrix.

    Examples
    --------
    >>> Identity(2.0)((2, 2), "float64")
    array([[2., 0.],
           [0., 2.]])
    """

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = check_real("Identity: gain", gain)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Return the matrix; ValueError for a shape of other than two axes."""
        if len(shape) != 2:
            raise ValueError(f"Identity needs a shape of two axes, got {shape}")
        return self.gain * np.eye(*shape)


def _finite_array(value: Any) -> Array:
    """Return a copy as an array of real numbers; ValueError unless all are finite."""
    array = np.array(as_real("Constant: value", value))
    if not np.isfinite(array).all():
        raise ValueError("Constant: all of value must be finite, got an array with NaN or infinity")
    return array


def _broadcasts(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Return True if NumPy broadcasts an array of `shape` to the shape `wanted`."""
    pairs = zip(reversed(shape), reversed(wanted), strict=False)
    return len(shape) <= len(wanted) and all(size in (1, other) for size, other in pairs)
