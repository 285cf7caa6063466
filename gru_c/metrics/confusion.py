"""Counts of right and wrong decisions at thresholds, and metrics computed from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_integer, check_real
from gru_c.metrics.sums import SumsMetric, ratio

_NEVER = -1e10  # Keras's output of a class that is not among the top k

Thresholds = float | Sequence[float]


def check_thresholds(owner: str, thresholds: Thresholds | None) -> float | list[float] | None:
    """Return thresholds as a float or a list of floats; ValueError unless all are in [0, 1]."""
    if thresholds is None:
        return None
    several = isinstance(thresholds, (list, tuple, np.ndarray))
    items: Any = thresholds if several else [thresholds]
    numbers = [check_real(f"{owner}: thresholds", item, ">= 0") for item in items]
    if not numbers or max(numbers) > 1:
        raise ValueError(f"{owner}: thresholds must be numbers from 0 to 1, got {thresholds!r}")
    return numbers if several else numbers[0]


def confusion(
    y: Array, p: Array, weight: Array | None, thresholds: Sequence[float]
) -> dict[str, Array]:
    """Return the weighted counts of true and false positives and negatives at each threshold.

    Parameters
    ----------
    y, p : ndarray of shape (rows, labels)
        Targets, true where they are not 0, and predictions, positive above a threshold. A NaN among
        the predictions makes the counts of its label NaN.
    weight : ndarray of shape (rows, labels) or None
        The amount by which each prediction counts; None for 1.
    thresholds : sequence of float
        Compared in float32, as in Keras.

    Returns
    -------
    dict of str to ndarray of shape (thresholds, labels)
    """
    number, labels = len(thresholds), p.shape[-1]
    amount = np.ones(p.shape) if weight is None else weight
    amount = np.where(np.isnan(p), np.nan, amount)
    limits = np.asarray(thresholds, np.float32)
    order = np.argsort(limits, kind="stable")
    passed = _thresholds_below(np.where(np.isnan(p), np.inf, p).astype(np.float32), limits[order])
    place = (passed + (number + 1) * np.arange(labels)).ravel()
    counts = {}
    for name, is_class in (("true", y != 0), ("false", y == 0)):
        amounts = np.where(is_class, amount, 0.0).ravel()
        histogram = np.bincount(place, amounts, (number + 1) * labels).reshape(labels, number + 1)
        above = histogram[:, ::-1].cumsum(axis=1)[:, ::-1]  # that pass at least so many
        positives = np.empty((number, labels))
        positives[order] = above[:, 1:].T
        counts[f"{name}_positives"] = positives
        other = "false" if name == "true" else "true"
        counts[f"{other}_negatives"] = above[:, 0] - positives
    return counts


def _thresholds_below(p: Array, limits: Array) -> Array:
    """Return the number of thresholds that each prediction exceeds; `limits` are ascending.

    Evenly spaced thresholds from 0 to 1 are not compared but divided by, as in Keras, which gives
    another result for predictions that are on a threshold up to rounding.
    """
    number = len(limits)
    even = np.arange(number, dtype=np.float32) / max(1, number - 1)
    if number < 3 or not np.allclose(limits, even, atol=1.5e-7):
        places: Array = np.searchsorted(limits, p, side="left")
        return places
    passed: Array = np.ceil(np.clip(p, 0, 1) * np.float32(number - 1)).astype(np.intp)
    if limits[0] < 0:  # no prediction is below the first threshold
        passed = np.maximum(passed, 1)
    return passed


class _AtThresholds(SumsMetric):
    """Base of the metrics with a number for each threshold."""

    thresholds: float | list[float] | None
    _by_element = True

    def _limits(self) -> list[float]:
        thresholds = self.thresholds
        if thresholds is None:
            return [0.5]
        return thresholds if isinstance(thresholds, list) else [thresholds]

    def sums_of(self, y: Array, p: Array, weight: Array | None) -> dict[str, Array]:
        """Return the counts of the batch at each threshold."""
        columns = (-1, 1)
        flat = None if weight is None else weight.reshape(columns)
        counts = confusion(y.reshape(columns), p.reshape(columns), flat, self._limits())
        return {name: count[:, 0] for name, count in counts.items()}

    def result_of(self, sums: dict[str, Array]) -> Any:
        """Return the number for the threshold, or an array with one for each."""
        result = self._at_thresholds(sums)
        return result[0] if len(result) == 1 else result

    def without_samples(self) -> Any:
        """Return 0.0, or an array with one for each threshold."""
        number = len(self._limits())
        return 0.0 if number == 1 else np.zeros(number)

    def _at_thresholds(self, sums: dict[str, Array]) -> Array:
        raise NotImplementedError

    def require_number(self, output_shape: Shape) -> None:
        """Raise ValueError for several thresholds."""
        if len(self._limits()) > 1:
            raise ValueError(
                f"{self._owner} has a result for each of its {len(self._limits())} thresholds, and "
                "a model reports one number: give it a metric for each threshold"
            )


class _Count(_AtThresholds):
    """Base of the counts.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        Predictions above a threshold are positive; 0.5 by default. From 0 to 1.
    name : str, optional
        See `Metric`.
    """

    def __init__(self, thresholds: Thresholds | None = None, name: str | None = None) -> None:
        super().__init__(name)
        self.thresholds = check_thresholds(type(self).__name__, thresholds)

    def _at_thresholds(self, sums: dict[str, Array]) -> Array:
        return sums[self._default_name()]


class TruePositives(_Count):
    """Number of positive predictions for targets that are not 0."""


class FalsePositives(_Count):
    """Number of positive predictions for targets 0."""


class TrueNegatives(_Count):
    """Number of negative predictions for targets 0."""


class FalseNegatives(_Count):
    """Number of negative predictions for targets that are not 0."""


class Precision(_AtThresholds):
    """Share of the positive predictions that are right; 0 if none is positive.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        Predictions above a threshold are positive; by default 0.5, or with `top_k` any number.
    top_k : int, optional
        Only the k largest outputs of a sample can be positive.
    class_id : int, optional
        Only this output counts.
    name : str, optional
        See `Metric`.

    Examples
    --------
    >>> metric = Precision()
    >>> metric.update([[0], [1], [1]], [[0.9], [0.8], [0.2]])
    >>> metric.result()
    0.5
    """

    direction = "max"
    _denominator = "false_positives"

    def __init__(
        self,
        thresholds: Thresholds | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        owner = type(self).__name__
        self.thresholds = check_thresholds(owner, thresholds)
        self.top_k = check_integer(f"{owner}: top_k", top_k, 1, optional=True)
        self.class_id = check_integer(f"{owner}: class_id", class_id, optional=True)

    def _limits(self) -> list[float]:
        if self.thresholds is None and self.top_k is not None:
            return [_NEVER]
        return super()._limits()

    @property
    def _by_element(self) -> bool:  # type: ignore[override]
        """False if the outputs of a sample are compared or chosen from."""
        return self.top_k is None and self.class_id is None

    def sums_of(self, y: Array, p: Array, weight: Array | None) -> dict[str, Array]:
        """Return the counts of the batch at each threshold."""
        if self.top_k is not None:
            k = min(self.top_k, p.shape[-1])
            top = np.argsort(-p, axis=-1, kind="stable")[..., :k]
            limited = np.full(p.shape, _NEVER)
            np.put_along_axis(limited, top, np.take_along_axis(p, top, axis=-1), axis=-1)
            p = limited
        if self.class_id is not None:
            if self.class_id >= p.shape[-1]:
                raise ValueError(
                    f"{self._owner} has class_id={self.class_id}, and y_pred of shape {p.shape} "
                    f"the classes 0 to {p.shape[-1] - 1}"
                )
            column = (..., slice(self.class_id, self.class_id + 1))
            y, p = y[column], p[column]
            weight = None if weight is None else weight[column]
        return super().sums_of(y, p, weight)

    def _at_thresholds(self, sums: dict[str, Array]) -> Array:
        right = sums["true_positives"]
        return ratio(right, right + sums[self._denominator])


class Recall(Precision):
    """Share of the targets that are not 0 whose predictions are positive; 0 without such targets.

    Parameters
    ----------
    thresholds, top_k, class_id, name
        See `Precision`.

    Examples
    --------
    >>> metric = Recall()
    >>> metric.update([[0], [1], [1]], [[0.9], [0.8], [0.2]])
    >>> metric.result()
    0.5
    """

    _denominator = "false_negatives"
