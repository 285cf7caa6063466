"""The source of the initial weights: a random generator, or given weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array
from gru_c.common.random_seed import fresh_rng
from gru_c.parameters.parameter import of_shape


class GivenWeights:
    """Weights for layers that are being built, instead of a random generator.

    Layers take them in the order of `Layer.get_weights`. Their number must be right: a layer raises
    if none is left, and `end` raises if some are left.

    Parameters
    ----------
    arrays : iterable of array_like
        The weights.
    fresh : bool
        True if nothing else uses the arrays: those of the right dtype and layout are not copied.
    """

    def __init__(self, arrays: Iterable[npt.ArrayLike], *, fresh: bool = False) -> None:
        self._arrays = list(arrays)[::-1]
        self._fresh = fresh

    def take(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Return the next weight as an array of `dtype`; ValueError if it is missing or misshapen.

        `name` is what messages call the weight.
        """
        if not self._arrays:
            raise ValueError(f"{name} is missing: too few weights are given")
        array = of_shape(name, self._arrays.pop(), shape)
        flags = array.flags
        suits = array.dtype == dtype and flags.c_contiguous and flags.aligned and flags.writeable
        return array if self._fresh and suits else np.array(array, dtype, order="C")

    def end(self) -> None:
        """Raise ValueError unless all weights have been taken."""
        if self._arrays:
            raise ValueError(f"{len(self._arrays)} more weights are given than the layers have")


Source = np.random.Generator | int | GivenWeights | None


def checked_source(source: Source) -> np.random.Generator | GivenWeights:
    """Return given weights unchanged, or a random generator for anything else."""
    if source is None:
        return fresh_rng()
    return source if isinstance(source, GivenWeights) else np.random.default_rng(source)
