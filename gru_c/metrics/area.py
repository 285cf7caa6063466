"""The area under a curve of two rates, over thresholds from 0 to 1.

References
----------
Davis and Goadrich, The relationship between precision-recall and ROC curves, 2006 (interpolation).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from gru_c.activations import sigmoid
from gru_c.common.arrays import Array
from gru_c.common.validation import check_choice, check_flag, check_integer, check_real
from gru_c.metrics.confusion import check_thresholds, confusion
from gru_c.metrics.sums import SumsMetric, ratio

_CURVES = ("ROC", "PR")
_SUMMATIONS = ("interpolation", "minoring", "majoring")
_EPSILON = 1e-7  # distance of the outermost thresholds from 0 and 1


class AUC(SumsMetric):
    """Area under the ROC or the precision-recall curve, from counts at thresholds.

    Parameters
    ----------
    num_thresholds : int
        Number of evenly spaced thresholds from 0 to 1, at least 2; with `thresholds` it follows
        from them.
    curve : {"ROC", "PR"}
        True against false positive rate, or precision against recall.
    summation_method : {"interpolation", "minoring", "majoring"}
        The height of the curve between two thresholds: in the middle, the lower or the higher one.
        For "PR", "interpolation" interpolates the counts, not the precision.
    name : str, optional
        See `Metric`.
    thresholds : sequence of float, optional
        Thresholds between 0 and 1 to use instead of evenly spaced ones.
    multi_label : bool
        True for the mean of the areas of all outputs; else all outputs are samples of one curve.
    num_labels : int, optional
        Number of outputs, with `multi_label`.
    label_weights : sequence of float, optional
        Weight of each output.
    from_logits : bool
        True if predictions are x with p = sigmoid(x).

    Examples
    --------
    >>> metric = AUC(num_thresholds=3)
    >>> metric.update([[0], [0], [1], [1]], [[0.0], [0.5], [0.3], [0.9]])
    >>> metric.result()
    0.75
    """

    direction = "max"
    _by_element = True
    _derived: ClassVar = {"thresholds": ("num_thresholds",)}

    def __init__(
        self,
        num_thresholds: int | None = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name)
        self.curve = check_choice("AUC: curve", curve, _CURVES)
        self.summation_method = check_choice("AUC: summation_method", summation_method, _SUMMATIONS)
        checked = check_thresholds("AUC", thresholds)
        if isinstance(checked, float):
            raise TypeError(f"AUC: thresholds must be a list of numbers, got {thresholds!r}")
        self.thresholds = None if checked is None else sorted(checked)
        if self.thresholds is not None:
            num_thresholds = len(self.thresholds) + 2
        self.num_thresholds = check_integer("AUC: num_thresholds", num_thresholds, 2)
        self.multi_label = check_flag("multi_label", multi_label)
        self.num_labels = check_integer("AUC: num_labels", num_labels, 1, optional=True)
        if self.num_labels is not None and not self.multi_label:
            raise ValueError("AUC: num_labels is for multi_label=True")
        self.label_weights = None
        if label_weights is not None:
            label = "AUC: label_weights"
            self.label_weights = [check_real(label, item, ">= 0") for item in label_weights]
        self.from_logits = check_flag("from_logits", from_logits)

    def _limits(self) -> list[float]:
        inner = self.thresholds
        if inner is None:
            last = self.num_thresholds - 1
            inner = [number / last for number in range(1, last)]
        return [-_EPSILON, *inner, 1.0 + _EPSILON]

    def sums_of(self, y: Array, p: Array, weight: Array | None) -> dict[str, Array]:
        """Return the counts of the batch at each threshold, for each label with `multi_label`."""
        if self.multi_label and p.ndim != 2:
            raise ValueError(
                f"{self._owner} with multi_label=True takes y_pred of shape (samples, labels), "
                f"got {p.shape}"
            )
        if self.num_labels not in (None, p.shape[-1]):
            raise ValueError(
                f"{self._owner} has num_labels={self.num_labels}, got y_pred of shape {p.shape}"
            )
        if self.label_weights is not None:
            if len(self.label_weights) != p.shape[-1]:
                raise ValueError(
                    f"{self._owner} has {len(self.label_weights)} label_weights, got y_pred of "
                    f"shape {p.shape}"
                )
            if not self.multi_label:
                of_labels = np.broadcast_to(np.asarray(self.label_weights), p.shape)
                weight = of_labels if weight is None else weight * of_labels
        if self.from_logits:
            p = sigmoid(p if p.dtype.char in "fd" else p.astype(np.float64))
        shape = (-1, p.shape[-1]) if self.multi_label else (-1, 1)
        flat = None if weight is None else weight.reshape(shape)
        return confusion(y.reshape(shape), p.reshape(shape), flat, self._limits())

    def result_of(self, sums: dict[str, Array]) -> Any:
        """Return the area, the mean over the labels with `multi_label`."""
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = _interpolated_pr(sums).sum(axis=0)
        else:
            areas = self._strips(sums).sum(axis=0)
        if not self.multi_label:
            return areas[0]
        if self.label_weights is None:
            return areas.mean()
        weights = np.asarray(self.label_weights)
        return ratio((areas * weights).sum(), weights.sum())

    def _strips(self, sums: dict[str, Array]) -> Array:
        """Return the area between each two neighbouring thresholds."""
        tp, fp = sums["true_positives"], sums["false_positives"]
        x = y = ratio(tp, tp + sums["false_negatives"])
        if self.curve == "ROC":
            x = ratio(fp, fp + sums["true_negatives"])
        else:
            y = ratio(tp, tp + fp)
        if self.summation_method == "interpolation":
            heights = (y[:-1] + y[1:]) / 2
        else:
            choose = np.minimum if self.summation_method == "minoring" else np.maximum
            heights = choose(y[:-1], y[1:])
        strips: Array = (x[:-1] - x[1:]) * heights
        return strips


def _interpolated_pr(sums: dict[str, Array]) -> Array:
    """Return the areas under the precision-recall curve, with interpolated counts."""
    tp = sums["true_positives"]
    positives = tp + sums["false_positives"]
    low, high = positives[1:], positives[:-1]  # counts fall as the threshold rises
    slope = ratio(tp[:-1] - tp[1:], np.maximum(high - low, 0))
    intercept = tp[1:] - slope * low
    quotient = np.where((high > 0) & (low > 0), ratio(high, np.maximum(low, 0)), 1.0)
    area = slope * (tp[:-1] - tp[1:] + intercept * np.log(quotient))
    return ratio(area, np.maximum(tp[1:] + sums["false_negatives"][1:], 0))
