"""Warnings of losses and metrics that are allowed, and seldom meant with this model or data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from gru_c import losses, metrics
from gru_c._names import Configurable
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
_T = TypeVar("_T")


class Doubts:
    """What is doubtful about a compiled model and its data, each of which is warned of once."""

    def __init__(self) -> None:
        self._begun = False
        # Losses and metrics that look at targets, and have found nothing doubtful yet.
        self._open: list[losses.Loss | metrics.Metric] = []

    def look(self, model: Sequential, data: Data) -> None:
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
                raise ValueError(f"loss {model.loss.name!r}: {losses.ONE_OUTPUT}")
            doubt = _of_head(model.loss, model.layers, shapes)
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
        model: Sequential,
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


def _shapes(model: Sequential, data: Data) -> list[tuple[int, ...]]:
    """Return the shapes of what each layer gives for the data."""
    shape: Any = data.shape(model.fixed_time)
    shapes = []
    for layer in model.layers:
        shape = layer.compute_output_shape(shape)
        shapes.append(tuple(int(size or 0) for size in shape))
    return shapes


def computes_as(obj: Configurable, cls: type) -> bool:
    """Return whether an object is of a class, or of one derived from it that changes no method."""
    return _changes_nothing(type(obj), cls)  # type: ignore[arg-type]  # a class is hashable


@lru_cache(maxsize=512)
def _changes_nothing(derived: type, cls: type) -> bool:
    for kind in derived.__mro__:
        if kind is cls:
            return True
        changed = [name for name, value in vars(kind).items() if _is_method(name, value)]
        if any(hasattr(cls, name) for name in changed):
            return False
    return False


def _is_method(name: str, value: object) -> bool:
    """Return whether a class's attribute is one that its objects compute with."""
    if name.startswith("__") and name != "__call__":
        return False
    return hasattr(value, "__get__") and name not in ("get_config", "build")


def _of_kind(obj: Configurable, table: Mapping[type, _T]) -> _T | None:
    """Return what a table has for the class that an object computes as."""
    return next((value for cls, value in table.items() if computes_as(obj, cls)), None)


# ---- the loss and the last layer ----------------------------------------------------------------


class _Head(NamedTuple):
    """What the outputs of a model come from.

    Attributes
    ----------
    layer : Layer
        The last one that computes.
    activation : str
        What it ends with.
    before : str or None
        The activation that goes into it, where it is nothing but an activation.
    beside : Layer or None
        The layer that puts the results of several softmaxes side by side.
    """

    layer: Layer
    activation: str
    before: str | None = None
    beside: Layer | None = None


def _of_head(loss: losses.Loss, layers: list[Layer], shapes: list[tuple[int, ...]]) -> str | None:
    """Return what is doubtful about a cross-entropy of what the last layer gives."""
    categorical = losses.CategoricalCrossentropy, losses.SparseCategoricalCrossentropy
    binary = computes_as(loss, losses.BinaryCrossentropy)
    if not binary and not any(computes_as(loss, kind) for kind in categorical):
        return None
    assert isinstance(loss, (losses.BinaryCrossentropy, losses.CategoricalCrossentropy))
    head = _head(layers, shapes)
    if head is None:
        return None
    activation, label = head.activation, head.layer.label
    if binary:
        doubt = _of_binary(loss.from_logits, activation, shapes[-1][-1])
    else:
        doubt = _of_categorical(loss.from_logits, activation)
    if doubt is None:
        return None if loss.from_logits else _of_way(loss, head, binary)
    takes, advice = doubt
    if activation == "linear":
        name = next(kind for kind in type(loss).__mro__ if kind in losses.LOSSES.values())
        advice += f", or {name.__name__}(from_logits=True)"
    return f"{loss.name!r} {takes}, but layer {label!r} gives {_what_it_gives(head)}: {advice}"


def _what_it_gives(head: _Head) -> str:
    if _sums(head.layer):
        return f"the sum of two results of its activation {head.activation!r}"
    return f"what its activation {head.activation!r} does"


def _of_way(loss: losses.Loss, head: _Head, binary: bool) -> str | None:
    """Return what is doubtful about the way from the right activation to the outputs."""
    label, activation = head.layer.label, head.activation
    if binary and activation in _SIGMOIDS and _sums(head.layer):
        return (
            f"{loss.name!r} takes probabilities, but layer {label!r} gives "
            f"{_what_it_gives(head)}, which is up to 2: write merge_mode='ave'"
        )
    if not binary and activation == "softmax" and head.beside is not None:
        side = head.beside.label
        return (
            f"{loss.name!r} takes probabilities whose sum is 1, but layer {side!r} puts the "
            "results of several softmaxes side by side: write activation='linear' before it, and "
            "Activation('softmax') after it"
        )
    squashed = (*_SIGMOIDS, "softmax", *(_NEVER_NEGATIVE if binary else ()))
    if head.before in squashed:
        return (
            f"{loss.name!r} takes probabilities from 0 to 1, but layer {label!r} takes the "
            f"{activation} of what {head.before!r} gives, which leaves a part of that range: write "
            "one activation"
        )
    return None


def _head(layers: list[Layer], shapes: list[tuple[int, ...]]) -> _Head | None:
    """Return what the outputs come from; None: not known."""
    beside: Layer | None = None
    for number in reversed(range(len(layers))):
        layer = layers[number]
        if _of_kind(layer, _PASSING):
            steps = shapes[number - 1][1:-1] if number else ()
            if computes_as(layer, Flatten) and math.prod(steps) > 1:
                beside = layer
            continue
        name = _activation_of(layer)
        if name is None:
            return None
        before: str | None = None
        if computes_as(layer, Activation):
            under = _head(layers[:number], shapes)
            if name == "linear":
                return under and under._replace(beside=beside or under.beside)
            before = under and under.activation
        return _Head(layer, name, before, beside)
    return None


_PASSING = dict.fromkeys((Dropout, Flatten, RepeatVector), True)


def _activation_of(layer: Layer) -> str | None:
    """Return the activation that a layer ends with; None where that is the user's own."""
    if isinstance(layer, (Dense, Activation)):
        if not (computes_as(layer, Dense) or computes_as(layer, Activation)):
            return None
        function = layer.activation_function
        return function.name if ACTIVATIONS.get(function.name) is function else None
    if isinstance(layer, GRU) and computes_as(layer, GRU):
        return layer.activation if isinstance(layer.activation, str) else str(layer.activation[0])
    if isinstance(layer, Bidirectional) and computes_as(layer, Bidirectional):
        names = {_activation_of(direction) for direction in layer.directions}
        return names.pop() if len(names) == 1 else None
    linear = computes_as(layer, Embedding) or computes_as(layer, LayerNormalization)
    return "linear" if linear else None


def _sums(layer: Layer) -> bool:
    return isinstance(layer, Bidirectional) and layer.merge_mode == "sum"


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
    metric: metrics.Metric, model: Sequential, shapes: list[tuple[int, ...]]
) -> str | None:
    """Return what is doubtful about a metric, whatever the targets are."""
    if computes_as(metric, metrics.MeanOfLoss):
        assert isinstance(metric, metrics.MeanOfLoss)
        same = type(metric.loss) is type(model.loss)
        doubt = None if same else _of_head(metric.loss, model.layers, shapes)
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
    return metric if _of_kind(metric, _OTHERS) else None


def _of_metric(
    metric: metrics.Metric, model: Sequential, y: Array, shape: tuple[int, ...]
) -> str | None:
    """Return what is doubtful about an accuracy, of targets y and outputs of this shape."""
    kind = _kind(metric, y.shape, shape)
    rule = None if kind is None else _of_kind(kind, _OTHERS)
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
