"""Warnings of losses and metrics that are allowed, and seldom meant with this model or data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from gru_c import losses, metrics
from gru_c._warnings import warn
from gru_c.activations import ACTIVATIONS
from gru_c.arrays import Array
from gru_c.data import Data
from gru_c.layers import (
    GRU,
    Activation,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    LayerNormalization,
    RepeatVector,
)
from gru_c.sequences import SequenceList

if TYPE_CHECKING:
    from gru_c.model import Sequential

_SIGMOIDS = ("sigmoid", "hard_sigmoid")
_NEVER_NEGATIVE = ("relu", "softplus", "exponential")
# The loss divides by the sum, which makes probabilities of these.
_SHARES = ("softmax", "softplus", "exponential")

_Doubt = tuple[str, str] | None  # what a loss takes, and what to write


def warn_of_doubts(model: Sequential, data: Data) -> None:
    """Warn of what in a compiled model does not fit its last layer or the targets.

    Raises
    ------
    ValueError
        For a categorical cross-entropy of one output, which is the same for all weights.
    """
    data = data if data.sample is None else data.sample  # as arrays
    sizes = model.compute_output_shape(data.shape(model.fixed_time))
    shape = tuple(int(size or 0) for size in sizes)
    if isinstance(model.loss, losses.CategoricalCrossentropy) and shape[-1] == 1:
        raise ValueError(f"loss {model.loss.name!r}: {losses.ONE_OUTPUT}")
    y = _targets_that_count(data)
    shape = (len(y), *shape[2 if _by_step(data) else 1 :])
    assert model.loss is not None
    head = _of_head(model.loss, model.layers, shape[-1])
    of_metrics = [_of_metric(metric, model, y, shape) for metric in model.metrics]
    for doubt in (head and f"loss {head}", _of_classes(model, y), *of_metrics):
        if doubt is not None:
            warn(doubt)


# ---- the loss and the last layer ----------------------------------------------------------------


def _of_head(loss: losses.Loss, layers: list[Layer], outputs: int) -> str | None:
    """Return what is doubtful about a cross-entropy of what the last layer gives."""
    head = _head(layers)
    if head is None:
        return None
    layer, activation = head
    doubt: _Doubt = None
    if type(loss) is losses.BinaryCrossentropy:
        doubt = _of_binary(loss.from_logits, activation, outputs)
    elif type(loss) in (losses.CategoricalCrossentropy, losses.SparseCategoricalCrossentropy):
        assert isinstance(loss, losses.CategoricalCrossentropy)
        doubt = _of_categorical(loss.from_logits, activation)
    if doubt is None:
        return None
    takes, advice = doubt
    if activation == "linear":
        advice += f", or {type(loss).__name__}(from_logits=True)"
    return (
        f"{loss.name!r} {takes}, but layer {layer.label!r} gives what its activation "
        f"{activation!r} does: {advice}"
    )


def _head(layers: list[Layer]) -> tuple[Layer, str] | None:
    """Return the layer that the outputs come from, and its activation; None: not known."""
    for layer in reversed(layers):
        if type(layer) in (Dropout, Flatten, RepeatVector):
            continue
        name = _activation_of(layer)
        if type(layer) is Activation and name == "linear":
            continue
        return None if name is None else (layer, name)
    return None


def _activation_of(layer: Layer) -> str | None:
    """Return the activation that a layer ends with; None where that is the user's own."""
    if type(layer) is Dense or type(layer) is Activation:
        function = layer.activation_function
        return function.name if ACTIVATIONS.get(function.name) is function else None
    if type(layer) is GRU:
        return layer.activation if isinstance(layer.activation, str) else str(layer.activation[0])
    if type(layer) is Bidirectional and layer.merge_mode in ("concat", "ave", "mul"):
        names = {_activation_of(direction) for direction in layer.directions}
        return names.pop() if len(names) == 1 else None
    return "linear" if type(layer) in (Embedding, LayerNormalization) else None


_LOGITS = "with from_logits=True takes what goes into a sigmoid or softmax"


def _of_binary(from_logits: bool, activation: str, outputs: int) -> _Doubt:
    if from_logits:
        if activation in (*_SIGMOIDS, "softmax"):
            return _LOGITS, "write activation='linear', or leave from_logits out"
        if activation in _NEVER_NEGATIVE:
            return f"{_LOGITS}, below 0 for class 0", "write activation='linear'"
        return None
    if activation in _SIGMOIDS or (activation == "softmax" and outputs == 1):
        return None  # of a softmax over one number there is a warning already
    if activation == "softmax":
        return (
            "takes every output for a question of its own",
            "for classes that exclude each other write loss='categorical_crossentropy', or "
            "'sparse_categorical_crossentropy' with labels; for others activation='sigmoid'",
        )
    return "takes probabilities", "write activation='sigmoid'"


def _of_categorical(from_logits: bool, activation: str) -> _Doubt:
    if from_logits:
        doubtful = activation in (*_SIGMOIDS, "softmax")
        return (
            (_LOGITS, "write activation='linear', or leave from_logits out") if doubtful else None
        )
    if activation in _SHARES:
        return None
    advice = "write activation='softmax'"
    if activation in _SIGMOIDS:
        advice += ", or loss='binary_crossentropy' for classes that do not exclude each other"
    return "takes probabilities whose sum is 1", advice


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


def _of_classes(model: Sequential, y: Array) -> str | None:
    """Return what is doubtful about targets that should have one class a sample."""
    loss = model.loss
    if type(loss) is not losses.CategoricalCrossentropy:
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


def _of_metric(
    metric: metrics.Metric, model: Sequential, y: Array, shape: tuple[int, ...]
) -> str | None:
    """Return what is doubtful about a metric, of targets y and outputs of this shape."""
    if type(metric) is metrics.MeanOfLoss and type(metric.loss) is not type(model.loss):
        doubt = _of_head(metric.loss, model.layers, shape[-1])
        return doubt and f"metric {doubt}"
    if type(metric) is metrics.Accuracy:
        return (
            f"metric {metric.name!r} is Accuracy(), which counts outputs that equal y exactly: "
            "write metrics=['accuracy'] for the share of right classes, or ['mae'] for numbers"
        )
    kind: metrics.Metric = metric
    if isinstance(metric, metrics.AccuracyOfLoss):
        kind = metric.accuracy_for(y.shape, shape)
    if type(kind) not in _OTHERS:
        return None
    if shape[-1] == 1 and type(kind) is not metrics.BinaryAccuracy:
        return (
            f"metric {metric.name!r} compares classes, and one output has one class: write "
            "metrics=['accuracy']"
        )
    wanted, others = _OTHERS[type(kind)]
    bad = others(y, shape[-1])
    if bad.any():
        return (
            f"metric {metric.name!r} counts right classes, for which y holds {wanted}, but it "
            f"holds {y[bad][0]:g}, too: for a regression write metrics=['mae'] or ['rmse']"
        )
    logits = isinstance(model.loss, losses.BinaryCrossentropy) and model.loss.from_logits
    if logits and isinstance(kind, metrics.BinaryAccuracy) and kind.threshold == 0.5:
        return (
            f"metric {metric.name!r} takes outputs above 0.5 for class 1, from_logits=True those "
            "above 0: write metrics=['accuracy'], or BinaryAccuracy(threshold=0)"
        )
    return None


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
