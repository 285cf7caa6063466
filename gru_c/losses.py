"""Losses with Keras's names and semantics, each with its gradient.

A loss has one value a sample, the mean (categorical: the sum) over the last axis of the output.
With more than one time step in the output, "sample" means a step of a sample here. The loss is::

    sum of weight * value / number of values,

Keras's reduction ``sum_over_batch_size``: the divisor is the count, not the sum of the weights.
With a mask, steps that do not count are no samples: they enter neither the sum nor the count.
Everything is computed in float64 and the gradient rounded to the dtype of the predictions.

References
----------
- Bishop, Pattern Recognition and Machine Learning, 2006, 4.3 (why the gradient before a sigmoid or
  softmax is p - y).
- Huber, Robust estimation of a location parameter, 1964.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c import _targets
from gru_c._function_loss import FunctionLoss
from gru_c._loss import Loss
from gru_c._names import described, deserialize, library_of, serialize, snake_case
from gru_c._numbers import check_flag
from gru_c._quantile_loss import QuantileLoss
from gru_c.activations import sigmoid, softmax

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "FunctionLoss",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "QuantileLoss",
    "SparseCategoricalCrossentropy",
    "get",
    "serialize",
]

Array = npt.NDArray[Any]

_EPSILON = 1e-7  # Keras's: probabilities are held in [epsilon, 1 - epsilon]

ONE_OUTPUT = (
    "a model with one output knows one class; two classes go with 'binary_crossentropy' and "
    "Dense(1, activation='sigmoid'), more with Dense(classes, activation='softmax')"
)


class _Regression(Loss):
    """Mean over the outputs of a function of the error e = p - y."""

    def per_sample(self, y_true: Array, y_pred: Array) -> Array:
        """Return the mean over the outputs."""
        values: Array = self._cost(y_pred - y_true).mean(axis=-1)
        return values

    def per_sample_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the slope of each output over the number of outputs."""
        gradient: Array = self._slope(y_pred - y_true) / y_pred.shape[-1]
        return gradient

    def _cost(self, e: Array) -> Array:
        raise NotImplementedError

    def _slope(self, e: Array) -> Array:
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

    Examples
    --------
    >>> Huber()([[0.0], [0.0]], [[1.0], [3.0]])
    1.5
    """

    def __init__(self, delta: float = 1.0) -> None:
        if not (math.isfinite(delta) and delta > 0):
            raise ValueError(f"Huber: delta must be a finite number > 0, got {delta!r}")
        self.delta = float(delta)

    def _cost(self, e: Array) -> Array:
        size = np.abs(e)
        small = np.minimum(size, self.delta)
        # e^2 / 2 below delta, where small is the size, and delta (size - delta / 2) above.
        cost: Array = small * (size - 0.5 * small)
        return cost

    def _slope(self, e: Array) -> Array:
        return np.clip(e, -self.delta, self.delta)


class _Crossentropy(Loss):
    """What the cross-entropies share.

    Parameters
    ----------
    from_logits : bool
        The predictions are pre-activations, not probabilities.
    """

    _activation = "softmax"

    def __init__(self, from_logits: bool = False) -> None:
        self.from_logits = check_flag("from_logits", from_logits)

    @property
    def paired_activation(self) -> str | None:
        """``"sigmoid"`` (binary) or ``"softmax"``; None if predictions are logits already."""
        return None if self.from_logits else self._activation

    def pre_activation_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative by what went into `paired_activation`."""
        if self.from_logits:
            return super().pre_activation_gradient(y_true, y_pred)
        return self._difference(y_true, y_pred)

    def _difference(self, y_true: Array, p: Array) -> Array:
        """Return the derivative by the pre-activation, given the probabilities p."""
        raise NotImplementedError

    def _check_values(self, y: Array) -> None:
        _targets.check_unit_interval(self._owner, y)


def _clip(p: Array) -> tuple[Array, Array]:
    """Return p held in [epsilon, 1 - epsilon], and where it was inside (elsewhere slope 0)."""
    q = np.clip(p, _EPSILON, 1 - _EPSILON)
    return q, q == p


class BinaryCrossentropy(_Crossentropy):
    """Mean over the outputs of -y log(p) - (1 - y) log(1 - p).

    Parameters
    ----------
    from_logits : bool
        Predictions are x with p = sigmoid(x).

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
            q, _ = _clip(y_pred)
            values = -(y_true * np.log(q) + (1.0 - y_true) * np.log1p(-q))
        mean: Array = values.mean(axis=-1)
        return mean

    def per_sample_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative by the predictions; 0 where a probability is clipped."""
        if self.from_logits:
            return self._difference(y_true, sigmoid(y_pred))
        q, inside = _clip(y_pred)
        gradient: Array = (q - y_true) / (q * (1 - q)) * inside / y_pred.shape[-1]
        return gradient

    def _difference(self, y_true: Array, p: Array) -> Array:
        difference: Array = (p - y_true) / p.shape[-1]
        return difference


def _total(p: Array) -> Array:
    """Sum over the classes, by which Keras divides before the logarithm; 1 where it is 0."""
    total: Array = p.sum(axis=-1, keepdims=True)
    total[total == 0] = 1.0
    return total


def _log_share(p: Array, total: Array) -> Array:
    logs: Array = np.log(_clip(p / total)[0])
    return logs


def _log_softmax(x: Array) -> Array:
    # Held at the lowest finite number, since -inf times a target of 0 would be NaN.
    shifted = np.maximum(x - x.max(axis=-1, keepdims=True), np.finfo(x.dtype).min)
    logs: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logs


class CategoricalCrossentropy(_Crossentropy):
    """Sum over the classes of -y log(p), for one-hot targets or target distributions.

    Parameters
    ----------
    from_logits : bool
        Predictions are x with p = softmax(x).

    Examples
    --------
    >>> round(CategoricalCrossentropy()([[0, 1]], [[0.5, 0.5]]), 6)
    0.693147
    """

    _shape_hint = " (integer labels go with 'sparse_categorical_crossentropy')"

    def per_sample(self, y_true: Array, y_pred: Array) -> Array:
        """Return the cross-entropy of each sample."""
        logs = _log_softmax(y_pred) if self.from_logits else _log_share(y_pred, _total(y_pred))
        values: Array = -(y_true * logs).sum(axis=-1)
        return values

    def per_sample_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative by the predictions, through the normalisation and the clip."""
        if self.from_logits:
            return self._difference(y_true, softmax(y_pred))
        total = _total(y_pred)
        share = y_pred / total
        q, inside = _clip(share)
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
        Predictions are x with p = softmax(x).

    Examples
    --------
    >>> round(SparseCategoricalCrossentropy()([1], [[0.5, 0.5]]), 6)
    0.693147
    """

    _shape_hint = " (one-hot targets go with 'categorical_crossentropy')"

    def per_sample(self, y_true: Array, y_pred: Array) -> Array:
        """Return the cross-entropy of each sample."""
        at = y_true[..., None]
        if self.from_logits:
            logs = np.take_along_axis(_log_softmax(y_pred), at, axis=-1)
        else:  # one logarithm a sample, not one a class
            logs = _log_share(np.take_along_axis(y_pred, at, axis=-1), _total(y_pred))
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
        return _targets.label_shapes(output_shape)

    def _labels(self, y: Array, output_shape: tuple[int, ...]) -> Array:
        # Labels are checked on every call: a negative one would silently count from the end.
        try:
            return _targets.labels(self._owner, y, output_shape[-1])
        except ValueError as error:
            if output_shape[-1] > 1:
                raise
            raise ValueError(f"{error}: {ONE_OUTPUT}") from None

    def _check_values(self, y: Array) -> None:
        """`_labels` has checked them."""


_CLASSES: tuple[type[Loss], ...] = (
    MeanSquaredError,
    MeanAbsoluteError,
    Huber,
    QuantileLoss,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
LOSSES: dict[str, type[Loss]] = {
    **{snake_case(c.__name__): c for c in _CLASSES},
    "mse": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "bce": BinaryCrossentropy,
    "quantile": QuantileLoss,
}


def get(spec: object) -> Loss:
    """Find or make a loss.

    Parameters
    ----------
    spec : str, dict, Loss or callable
        A name such as ``"mse"``, ``"mean_squared_error"`` or ``"MeanSquaredError"``, the dict of
        `serialize`, an instance, or a function ``f(y_true, y_pred) -> (value, gradient)``, which
        becomes a `FunctionLoss`.

    Raises
    ------
    ValueError
        If there is no such name.
    TypeError
        If `spec` is something else, such as a loss of Keras or PyTorch.

    Examples
    --------
    >>> get("mse").name, get({"class_name": "Huber", "config": {"delta": 2.0}})
    ('mse', Huber(delta=2.0))
    """
    if callable(spec) and not isinstance(spec, (type, Loss)):
        if library_of(spec):
            raise TypeError(
                "a loss of another library has no gradient here, unlike those of gru_c.losses, got "
                f"{described(spec, LOSSES)}"
            )
        return FunctionLoss(spec)
    loss = deserialize("loss", spec, LOSSES, Loss)
    if isinstance(spec, str):
        loss._asked_name = spec
    return loss
