"""Cross-entropies of probabilities and of logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from gru_c.activations import sigmoid, softmax
from gru_c.common.arrays import Array
from gru_c.common.validation import check_flag, check_real
from gru_c.losses import targets
from gru_c.losses.base import Loss, LossOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack

_EPSILON = 1e-7  # as in Keras; probabilities are clipped to [epsilon, 1 - epsilon]

ONE_OUTPUT = (
    "a model with one output knows one class; two classes go with 'binary_crossentropy' and "
    "Dense(1, activation='sigmoid'), more with Dense(classes, activation='softmax')"
)


class _Crossentropy(Loss):
    """Base of the cross-entropies.

    Parameters
    ----------
    from_logits : bool
        True if predictions are pre-activations, not probabilities.
    label_smoothing : float
        Share of each target that is spread over all classes, from 0 to 1.
    """

    _activation = "softmax"

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(**options)
        self.from_logits = check_flag("from_logits", from_logits)
        self.label_smoothing = check_smoothing(type(self).__name__, label_smoothing)

    @property
    def paired_activation(self) -> str | None:
        """``"sigmoid"`` (binary) or ``"softmax"``; None if predictions are logits."""
        return None if self.from_logits else self._activation

    def pre_activation_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative by the input of `paired_activation`."""
        if self.from_logits:
            return super().pre_activation_gradient(y_true, y_pred)
        return self._difference(y_true, y_pred)

    def _difference(self, y_true: Array, p: Array) -> Array:
        """Return the derivative by the pre-activation, given the probabilities p."""
        raise NotImplementedError

    def _call(self, name: str, y: Array, p: Array) -> Array:
        """Return the result of a method for the smoothed targets."""
        return super()._call(name, smoothed(y, p.shape[-1], self), p)

    def _check_values(self, y: Array) -> None:
        targets.check_unit_interval(self._owner, y)


class _Smoothing(Protocol):
    """The part of a loss that `smoothed` needs."""

    label_smoothing: float
    _activation: str


def smoothed(y: Array, outputs: int, loss: _Smoothing) -> Array:
    """Return targets of which the loss's share is spread over the classes, 0 and 1 if binary."""
    share = loss.label_smoothing
    if not share:
        return y
    classes = 2 if loss._activation == "sigmoid" else outputs
    spread: Array = y * (1.0 - share) + share / classes
    return spread


def check_smoothing(owner: str, share: object) -> float:
    """Return the argument `label_smoothing` as a float; ValueError unless it is from 0 to 1."""
    return check_real(f"{owner}: label_smoothing", share, "[0, 1]")


def clip_probability(p: Array) -> tuple[Array, Array]:
    """Return p clipped to [epsilon, 1 - epsilon], and where it was inside (elsewhere slope 0)."""
    q = np.clip(p, _EPSILON, 1 - _EPSILON)
    return q, q == p


class BinaryCrossentropy(_Crossentropy):
    """Mean over the outputs of -y log(p) - (1 - y) log(1 - p).

    Parameters
    ----------
    from_logits : bool
        True if predictions are x with p = sigmoid(x).
    label_smoothing : float
        With a share s, targets are y (1 - s) + s / 2; from 0 to 1.
    reduction, name
        See `Loss`.

    Examples
    --------
    >>> round(BinaryCrossentropy()([[1], [0]], [[0.5], [0.5]]), 6)
    0.693147
    """

    _activation = "sigmoid"
    _shape_hint = " (labels of several classes go with 'sparse_categorical_crossentropy')"

    def per_sample(self, y_true: Array, y_pred: Array) -> Array:
        """Return the mean cross-entropy of the outputs."""
        values: Array
        if self.from_logits:
            x = y_pred  # max(x, 0) + log1p(exp(-|x|)) is softplus(x) without overflow
            values = np.maximum(x, 0) - x * y_true + np.log1p(np.exp(-np.abs(x)))
        else:
            q, _ = clip_probability(y_pred)
            values = -(y_true * np.log(q) + (1.0 - y_true) * np.log1p(-q))
        mean: Array = values.mean(axis=-1)
        return mean

    def per_sample_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative by the predictions; 0 where a probability is clipped."""
        if self.from_logits:
            return self._difference(y_true, sigmoid(y_pred))
        q, inside = clip_probability(y_pred)
        gradient: Array = (q - y_true) / (q * (1 - q)) * inside / y_pred.shape[-1]
        return gradient

    def _difference(self, y_true: Array, p: Array) -> Array:
        difference: Array = (p - y_true) / p.shape[-1]
        return difference


def class_total(p: Array) -> Array:
    """Return the sum over the classes, or 1 where that is 0; Keras divides by it."""
    total: Array = p.sum(axis=-1, keepdims=True)
    total[total == 0] = 1.0
    return total


def _log_share(p: Array, total: Array) -> Array:
    """Return the logarithm of p / total, clipped."""
    logs: Array = np.log(clip_probability(p / total)[0])
    return logs


def _log_softmax(x: Array) -> Array:
    """Return the logarithm of the softmax over the last axis."""
    # Never below the lowest finite number, since -inf times a target of 0 would be NaN.
    shifted = np.maximum(x - x.max(axis=-1, keepdims=True), np.finfo(x.dtype).min)
    logs: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logs


class CategoricalCrossentropy(_Crossentropy):
    """Sum over the classes of -y log(p), for one-hot targets or target distributions.

    Parameters
    ----------
    from_logits : bool
        True if predictions are x with p = softmax(x).
    label_smoothing : float
        With a share s and k classes, targets are y (1 - s) + s / k; from 0 to 1.
    reduction, name
        See `Loss`.

    Examples
    --------
    >>> round(CategoricalCrossentropy()([[0, 1]], [[0.5, 0.5]]), 6)
    0.693147
    """

    _shape_hint = " (integer labels go with 'sparse_categorical_crossentropy')"

    def per_sample(self, y_true: Array, y_pred: Array) -> Array:
        """Return the cross-entropy of each sample."""
        logs = _log_softmax(y_pred) if self.from_logits else _log_share(y_pred, class_total(y_pred))
        values: Array = -(y_true * logs).sum(axis=-1)
        return values

    def per_sample_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative by the predictions, through the normalisation and the clip."""
        if self.from_logits:
            return self._difference(y_true, softmax(y_pred))
        total = class_total(y_pred)
        share = y_pred / total
        q, inside = clip_probability(share)
        dq = -(y_true / q) * inside
        gradient: Array = (dq - (dq * share).sum(axis=-1, keepdims=True)) / total
        return gradient

    def _difference(self, y_true: Array, p: Array) -> Array:
        # The sum is 1 for a distribution; with it the gradient is exact for any target.
        difference: Array = p * y_true.sum(axis=-1, keepdims=True) - y_true
        return difference


class SparseCategoricalCrossentropy(CategoricalCrossentropy):
    """`CategoricalCrossentropy` for integer labels: -log(p[label]).

    Parameters
    ----------
    from_logits : bool
        True if predictions are x with p = softmax(x).
    reduction, name
        See `Loss`.

    Examples
    --------
    >>> round(SparseCategoricalCrossentropy()([1], [[0.5, 0.5]]), 6)
    0.693147
    """

    _shape_hint = " (one-hot targets go with 'categorical_crossentropy')"

    def __init__(
        self,
        from_logits: bool = False,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(from_logits, reduction=reduction, name=name)

    def per_sample(self, y_true: Array, y_pred: Array) -> Array:
        """Return the cross-entropy of each sample."""
        at = y_true[..., None]
        if self.from_logits:
            logs = np.take_along_axis(_log_softmax(y_pred), at, axis=-1)
        else:  # one logarithm for each sample instead of each class
            logs = _log_share(np.take_along_axis(y_pred, at, axis=-1), class_total(y_pred))
        values: Array = -logs[..., 0]
        return values

    def per_sample_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative by the predictions, through the normalisation and the clip."""
        if self.from_logits:
            return self._difference(y_true, softmax(y_pred))
        one_hot = y_true[..., None] == np.arange(y_pred.shape[-1])
        return super().per_sample_gradient(one_hot.astype(np.float64), y_pred)

    def _difference(self, y_true: Array, p: Array) -> Array:
        difference: Array = p.copy()
        at = y_true[..., None]
        np.put_along_axis(difference, at, np.take_along_axis(p, at, axis=-1) - 1, axis=-1)
        return difference

    def _shapes(self, output_shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        return targets.label_shapes(output_shape)

    def _labels(self, y: Array, output_shape: tuple[int, ...]) -> Array:
        # Labels are checked on every call: a negative one would silently count from the end.
        try:
            return targets.labels(self._owner, y, output_shape[-1])
        except ValueError as error:
            if output_shape[-1] > 1:
                raise
            raise ValueError(f"{error}: {ONE_OUTPUT}") from None

    def _check_values(self, y: Array) -> None:
        """Do nothing: `_labels` checks the values of labels."""
