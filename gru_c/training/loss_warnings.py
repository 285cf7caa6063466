"""Warnings about doubtful uses of losses and metrics: allowed, but seldom intended."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gru_c import losses, metrics
from gru_c.common.arrays import Array
from gru_c.common.warnings import warn
from gru_c.data.samples import Data
from gru_c.data.sequence_list import SequenceList
from gru_c.losses.crossentropy import ONE_OUTPUT
from gru_c.network.network import Network
from gru_c.training.output_warnings import computes_as, doubt_about_head, entry_for


class Doubts:
    """The doubts about a compiled model and its data; each is the subject of one warning."""

    def __init__(self) -> None:
        self._head_checked = False
        # Losses and metrics that depend on the targets, and have caused no warning yet.
        self._unsettled: list[losses.Loss | metrics.Metric] = []

    def check(self, model: Network, data: Data) -> None:
        """Warn of a loss or a metric that does not fit the last layer or these targets.

        Raises
        ------
        ValueError
            For a categorical cross-entropy of one output, which does not depend on the weights.
        """
        if (self._head_checked and not self._unsettled) or isinstance(
            model.loss, losses.OutputLosses
        ):
            return
        if not model.head_layers:  # the output is that of an operation
            return
        data = data if data.sample is None else data.sample  # as arrays
        shapes = model.head_shapes(data.shape(model.fixed_time))
        shape = shapes[-1]
        assert model.loss is not None
        if not self._head_checked:
            if isinstance(model.loss, losses.CategoricalCrossentropy) and shape[-1] == 1:
                raise ValueError(f"loss {model.loss.name!r}: {ONE_OUTPUT}")
            doubt = doubt_about_head(model.loss, model.head_layers, shapes)
            if doubt is not None:
                warn(f"loss {doubt}")
            self._unsettled = [model.loss, *model.metrics]
            self._head_checked = True
        y = _counted_targets(data)
        shape = (len(y), *shape[2 if _has_row_per_step(data) else 1 :])
        self._unsettled = [
            item for item in self._unsettled if _check_targets(item, model, y, shape, shapes)
        ]


def _check_targets(
    item: losses.Loss | metrics.Metric,
    model: Network,
    y: Array,
    shape: tuple[int, ...],
    shapes: list[tuple[int, ...]],
) -> bool:
    """Warn of a doubt about a loss or metric; return True if later targets must be checked."""
    if isinstance(item, losses.Loss):
        doubt = _doubt_about_classes(item, y)
        depends_on_targets = computes_as(item, losses.CategoricalCrossentropy)
    else:
        doubt = _doubt_without_targets(item, model, shapes) or _doubt_about_accuracy(
            item, model, y, shape
        )
        depends_on_targets = _accuracy(item, y.shape, shape) is not None
    if doubt is not None:
        warn(doubt)
    return depends_on_targets and doubt is None


def doubts_of(model: Network) -> Doubts:
    """Return the doubts about a model; `compile` discards them."""
    if model._doubts is None:
        model._doubts = Doubts()
    doubts: Doubts = model._doubts
    return doubts


# ---- the targets --------------------------------------------------------------------------------


def _counted_targets(data: Data) -> Array:
    """Return the targets, without those of time steps that do not count."""
    if isinstance(data.y, SequenceList):
        return data.y.steps
    y: Array = data.y
    return y[data.mask] if data.per_step and data.mask is not None else y


def _has_row_per_step(data: Data) -> bool:
    """Return True if `_counted_targets` has a row for each time step, not for each sample."""
    return isinstance(data.y, SequenceList) or (data.per_step and data.lengths is not None)


def _doubt_about_classes(loss: losses.Loss, y: Array) -> str | None:
    """Return the doubt about targets that should have one class per sample, if there is one."""
    if not computes_as(loss, losses.CategoricalCrossentropy):
        return None
    totals = y.sum(axis=-1)
    bad = (np.abs(totals - 1) > 0.01) & (totals != 0)  # a row of zeros marks a sample to ignore
    if not bad.any():
        return None
    return (
        f"loss {loss.name!r} takes one class for each sample, but {np.count_nonzero(bad)} rows of "
        f"y have another sum than 1, the first of which has {totals[bad][0]:g}: for several "
        "classes at once write activation='sigmoid' and loss='binary_crossentropy'"
    )


# ---- the metrics ---------------------------------------------------------------------------------


def _doubt_without_targets(
    metric: metrics.Metric, model: Network, shapes: list[tuple[int, ...]]
) -> str | None:
    """Return the doubt about a metric that holds for all targets, if there is one."""
    if computes_as(metric, metrics.MeanOfLoss):
        assert isinstance(metric, metrics.MeanOfLoss)
        same = type(metric.loss) is type(model.loss)
        doubt = None if same else doubt_about_head(metric.loss, model.head_layers, shapes)
        return doubt and f"metric {doubt}"
    if computes_as(metric, metrics.Accuracy):
        return (
            f"metric {metric.name!r} is Accuracy(), which counts outputs that equal y exactly: "
            "write metrics=['accuracy'] for the share of right classes, or ['mae'] for numbers"
        )
    return None


def _accuracy(
    metric: metrics.Metric, y: tuple[int, ...], outputs: tuple[int, ...]
) -> metrics.Metric | None:
    """Return the accuracy that a metric computes, for targets and outputs of these shapes.

    None for a metric that is not an accuracy of classes.
    """
    if computes_as(metric, metrics.AccuracyOfLoss):
        assert isinstance(metric, metrics.AccuracyOfLoss)
        return metric.accuracy_for(y, outputs)
    return metric if entry_for(metric, _TARGET_RULES) else None


def _doubt_about_accuracy(
    metric: metrics.Metric, model: Network, y: Array, shape: tuple[int, ...]
) -> str | None:
    """Return the doubt about an accuracy for targets y and outputs of this shape, if any."""
    accuracy = _accuracy(metric, y.shape, shape)
    rule = None if accuracy is None else entry_for(accuracy, _TARGET_RULES)
    if rule is None:
        return None
    binary = isinstance(accuracy, metrics.BinaryAccuracy)
    if shape[-1] == 1 and not binary:
        return (
            f"metric {metric.name!r} compares classes, and one output has one class: write "
            "metrics=['accuracy']"
        )
    wanted, find_bad = rule
    bad = find_bad(y, shape[-1])
    if bad.any():
        bad &= y == y  # the results show NaN anyway
    if bad.any():
        return (
            f"metric {metric.name!r} counts right classes, for which y holds {wanted}, but it "
            f"holds {y[bad][0]:g}, too: {_advice_for(y, binary, model.loss)}"
        )
    logits = isinstance(model.loss, losses.BinaryCrossentropy) and model.loss.from_logits
    if logits and isinstance(accuracy, metrics.BinaryAccuracy) and accuracy.threshold == 0.5:
        return (
            f"metric {metric.name!r} takes outputs above 0.5 for class 1, as Keras's 'accuracy' "
            "does, but with from_logits=True those above 0 are: write BinaryAccuracy(threshold=0), "
            "or compile with metrics=['accuracy'], which here follows the loss"
        )
    return None


def _advice_for(y: Array, binary: bool, loss: losses.Loss | None) -> str:
    """Return advice for a user whose targets are not the classes that an accuracy needs."""
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
    """Return a mask of the targets that are neither 0 nor 1."""
    bad: Array = (y != 0) & (y != 1)
    return bad


def _other_than_one_hot(y: Array, outputs: int) -> Array:
    """Return the same mask; empty if rows are distributions, or y has only two values."""
    shares = (y >= 0).all() and (np.abs(y.sum(axis=-1) - 1) < 0.01).all()
    if not y.size or shares or ((y == y.min()) | (y == y.max())).all():
        return np.zeros(y.shape, bool)
    return _other_than_bits(y, outputs)


def _other_than_labels(y: Array, outputs: int) -> Array:
    """Return a mask of the targets that are not class numbers."""
    bad: Array = ~((y == np.floor(y)) & (y >= 0) & (y < outputs))
    return bad


# For each accuracy a description of the targets that it needs, and a function that finds others.
_TARGET_RULES: dict[type, tuple[str, Callable[[Array, int], Array]]] = {
    metrics.BinaryAccuracy: ("0 and 1", _other_than_bits),
    metrics.CategoricalAccuracy: (
        "1 for the class of a sample and 0 for others",
        _other_than_one_hot,
    ),
    metrics.SparseCategoricalAccuracy: ("numbers of classes", _other_than_labels),
}
