"""Accuracies of classification."""

from __future__ import annotations

from typing import cast

import numpy as np

from gru_c import losses
from gru_c.common.arrays import Array
from gru_c.common.validation import check_integer, check_real
from gru_c.losses import targets
from gru_c.metrics.base import Metric


class BinaryAccuracy(Metric):
    """Share of outputs on the same side of the threshold as the target (0 or 1).

    Parameters
    ----------
    threshold : float
        Predictions above it count as 1; 0.5 for probabilities, 0 for logits.
    name : str, optional
        See `Metric`.

    Examples
    --------
    >>> metric = BinaryAccuracy()
    >>> metric.update([1, 0, 1], [[0.9], [0.2], [0.3]])
    >>> round(metric.result(), 3)
    0.667
    """

    direction = "max"

    def __init__(self, threshold: float = 0.5, name: str | None = None) -> None:
        super().__init__(name)
        self.threshold = check_real("BinaryAccuracy: threshold", threshold)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return each sample's share of right outputs."""
        right = (y_pred > self.threshold) == self._fit(y_true, y_pred)
        share: Array = right.mean(axis=-1)
        return share


class CategoricalAccuracy(Metric):
    """Share of samples with the largest output where the largest target is (one-hot targets)."""

    direction = "max"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return True for each sample that is right."""
        y = self._fit(y_true, y_pred)
        return cast(Array, y.argmax(axis=-1) == y_pred.argmax(axis=-1))


class SparseCategoricalAccuracy(Metric):
    """Share of samples with the largest output at the index that the label gives."""

    direction = "max"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return True for each sample that is right."""
        y = targets.fit_shape(self._owner, y_true, targets.label_shapes(y_pred.shape))
        return cast(Array, y == y_pred.argmax(axis=-1))


class TopKCategoricalAccuracy(Metric):
    """Share of samples whose largest target is at one of the k largest outputs.

    Outputs that are equal to the k-th largest count as among them.

    Parameters
    ----------
    k : int
        Number of outputs, at least 1.
    name : str, optional
        See `Metric`.

    Examples
    --------
    >>> metric = TopKCategoricalAccuracy(k=2)
    >>> metric.update([[0, 0, 1], [0, 1, 0]], [[0.1, 0.5, 0.4], [0.3, 0.2, 0.5]])
    >>> metric.result()
    0.5
    """

    direction = "max"

    def __init__(self, k: int = 5, name: str | None = None) -> None:
        super().__init__(name)
        self.k = check_integer(f"{type(self).__name__}: k", k, 1)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return True for each sample that is right."""
        return self._is_near_top(self._fit(y_true, y_pred).argmax(axis=-1), y_pred)

    def _is_near_top(self, labels: Array, p: Array) -> Array:
        """Return True where fewer than k outputs are larger than that of the label."""
        output = np.take_along_axis(p, labels[..., None], axis=-1)
        return cast(Array, np.count_nonzero(~(p <= output), axis=-1) < self.k)


class SparseTopKCategoricalAccuracy(TopKCategoricalAccuracy):
    """Share of samples whose label is at one of the k largest outputs.

    Parameters
    ----------
    k : int
        Number of outputs, at least 1.
    name : str, optional
        See `Metric`.
    """

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return True for each sample that is right."""
        y = targets.fit_shape(self._owner, y_true, targets.label_shapes(y_pred.shape))
        return self._is_near_top(targets.labels(self._owner, y, y_pred.shape[-1]), y_pred)


class Accuracy(Metric):
    """Share of outputs that are equal to their targets.

    It is for predictions that are labels. ``metrics=["accuracy"]`` stands for `AccuracyOfLoss`,
    which is for probabilities.

    Parameters
    ----------
    name : str, optional
        See `Metric`.

    Examples
    --------
    >>> metric = Accuracy()
    >>> metric.update([[1], [2], [3], [4]], [[0], [2], [3], [4]])
    >>> metric.result()
    0.75
    """

    direction = "max"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return each sample's share, with targets converted to the dtype of the outputs."""
        equal = self._fit(y_true, y_pred).astype(y_pred.dtype, copy=False) == y_pred
        share: Array = equal.mean(axis=-1)
        return share


class AccuracyOfLoss(Metric):
    """The accuracy that suits the loss, or else the shapes: ``metrics=["accuracy"]``.

    Binary cross-entropy gives binary accuracy, also for several outputs; categorical and sparse
    categorical cross-entropy give the accuracy of the same name. Any other loss is treated as in
    Keras: binary accuracy for one output, sparse if `y_true` has no axis of classes, else
    categorical.

    Parameters
    ----------
    loss : str, dict or Loss, optional
        The loss of the model.
    name : str, optional
        By default "accuracy".

    Examples
    --------
    >>> metric = AccuracyOfLoss("sparse_categorical_crossentropy", name="acc")
    >>> metric.update([0, 1], [[0.9, 0.1], [0.6, 0.4]])
    >>> metric.name, metric.result()
    ('acc', 0.5)
    """

    direction = "max"

    def __init__(self, loss: object = None, name: str | None = None) -> None:
        super().__init__("accuracy" if name is None else name)
        self.loss = None if loss is None else losses.get(loss)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return each sample's share of right outputs."""
        return self.accuracy_for(y_true.shape, y_pred.shape).values(y_true, y_pred)

    def accuracy_for(self, y_true: tuple[int, ...], y_pred: tuple[int, ...]) -> Metric:
        """Return the metric for targets and predictions of these shapes."""
        if isinstance(self.loss, losses.BinaryCrossentropy):
            return BinaryAccuracy(0.0 if self.loss.from_logits else 0.5, name=self.name)
        if isinstance(self.loss, losses.SparseCategoricalCrossentropy):
            return SparseCategoricalAccuracy(self.name)
        if isinstance(self.loss, losses.CategoricalCrossentropy):
            return CategoricalAccuracy(self.name)
        if y_pred[-1] == 1:
            return BinaryAccuracy(name=self.name)
        if len(y_true) < len(y_pred) or y_true[-1] == 1:
            return SparseCategoricalAccuracy(self.name)
        return CategoricalAccuracy(self.name)
