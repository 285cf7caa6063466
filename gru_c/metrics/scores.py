"""Scores: F-beta, F1 and the coefficient of determination."""

from __future__ import annotations

from typing import Any

import numpy as np

from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_integer, check_real
from gru_c.common.warnings import warn
from gru_c.metrics.sums import SumsMetric

_EPSILON = 1e-7


class _Score(SumsMetric):
    """Base of the scores, which have a number for each output."""

    direction = "max"

    def _require_rows(self, p: Array) -> None:
        if p.ndim != 2:
            raise ValueError(
                f"{self._owner} takes y_pred of shape (samples, outputs), got {p.shape}"
            )


class FBetaScore(_Score):
    """The weighted harmonic mean of precision and recall, for one-hot or binary targets.

    ``(1 + beta^2) precision recall / (beta^2 precision + recall)``.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}
        None for a score of each output; the score of all outputs together, the mean of the scores,
        or their mean weighted with the numbers of targets.
    beta : float
        Weight of recall against precision, above 0.
    threshold : float, optional
        Predictions above it are positive; by default the largest output of each sample is.
    name : str, optional
        See `Metric`.

    Examples
    --------
    >>> metric = FBetaScore(average="macro", beta=2.0)
    >>> metric.update([[1, 0], [0, 1]], [[0.6, 0.4], [0.7, 0.3]])
    >>> round(metric.result(), 4)
    0.4167
    """

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        owner = type(self).__name__
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(
                f"{owner}: average must be None, 'micro', 'macro' or 'weighted', got {average!r}"
            )
        self.average = average
        self.beta = check_real(f"{owner}: beta", beta, "> 0")
        self.threshold = check_real(f"{owner}: threshold", threshold, "> 0", optional=True)
        if self.threshold is not None and self.threshold > 1:
            raise ValueError(f"{owner}: threshold must be above 0, at most 1, got {threshold!r}")

    @classmethod
    def _default_name(cls) -> str:
        return "fbeta_score" if cls is FBetaScore else super()._default_name()

    def sums_of(self, y: Array, p: Array, weight: Array | None) -> dict[str, Array]:
        """Return the numbers of true positives, false positives and false negatives."""
        self._require_rows(p)
        if self.threshold is None:
            positive = (p >= p.max(axis=-1, keepdims=True)) & (np.abs(p) > 1e-9)
        else:
            positive = p > self.threshold
        amount = np.where(np.isnan(p), np.nan, 1.0 if weight is None else weight)
        axis = None if self.average == "micro" else 0
        return {
            "true_positives": np.asarray((positive * y * amount).sum(axis)),
            "false_positives": np.asarray((positive * (1.0 - y) * amount).sum(axis)),
            "false_negatives": np.asarray((~positive * y * amount).sum(axis)),
        }

    def result_of(self, sums: dict[str, Array]) -> Any:
        """Return the score, an array with one for each output without `average`."""
        right = sums["true_positives"]
        precision = right / (right + sums["false_positives"] + _EPSILON)
        recall = right / (right + sums["false_negatives"] + _EPSILON)
        square = self.beta**2
        scores = precision * recall / (square * precision + recall + _EPSILON) * (1 + square)
        if self.average == "weighted":
            targets = right + sums["false_negatives"]
            return (scores * (targets / (targets.sum() + _EPSILON))).sum()
        return scores if self.average is None else scores.mean()

    def require_number(self, output_shape: Shape) -> None:
        """Raise ValueError for a score of each of several outputs."""
        if self.average is None and output_shape[-1] != 1:
            raise ValueError(
                f"{self._owner} has a result for each of {output_shape[-1]} outputs, and a model "
                "reports one number: give average='macro', 'micro' or 'weighted'"
            )


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall, for one-hot or binary targets.

    Parameters
    ----------
    average, threshold, name
        See `FBetaScore`.

    Examples
    --------
    >>> metric = F1Score(threshold=0.5)
    >>> metric.update([[1], [0], [1]], [[0.6], [0.7], [0.1]])
    >>> metric.result().round(4)
    array([0.5])
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name)


class R2Score(_Score):
    """The coefficient of determination: 1 - (sum of squared errors) / (sum of squares around mean).

    Parameters
    ----------
    class_aggregation : {"uniform_average", "variance_weighted_average", None}
        The mean over the outputs, their mean weighted with the variances of the targets, or None
        for a score of each output.
    num_regressors : int
        Number of independent variables for the adjusted score; 0 for the score itself.
    name : str, optional
        See `Metric`.

    Examples
    --------
    >>> metric = R2Score()
    >>> metric.update([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])
    >>> round(metric.result(), 5)
    0.57143
    """

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        known = ("uniform_average", "variance_weighted_average", None)
        if class_aggregation not in known:
            raise ValueError(
                f"R2Score: class_aggregation must be one of {', '.join(map(repr, known))}, got "
                f"{class_aggregation!r}"
            )
        self.class_aggregation = class_aggregation
        self.num_regressors = check_integer("R2Score: num_regressors", num_regressors)

    def sums_of(self, y: Array, p: Array, weight: Array | None) -> dict[str, Array]:
        """Return the weighted sums of targets, their squares and the squared errors."""
        self._require_rows(p)
        y = y.astype(np.float64)
        amount = np.ones(p.shape) if weight is None else weight
        return {
            "targets": (y * amount).sum(axis=0),
            "squares": (y * y * amount).sum(axis=0),
            "errors": ((y - p) ** 2 * amount).sum(axis=0),
            "count": amount.sum(axis=0),
            "samples": np.asarray(float(y.size)),
        }

    def without_samples(self) -> float:
        """Return NaN: without targets there is nothing around their mean."""
        return float("nan")

    def result_of(self, sums: dict[str, Array]) -> Any:
        """Return the score, an array with one for each output without `class_aggregation`."""
        with np.errstate(divide="ignore", invalid="ignore"):
            total = sums["squares"] - sums["targets"] * (sums["targets"] / sums["count"])
            scores = 1.0 - sums["errors"] / total
            scores = np.where(np.isinf(scores), 0.0, scores)
            if self.class_aggregation == "uniform_average":
                scores = scores.mean()
            elif self.class_aggregation == "variance_weighted_average":
                scores = (total * scores).sum() / total.sum()
        freedom = float(sums["samples"]) - 1 - self.num_regressors
        if not self.num_regressors:
            return scores
        if freedom <= 0:
            warn(
                f"{self._owner}: {self.num_regressors} regressors need more than "
                f"{self.num_regressors + 1} numbers for an adjusted score; it is not adjusted"
            )
            return scores
        return 1.0 - (1.0 - scores) * (float(sums["samples"]) - 1) / freedom

    def require_number(self, output_shape: Shape) -> None:
        """Raise ValueError for a score of each of several outputs."""
        if self.class_aggregation is None and output_shape[-1] != 1:
            raise ValueError(
                f"{self._owner} has a result for each of {output_shape[-1]} outputs, and a model "
                "reports one number: give class_aggregation='uniform_average'"
            )
