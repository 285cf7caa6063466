"""Losses of all outputs of a sample together: directions, distributions and class margins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.validation import check_integer
from gru_c.losses.base import Loss, LossOptions
from gru_c.losses.elementwise import EPSILON

if TYPE_CHECKING:
    from typing_extensions import Unpack


class CosineSimilarity(Loss):
    """Minus the cosine of the angle between y and p: -1 for the same direction, 1 for the opposite.

    A norm below 1e-7 counts as 1e-7.

    Parameters
    ----------
    axis : int
        The axis of the vectors, which must be the last one: -1, or its number.
    reduction, name
        See `Loss`.

    Examples
    --------
    >>> CosineSimilarity()([[0.0, 1.0]], [[0.0, 3.0]])
    -1.0
    """

    def __init__(self, axis: int = -1, **options: Unpack[LossOptions]) -> None:
        super().__init__(**options)
        self.axis = check_integer("CosineSimilarity: axis", axis, None)

    def per_sample(self, y_true: Array, y_pred: Array) -> Array:
        """Return minus the cosine of each sample."""
        return -cosine(y_true, y_pred, self.axis)

    def per_sample_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return (cos p / abs(p) - y / abs(y)) / abs(p); without its first term for a tiny p."""
        y, _ = _unit(y_true.astype(np.float64, copy=False))
        p, norm = _unit(y_pred)
        along = (y * p).sum(axis=-1, keepdims=True) * (norm > EPSILON)
        gradient: Array = (along * p - y) / norm
        return gradient


def cosine(y: Array, p: Array, axis: int = -1) -> Array:
    """Return the cosine of the angle between targets and predictions along the last axis."""
    if axis not in (-1, p.ndim - 1):
        raise ValueError(
            f"cosine similarity is taken over the last axis, {p.ndim - 1} or -1, of y_pred of "
            f"shape {p.shape}; got axis={axis}"
        )
    cosines: Array = (_unit(y.astype(np.float64, copy=False))[0] * _unit(p)[0]).sum(axis=-1)
    return cosines


def _unit(x: Array) -> tuple[Array, Array]:
    """Return vectors divided by their norms, and the norms, of at least 1e-7."""
    norm = np.maximum(np.sqrt(np.square(x).sum(axis=-1, keepdims=True)), EPSILON)
    return x / norm, norm


class KLDivergence(Loss):
    """Sum over the classes of y log(y / p), with y and p clipped to [1e-7, 1].

    Examples
    --------
    >>> round(KLDivergence()([[0.0, 1.0]], [[0.5, 0.5]]), 5)
    0.69315
    """

    def per_sample(self, y_true: Array, y_pred: Array) -> Array:
        """Return the divergence of each sample."""
        y, p = np.clip(y_true, EPSILON, 1.0), np.clip(y_pred, EPSILON, 1.0)
        values: Array = (y * np.log(y / p)).sum(axis=-1)
        return values

    def per_sample_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return -y / p, and 0 where p is clipped."""
        y, p = np.clip(y_true, EPSILON, 1.0), np.clip(y_pred, EPSILON, 1.0)
        gradient: Array = -y / p * (p == y_pred)
        return gradient


class CategoricalHinge(Loss):
    """``max(1 + largest wrong output - right output, 0)``, for one-hot targets.

    With the largest of (1 - y) p for the wrong outputs, and the sum of y p for the right one.

    Examples
    --------
    >>> CategoricalHinge()([[0, 1, 0]], [[0.25, 0.5, 0.0]])
    0.75
    """

    def per_sample(self, y_true: Array, y_pred: Array) -> Array:
        """Return the hinge of each sample."""
        right = (y_true * y_pred).sum(axis=-1)
        wrong = ((1.0 - y_true) * y_pred).max(axis=-1)
        values: Array = np.maximum(1.0 + wrong - right, 0.0)
        return values

    def per_sample_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return 1 - y at the largest wrong output, minus y; 0 for a sample without loss."""
        others = (1.0 - y_true) * y_pred
        largest = np.arange(y_pred.shape[-1]) == others.argmax(axis=-1)[..., None]
        counts = self.per_sample(y_true, y_pred)[..., None] > 0
        gradient: Array = ((1.0 - y_true) * largest - y_true) * counts
        return gradient
