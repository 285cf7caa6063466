"""Warnings of losses and metrics that are allowed, and seldom meant with this model or data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from gru_c import losses, metrics
from gru_c.data.samples import Data
from gru_c.data.sequence_list import SequenceList
from gru_c.losses.crossentropy import ONE_OUTPUT
from gru_c.training.heads import computes_as, doubt_of_head, of_kind
from gru_c.utils.arrays import Array
from gru_c.utils.warnings import warn

if TYPE_CHECKING:
    from gru_c.network.network import Network


class Doubts:
    """What is doubtful about a compiled model and its data, each of which is warned of once."""

    def __init__(self) -> None:
        self._begun = False
        # Losses and metrics that look at targets, and have found nothing doubtful yet.
        self._open: list[losses.Loss | metrics.Metric] = []

    def look(self, model: Network, data: Data) -> None:
        """Warn of what does not fit the last layer or these targets.

        Raises
        ------
        ValueError
            For a categorical cross-entropy of one output, which is the same for all weights.
        """
        if self._begun and not self._open:
            return
        data = data if data.sample is None else data.sample  # as arrays
        shapes = _shapes(model, data)
        shape = shapes[-1]
        assert model.loss is not None
        if not self._begun:
            if isinstance(model.loss, losses.CategoricalCrossentropy) and shape[-1] == 1:
                raise ValueError(f"loss {model.loss.name!r}: {ONE_OUTPUT}")
            doubt = doubt_of_head(model.loss, model.layers, shapes)
            if doubt is not None:
                warn(f"loss {doubt}")
            self._open = [model.loss, *model.metrics]
            self._begun = True
        y = _targets_that_count(data)
        shape = (len(y), *shape[2 if _by_step(data) else 1 :])
        self._open = [each for each in self._open if self._stays(each, model, y, shape, shapes)]

    @staticmethod
    def _stays(
        each: losses.Loss | metrics.Metric,
        model: Network,
        y: Array,
        shape: tuple[int, ...],
        shapes: list[tuple[int, ...]],
    ) -> bool:
        """Warn of what is doubtful about a loss or metric; whether to look at other targets."""
        if isinstance(each, losses.Loss):
            doubt = _of_classes(each, y)
            looks = computes_as(each, losses.CategoricalCrossentropy)
        else:
            doubt = _of_metric_alone(each, model, shapes) or _of_metric(each, model, y, shape)
            looks = _kind(each, y.shape, shape) is not None
        if doubt is not None:
            warn(doubt)
        return looks and doubt is None


def doubts_of(model: Network) -> Doubts:
    """Return the doubts of a model; they begin anew when it is compiled."""
    if model._doubts is None:
        model._doubts = Doubts()
    doubts: Doubts = model._doubts
    return doubts


def _shapes(model: Network, data: Data) -> list[tuple[int, ...]]:
    """Return the shapes of what each layer gives for the data."""
    shape: Any = data.shape(model.fixed_time)
    shapes = []
    for layer in model.layers:
        shape = layer.compute_output_shape(shape)
        shapes.append(tuple(int(size or 0) for size in shape))
    return shapes


# ---- the targets --------------------------------------------------------------------------------


def _targets_that_count(data: Data) -> Array:
    """Return the targets, without steps that do not count."""
    if isinstance(data.y, SequenceList):
        return data.y.steps
    y: Array = data.y
    return y[data.mask] if data.per_step and data.mask is not None else y


def _by_step(data: Data) -> bool:
    """Whether `_targets_that_count` have a row for each step, rather than for each sample."""
    return isinstance(data.y, SequenceList) or (data.per_step and data.lengths is not None)


def _of_classes(loss: losses.Loss, y: Array) -> str | None:
    """Return what is doubtful about targets that should have one class a sample."""
    if not computes_as(loss, losses.CategoricalCrossentropy):
        return None
    totals = y.sum(axis=-1)
    bad = (np.abs(totals - 1) > 0.01) & (totals != 0)  # rows of zeros stand for samples to ignore
    if not bad.any():
        return None
    return (
        f"loss {loss.name!r} takes one class for each sample, but {np.count_nonzero(bad)} rows of "
        f"y have another sum than 1, the first of which has {totals[bad][0]:g}: for several "
        "classes at once write activation='sigmoid' and loss='binary_crossentropy'"
    )


# ---- the metrics ---------------------------------------------------------------------------------


def _of_metric_alone(
    metric: metrics.Metric, model: Network, shapes: list[tuple[int, ...]]
) -> str | None:
    """Return what is doubtful about a metric, whatever the targets are."""
    if computes_as(metric, metrics.MeanOfLoss):
        assert isinstance(metric, metrics.MeanOfLoss)
        same = type(metric.loss) is type(model.loss)
        doubt = None if same else doubt_of_head(metric.loss, model.layers, shapes)
        return doubt and f"metric {doubt}"
    if computes_as(metric, metrics.Accuracy):
        return (
            f"metric {metric.name!r} is Accuracy(), which counts outputs that equal y exactly: "
            "write metrics=['accuracy'] for the share of right classes, or ['mae'] for numbers"
        )
    return None


def _kind(
    metric: metrics.Metric, y: tuple[int, ...], outputs: tuple[int, ...]
) -> metrics.Metric | None:
    """Return the accuracy of classes that a metric is, for targets and outputs of these shapes."""
    if computes_as(metric, metrics.AccuracyOfLoss):
        assert isinstance(metric, metrics.AccuracyOfLoss)
        return metric.accuracy_for(y, outputs)
    return metric if of_kind(metric, _OTHERS) else None


def _of_metric(
    metric: metrics.Metric, model: Network, y: Array, shape: tuple[int, ...]
) -> str | None:
    """Return what is doubtful about an accuracy, of targets y and outputs of this shape."""
    kind = _kind(metric, y.shape, shape)
    rule = None if kind is None else of_kind(kind, _OTHERS)
    if rule is None:
        return None
    binary = isinstance(kind, metrics.BinaryAccuracy)
    if shape[-1] == 1 and not binary:
        return (
            f"metric {metric.name!r} compares classes, and one output has one class: write "
            "metrics=['accuracy']"
        )
    wanted, others = rule
    bad = others(y, shape[-1])
    if bad.any():
        bad &= y == y  # NaN shows in the results
    if bad.any():
        return (
            f"metric {metric.name!r} counts right classes, for which y holds {wanted}, but it "
            f"holds {y[bad][0]:g}, too: {_advice_on(y, binary, model.loss)}"
        )
    logits = isinstance(model.loss, losses.BinaryCrossentropy) and model.loss.from_logits
    if logits and isinstance(kind, metrics.BinaryAccuracy) and kind.threshold == 0.5:
        return (
            f"metric {metric.name!r} takes outputs above 0.5 for class 1, as Keras's 'accuracy' "
            "does, but with from_logits=True those above 0 are: write BinaryAccuracy(threshold=0), "
            "or compile with metrics=['accuracy'], which here follows the loss"
        )
    return None


def _advice_on(y: Array, binary: bool, loss: losses.Loss | None) -> str:
    """Return what to write in place of an accuracy of targets that are no classes."""
    if binary and isinstance(loss, losses.BinaryCrossentropy):
        side = "p > 0" if loss.from_logits else "p > 0.5"
        return (
            "no output is right where y is between the two, so for soft labels write a function "
            f"that compares sides, such as lambda y, p: ((y > 0.5) == ({side})).mean()"
        )
    if binary and (np.abs(y) == 1).all():
        return (
            "no output is right where y is -1, so give it (y + 1) / 2, which holds 0 and 1, or "
            "write a function that compares signs, such as lambda y, p: ((y > 0) == (p > 0)).mean()"
        )
    return "for a regression write metrics=['mae'] or ['rmse']"


def _other_than_bits(y: Array, outputs: int) -> Array:
    """Return which targets are neither 0 nor 1."""
    bad: Array = (y != 0) & (y != 1)
    return bad


def _other_than_one_hot(y: Array, outputs: int) -> Array:
    """Return the same, unless rows are distributions, or one number means no and another yes."""
    shares = (y >= 0).all() and (np.abs(y.sum(axis=-1) - 1) < 0.01).all()
    if not y.size or shares or ((y == y.min()) | (y == y.max())).all():
        return np.zeros(y.shape, bool)
    return _other_than_bits(y, outputs)


def _other_than_labels(y: Array, outputs: int) -> Array:
    """Return which targets are no number of a class."""
    bad: Array = ~((y == np.floor(y)) & (y >= 0) & (y < outputs))
    return bad


_OTHERS: dict[type, tuple[str, Callable[[Array, int], Array]]] = {
    metrics.BinaryAccuracy: ("0 and 1", _other_than_bits),
    metrics.CategoricalAccuracy: (
        "1 for the class of a sample and 0 for others",
        _other_than_one_hot,
    ),
    metrics.SparseCategoricalAccuracy: ("numbers of classes", _other_than_labels),
}
