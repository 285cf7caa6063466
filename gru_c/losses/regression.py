"""Losses of regression: squared, absolute and Huber errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.validation import check_real
from gru_c.losses.base import Loss, LossOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


class _Regression(Loss):
    """Base of the losses that are the mean over the outputs of a function of e = p - y."""

    def per_sample(self, y_true: Array, y_pred: Array) -> Array:
        """Return the mean over the outputs."""
        # the bits of `mean`, in half its time for a small batch
        sums: Array = np.add.reduce(self._cost(y_pred - y_true), axis=-1)
        sums /= y_pred.shape[-1]
        return sums

    def per_sample_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the slope of each output over the number of outputs."""
        gradient: Array = self._slope(y_pred - y_true) / y_pred.shape[-1]
        return gradient

    def _cost(self, e: Array) -> Array:
        """Return the value of the function."""
        raise NotImplementedError

    def _slope(self, e: Array) -> Array:
        """Return the derivative of the function."""
        raise NotImplementedError


class MeanSquaredError(_Regression):
    """Mean over the outputs of (p - y)^2.

    Examples
    --------
    >>> MeanSquaredError()([[0.0], [2.0]], [[1.0], [2.0]])
    0.5
    """

    def _cost(self, e: Array) -> Array:
        return e * e

    def _slope(self, e: Array) -> Array:
        return 2 * e


class MeanAbsoluteError(_Regression):
    """Mean over the outputs of abs(p - y); its derivative at p = y is taken as 0.

    Examples
    --------
    >>> MeanAbsoluteError()([[0.0], [2.0]], [[1.0], [2.0]])
    0.5
    """

    def _cost(self, e: Array) -> Array:
        return np.abs(e)

    def _slope(self, e: Array) -> Array:
        return np.sign(e)


class Huber(_Regression):
    """Mean of e^2 / 2 where abs(e) <= delta, else delta (abs(e) - delta / 2); e = p - y.

    Parameters
    ----------
    delta : float
        Error from which the loss grows linearly, in the unit of y.
    reduction, name
        See `Loss`.

    Examples
    --------
    >>> Huber()([[0.0], [0.0]], [[1.0], [3.0]])
    1.5
    """

    def __init__(self, delta: float = 1.0, **options: Unpack[LossOptions]) -> None:
        super().__init__(**options)
        self.delta = check_real("Huber: delta", delta, "> 0")

    def _cost(self, e: Array) -> Array:
        size = np.abs(e)
        small = np.minimum(size, self.delta)
        # e^2 / 2 below delta, where small is the size, and delta (size - delta / 2) above.
        cost: Array = small * (size - 0.5 * small)
        return cost

    def _slope(self, e: Array) -> Array:
        return np.clip(e, -self.delta, self.delta)
