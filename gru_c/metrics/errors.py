"""Metrics of regression, and the means of losses."""

from __future__ import annotations

import math
from typing import ClassVar

from gru_c import losses
from gru_c.common.arrays import Array
from gru_c.metrics.base import FIXED, Metric


class MeanOfLoss(Metric):
    """Mean of a loss over the samples.

    Parameters
    ----------
    loss : str, dict or Loss
        See `losses.get`; not a function.
    name : str, optional
        See `Metric`; by default the name of the loss.

    Examples
    --------
    >>> metric = MeanOfLoss("huber")
    >>> metric.update([[0.0], [0.0]], [[1.0], [3.0]])
    >>> metric.name, metric.result()
    ('huber', 1.5)
    """

    direction = "min"

    _advice: ClassVar = {**Metric._advice, "loss": FIXED}  # the metric is named after it

    def __init__(self, loss: object, name: str | None = None) -> None:
        self.loss = losses.get(loss)
        super().__init__(self.loss.name if name is None else name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of each sample."""
        return self.loss.sample_values(y_true, y_pred)


class MeanSquaredError(Metric):
    """Mean of (p - y)^2 over samples and outputs."""

    direction = "min"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return each sample's mean over its outputs."""
        return losses.MeanSquaredError().sample_values(self._fit(y_true, y_pred), y_pred)


class RootMeanSquaredError(MeanSquaredError):
    """Root of the mean of (p - y)^2 over all samples (not the mean of the batches' roots).

    Examples
    --------
    >>> metric = RootMeanSquaredError()
    >>> metric.update([[0.0]], [[1.0]])
    >>> metric.update([[0.0]], [[7.0]])
    >>> metric.result()
    5.0
    """

    def result(self) -> float:
        """Return the root of the mean; 0.0 without samples."""
        return math.sqrt(super().result())


class MeanAbsoluteError(Metric):
    """Mean of abs(p - y) over samples and outputs."""

    direction = "min"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return each sample's mean over its outputs."""
        return losses.MeanAbsoluteError().sample_values(self._fit(y_true, y_pred), y_pred)
