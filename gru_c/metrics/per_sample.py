"""The accuracies as functions, as in Keras: one value for each sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, refuse_masked
from gru_c.losses.per_sample import per_sample
from gru_c.metrics.accuracy import (
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from gru_c.metrics.base import Metric


def binary_accuracy(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, threshold: float = 0.5) -> Any:
    """Return 1.0 for each output that is on the same side of the threshold as its target."""

    def is_right(y: Array, p: Array) -> Array:
        y = BinaryAccuracy(threshold)._fit(y, p)
        right: Array = (p > threshold) == y
        return right.astype(np.float32)

    return per_sample(is_right, y_true, y_pred)


def categorical_accuracy(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Any:
    """Return 1.0 for each sample whose largest output is where its largest target is."""
    return _values(CategoricalAccuracy(), y_true, y_pred)


def sparse_categorical_accuracy(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Any:
    """Return 1.0 for each sample whose largest output is at its label."""
    return _values(SparseCategoricalAccuracy(), y_true, y_pred)


def top_k_categorical_accuracy(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, k: int = 5) -> Any:
    """Return 1.0 for each sample whose largest target is at one of the k largest outputs."""
    return _values(TopKCategoricalAccuracy(k), y_true, y_pred)


def sparse_top_k_categorical_accuracy(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, k: int = 5
) -> Any:
    """Return 1.0 for each sample whose label is at one of the k largest outputs."""
    return _values(SparseTopKCategoricalAccuracy(k), y_true, y_pred)


def _values(metric: Metric, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Any:
    refuse_masked("y_true", y_true)
    refuse_masked("y_pred", y_pred)
    values = metric.values(np.asarray(y_true), np.asarray(y_pred))
    return values.astype(np.float32)


BY_FUNCTION = {
    function: function.__name__
    for function in (
        binary_accuracy,
        categorical_accuracy,
        sparse_categorical_accuracy,
        top_k_categorical_accuracy,
        sparse_top_k_categorical_accuracy,
    )
}
