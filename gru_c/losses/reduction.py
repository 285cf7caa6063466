"""The loss of a batch, from the weighted values of its samples."""

from __future__ import annotations

import math

import numpy as np

from gru_c.common.arrays import Array, is_finite

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", None)


def spread(weight: Array, ndim: int) -> Array:
    """Return a weight in float64 with axes of length 1 appended up to `ndim` axes."""
    return weight.reshape(weight.shape + (1,) * (ndim - weight.ndim)).astype(np.float64)


def weighted(values: Array, weight: Array | None) -> Array:
    """Return the values of the samples times their weights."""
    if weight is None:
        return values
    product: Array = values * spread(weight, values.ndim)
    return product


def reduce(values: Array, weight: Array | None, divisor: float) -> float:
    """Return the sum of the samples' weighted values over a divisor; 0.0 without samples."""
    if values.size == 0:
        return 0.0
    total = np.add.reduce(weighted(values, weight), axis=None)  # the bits of `sum`, faster
    return float(total / divisor)


def quiet() -> np.errstate:
    """Return a context without warnings of overflow, which shows in the value as inf or NaN."""
    return np.errstate(over="ignore", invalid="ignore")


def require_finite(owner: str, value: float, gradient: Array) -> None:
    """Raise FloatingPointError if a finite loss has a gradient with NaN or infinity.

    `owner` is the function or method that returned the gradient.
    """
    if math.isfinite(value) and not is_finite(gradient, np.dtype(np.float64)):
        index = ", ".join(map(str, np.argwhere(~np.isfinite(gradient))[0]))
        raise FloatingPointError(
            f"{owner} returned a gradient that is not finite, at [{index}], for a loss of {value}"
        )
