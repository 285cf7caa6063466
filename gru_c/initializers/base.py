"""Base class of the initializers."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from gru_c.common import keras_names
from gru_c.common.arrays import Array, as_real
from gru_c.common.random_seed import fresh_rng
from gru_c.common.registry import Configurable
from gru_c.common.validation import check_integer


class Initializer(Configurable):
    """Base of all initializers; a subclass defines `draw`.

    Parameters
    ----------
    seed : int, optional
        With a seed every call gives the same values, whatever `rng` is.
    """

    _keras_names = keras_names.INITIALIZER

    def __init__(self, seed: int | None = None) -> None:
        self.seed = check_integer("seed", seed, optional=True)

    def __call__(
        self,
        shape: Sequence[int],
        dtype: npt.DTypeLike | None = None,
        rng: np.random.Generator | None = None,
    ) -> Array:
        """Make a new array.

        Parameters
        ----------
        shape : sequence of int
            Shape of the weight, (inputs, outputs) for a matrix.
        dtype : dtype, optional
            float32 or float64; float32 by default.
        rng : numpy.random.Generator, optional
            Source of random numbers, unless the initializer has its own seed. By default a new
            generator with an unpredictable seed.

        Returns
        -------
        ndarray of shape `shape`
        """
        if self.seed is not None:
            rng = np.random.default_rng(self.seed)
        rng = fresh_rng() if rng is None else rng
        if not isinstance(shape, Iterable):
            raise TypeError(f"shape must be a tuple such as (3, 4), got {shape!r}")
        sizes = tuple(map(operator.index, shape))
        drawn = self.draw(sizes, rng)
        if self._by_user:
            drawn = as_real(f"the array of {type(self).__name__}.draw", drawn)
        with np.errstate(over="ignore"):  # an overflow shows in the array, as infinity
            return drawn.astype(np.float32 if dtype is None else dtype, copy=False)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Return a new float64 array of shape `shape`."""
        raise NotImplementedError(f"{type(self).__name__} must define draw(shape, rng)")
