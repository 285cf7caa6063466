"""Focal cross-entropies: samples that are classified well count less.

References
----------
Lin, Goyal, Girshick, He and Dollar, Focal loss for dense object detection, 2017, arXiv:1708.02002.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gru_c.activations import sigmoid, softmax
from gru_c.common.arrays import Array
from gru_c.common.validation import check_flag, check_real
from gru_c.losses import targets
from gru_c.losses.base import Loss, LossOptions
from gru_c.losses.crossentropy import check_smoothing, class_total, clip_probability, smoothed

if TYPE_CHECKING:
    from typing_extensions import Unpack


class _Focal(Loss):
    """Base of the focal cross-entropies."""

    _activation = "sigmoid"
    gamma: float
    from_logits: bool
    label_smoothing: float

    def _set(self, gamma: float, from_logits: bool, label_smoothing: float) -> None:
        owner = type(self).__name__
        self.gamma = check_real(f"{owner}: gamma", gamma, ">= 0")
        self.from_logits = check_flag("from_logits", from_logits)
        self.label_smoothing = check_smoothing(owner, label_smoothing)

    def _call(self, name: str, y: Array, p: Array) -> Array:
        return super()._call(name, smoothed(y, p.shape[-1], self), p)

    def _check_values(self, y: Array) -> None:
        targets.check_unit_interval(self._owner, y)

    def _power(self, base: Array) -> tuple[Array, Array]:
        """Return base^gamma and its derivative by the base, for bases that are not negative."""
        power: Array = base**self.gamma
        if self.gamma == 0:
            return power, np.zeros_like(base)
        with np.errstate(divide="ignore"):
            return power, self.gamma * base ** (self.gamma - 1)


class BinaryFocalCrossentropy(_Focal):
    """Mean over the outputs of (1 - q)^gamma times the binary cross-entropy.

    Here q = y p + (1 - y) (1 - p) is the probability of the target.

    Parameters
    ----------
    apply_class_balancing : bool
        Multiply by alpha for class 1 and by 1 - alpha for class 0.
    alpha : float
        Weight of class 1, from 0 to 1.
    gamma : float
        Exponent, at least 0.
    from_logits : bool
        True if predictions are x with p = sigmoid(x).
    label_smoothing : float
        With a share s, targets are y (1 - s) + s / 2; from 0 to 1.
    reduction, name
        See `Loss`.

    Examples
    --------
    >>> round(BinaryFocalCrossentropy()([[1]], [[0.5]]), 6)
    0.173287
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(**options)
        self._set(gamma, from_logits, label_smoothing)
        self.apply_class_balancing = check_flag("apply_class_balancing", apply_class_balancing)
        self.alpha: float = check_real("BinaryFocalCrossentropy: alpha", alpha, ">= 0")

    def per_sample(self, y_true: Array, y_pred: Array) -> Array:
        """Return the mean over the outputs."""
        p = sigmoid(y_pred) if self.from_logits else y_pred
        power, _ = self._power(_miss(y_true, p))
        values: Array = (self._weight(y_true) * power * _entropy(y_true, p)).mean(axis=-1)
        return values

    def per_sample_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative by the predictions."""
        p = sigmoid(y_pred) if self.from_logits else y_pred
        power, slope = self._power(_miss(y_true, p))
        q, inside = clip_probability(p)
        d = power * (q - y_true) / (q * (1 - q)) * inside
        d += slope * (1.0 - 2.0 * y_true) * _entropy(y_true, p)
        if self.from_logits:
            d *= p * (1 - p)
        gradient: Array = self._weight(y_true) * d / y_pred.shape[-1]
        return gradient

    def _weight(self, y: Array) -> Array | float:
        if not self.apply_class_balancing:
            return 1.0
        weight: Array = y * self.alpha + (1 - y) * (1 - self.alpha)
        return weight


def _miss(y: Array, p: Array) -> Array:
    """Return the probability of the class that the target is not."""
    miss: Array = y * (1.0 - p) + (1.0 - y) * p
    return miss


def _entropy(y: Array, p: Array) -> Array:
    """Return the binary cross-entropy of each output."""
    q, _ = clip_probability(p)
    entropy: Array = -(y * np.log(q) + (1.0 - y) * np.log1p(-q))
    return entropy


class CategoricalFocalCrossentropy(_Focal):
    """Sum over the classes of -alpha (1 - p)^gamma y log(p), for one-hot targets.

    Parameters
    ----------
    alpha : float or sequence of float
        Weight of all classes, or one for each class.
    gamma : float
        Exponent, at least 0.
    from_logits : bool
        True if predictions are x with p = softmax(x).
    label_smoothing : float
        With a share s and k classes, targets are y (1 - s) + s / k; from 0 to 1.
    reduction, name
        See `Loss`.

    Examples
    --------
    >>> round(CategoricalFocalCrossentropy()([[0, 1]], [[0.5, 0.5]]), 6)
    0.043322
    """

    _activation = "softmax"
    _shape_hint = " (integer labels are one-hot targets after np.eye(classes)[y])"

    def __init__(
        self,
        alpha: float | Sequence[float] = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(**options)
        self._set(gamma, from_logits, label_smoothing)
        label = "CategoricalFocalCrossentropy: alpha"
        self.alpha: float | tuple[float, ...]
        if isinstance(alpha, (list, tuple, np.ndarray)):
            self.alpha = tuple(check_real(label, item, ">= 0") for item in alpha)
        else:
            self.alpha = check_real(label, alpha, ">= 0")

    def per_sample(self, y_true: Array, y_pred: Array) -> Array:
        """Return the sum over the classes."""
        p = softmax(y_pred) if self.from_logits else y_pred
        q, _ = clip_probability(p / class_total(p))
        power, _ = self._power(1.0 - q)
        values: Array = -(self._class_weights(q) * power * y_true * np.log(q)).sum(axis=-1)
        return values

    def per_sample_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative by the predictions, through the normalisation and the clip."""
        p = softmax(y_pred) if self.from_logits else y_pred
        total = class_total(p)
        share = p / total
        q, inside = clip_probability(share)
        power, slope = self._power(1.0 - q)
        d = self._class_weights(q) * y_true * (slope * np.log(q) - power / q) * inside
        gradient: Array = (d - (d * share).sum(axis=-1, keepdims=True)) / total
        if self.from_logits:
            gradient = p * (gradient - (gradient * p).sum(axis=-1, keepdims=True))
        return gradient

    def _class_weights(self, q: Array) -> Array:
        weights = np.asarray(self.alpha, np.float64)
        if weights.shape not in ((), q.shape[-1:]):
            raise ValueError(
                f"{self._owner} has {weights.size} numbers alpha for {q.shape[-1]} classes"
            )
        return weights
