"""Losses that are the mean over the outputs of a function of one target and one prediction."""

from __future__ import annotations

import math

import numpy as np

from gru_c.common.arrays import Array
from gru_c.losses.base import Loss

EPSILON = 1e-7  # as in Keras; keeps logarithms and quotients finite


class _Elementwise(Loss):
    """Base of the losses here; the arrays y and p that the functions get are float64."""

    def per_sample(self, y_true: Array, y_pred: Array) -> Array:
        """Return the mean over the outputs."""
        values: Array = self._cost(self._targets(y_true), y_pred).mean(axis=-1)
        return values

    def per_sample_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the slope of each output over the number of outputs."""
        gradient: Array = self._slope(self._targets(y_true), y_pred) / y_pred.shape[-1]
        return gradient

    def _targets(self, y: Array) -> Array:
        result: Array = y.astype(np.float64, copy=False)
        return result

    def _cost(self, y: Array, p: Array) -> Array:
        """Return the value of the function."""
        raise NotImplementedError

    def _slope(self, y: Array, p: Array) -> Array:
        """Return the derivative of the function by p."""
        raise NotImplementedError


class MeanAbsolutePercentageError(_Elementwise):
    """Mean over the outputs of 100 abs(p - y) / max(abs(y), 1e-7).

    Examples
    --------
    >>> MeanAbsolutePercentageError()([[2.0], [4.0]], [[1.0], [4.0]])
    25.0
    """

    def _cost(self, y: Array, p: Array) -> Array:
        result: Array = 100.0 * np.abs((p - y) / np.maximum(np.abs(y), EPSILON))
        return result

    def _slope(self, y: Array, p: Array) -> Array:
        result: Array = 100.0 * np.sign(p - y) / np.maximum(np.abs(y), EPSILON)
        return result


class MeanSquaredLogarithmicError(_Elementwise):
    """Mean over the outputs of (log(1 + p) - log(1 + y))^2, with p and y of at least 1e-7.

    Examples
    --------
    >>> round(MeanSquaredLogarithmicError()([[0.0]], [[np.e - 1]]), 6)
    1.0
    """

    def _cost(self, y: Array, p: Array) -> Array:
        result: Array = self._difference(y, p) ** 2
        return result

    def _slope(self, y: Array, p: Array) -> Array:
        slope = 2.0 * self._difference(y, p) / (np.maximum(p, EPSILON) + 1.0)
        result: Array = slope * (p > EPSILON)
        return result

    def _difference(self, y: Array, p: Array) -> Array:
        result: Array = np.log1p(np.maximum(p, EPSILON)) - np.log1p(np.maximum(y, EPSILON))
        return result


class LogCosh(_Elementwise):
    """Mean over the outputs of log(cosh(p - y)): near e^2 / 2 for small errors e, abs(e) for large.

    Examples
    --------
    >>> round(LogCosh()([[0.0]], [[1.0]]), 6)
    0.433781
    """

    def _cost(self, y: Array, p: Array) -> Array:
        size = np.abs(p - y)
        result: Array = size + np.log1p(np.exp(-2.0 * size)) - math.log(2.0)
        return result

    def _slope(self, y: Array, p: Array) -> Array:
        result: Array = np.tanh(p - y)
        return result


class Poisson(_Elementwise):
    """Mean over the outputs of p - y log(p + 1e-7), for counts y and rates p.

    Examples
    --------
    >>> round(Poisson()([[2.0]], [[np.e]]), 6)
    0.718282
    """

    def _cost(self, y: Array, p: Array) -> Array:
        result: Array = p - y * np.log(p + EPSILON)
        return result

    def _slope(self, y: Array, p: Array) -> Array:
        result: Array = 1.0 - y / (p + EPSILON)
        return result


class Hinge(_Elementwise):
    """Mean over the outputs of max(1 - y p, 0), for targets -1 and 1, or 0 and 1.

    If all targets of a batch are 0 or 1, each 0 stands for -1.

    Examples
    --------
    >>> Hinge()([[1], [0]], [[0.5], [-2.0]])
    0.25
    """

    def _targets(self, y: Array) -> Array:
        signs = y.astype(np.float64, copy=False)
        result: Array = 2.0 * signs - 1.0 if ((signs == 0) | (signs == 1)).all() else signs
        return result

    def _cost(self, y: Array, p: Array) -> Array:
        result: Array = np.maximum(1.0 - y * p, 0.0)
        return result

    def _slope(self, y: Array, p: Array) -> Array:
        result: Array = -y * (1.0 - y * p > 0)
        return result


class SquaredHinge(Hinge):
    """Mean over the outputs of max(1 - y p, 0)^2; targets as those of `Hinge`.

    Examples
    --------
    >>> SquaredHinge()([[1], [0]], [[0.5], [-2.0]])
    0.125
    """

    def _cost(self, y: Array, p: Array) -> Array:
        result: Array = np.maximum(1.0 - y * p, 0.0) ** 2
        return result

    def _slope(self, y: Array, p: Array) -> Array:
        result: Array = -2.0 * y * np.maximum(1.0 - y * p, 0.0)
        return result
