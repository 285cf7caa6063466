"""Doubts about a cross-entropy of the outputs of a model's last layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, TypeVar

from gru_c import losses
from gru_c.activations import ACTIVATIONS
from gru_c.common.registry import Configurable
from gru_c.layers import (
    RNN,
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
from gru_c.layers.base.recurrent import Recurrent
from gru_c.layers.time_distributed import head_of

T = TypeVar("T")

_SIGMOIDS = ("sigmoid", "hard_sigmoid")
_NEVER_NEGATIVE = ("relu", "softplus", "exponential")
# Activations whose outputs become probabilities when the loss divides them by their sum.
_SHARES = ("softmax", "softplus", "exponential")

_Doubt = tuple[str, str] | None  # the outputs that a loss needs, and advice to the user


def computes_as(obj: Configurable, cls: type) -> bool:
    """Return True for an object of a class, or of a subclass that overrides no method."""
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
    """Return True for an attribute of a class that takes part in computations."""
    if name.startswith("__") and name != "__call__":
        return False
    return hasattr(value, "__get__") and name not in ("get_config", "build")


def entry_for(obj: Configurable, table: Mapping[type, T]) -> T | None:
    """Return a table's entry for the class as which an object computes."""
    return next((value for cls, value in table.items() if computes_as(obj, cls)), None)


# ---- the head ------------------------------------------------------------------------------------


class _Head(NamedTuple):
    """The end of a model, which determines the range of its outputs.

    Attributes
    ----------
    layer : Layer
        The last layer that computes.
    activation : str
        Its activation.
    before : str or None
        The activation whose results it takes, if it is itself only an activation.
    beside : Layer or None
        The layer that puts the results of several softmaxes side by side.
    """

    layer: Layer
    activation: str
    before: str | None = None
    beside: Layer | None = None


def doubt_about_head(
    loss: losses.Loss, layers: list[Layer], shapes: list[tuple[int, ...]]
) -> str | None:
    """Return the doubt about a cross-entropy of the last layer's outputs, if there is one."""
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
        doubt = _doubt_about_binary(loss.from_logits, activation, shapes[-1][-1])
    else:
        doubt = _doubt_about_categorical(loss.from_logits, activation)
    if doubt is None:
        return None if loss.from_logits else _doubt_about_merging(loss, head, binary)
    takes, advice = doubt
    if activation == "linear":
        name = next(kind for kind in type(loss).__mro__ if kind in losses.LOSSES.values())
        advice += f", or {name.__name__}(from_logits=True)"
    return f"{loss.name!r} {takes}, but layer {label!r} gives {_describe_outputs(head)}: {advice}"


def _describe_outputs(head: _Head) -> str:
    if _sums(head.layer):
        return f"the sum of two results of its activation {head.activation!r}"
    return f"what its activation {head.activation!r} does"


def _doubt_about_merging(loss: losses.Loss, head: _Head, binary: bool) -> str | None:
    """Return the doubt about outputs that are computed from results of the right activation."""
    label, activation = head.layer.label, head.activation
    if binary and activation in _SIGMOIDS and _sums(head.layer):
        return (
            f"{loss.name!r} takes probabilities, but layer {label!r} gives "
            f"{_describe_outputs(head)}, which is up to 2: write merge_mode='ave'"
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
    """Return the end of a model; None if it is not known."""
    beside: Layer | None = None
    for number in reversed(range(len(layers))):
        layer = layers[number]
        if entry_for(layer, _PASSING):
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
    """Return the name of a layer's last activation; None if the user defined it."""
    layer = head_of(layer)
    if isinstance(layer, (Dense, Activation)):
        if not (computes_as(layer, Dense) or computes_as(layer, Activation)):
            return None
        function = layer.activation_function
        return function.name if ACTIVATIONS.get(function.name) is function else None
    if isinstance(layer, RNN) and computes_as(layer, RNN):
        return _activation_of(layer.directions[-1])
    if isinstance(layer, Recurrent) and computes_as(layer, Recurrent):
        return layer.activation if isinstance(layer.activation, str) else str(layer.activation[0])
    if isinstance(layer, Bidirectional) and computes_as(layer, Bidirectional):
        names = {_activation_of(direction) for direction in layer.directions}
        return names.pop() if len(names) == 1 else None
    linear = computes_as(layer, Embedding) or computes_as(layer, LayerNormalization)
    return "linear" if linear else None


def _sums(layer: Layer) -> bool:
    return isinstance(layer, Bidirectional) and layer.merge_mode == "sum"


_LOGITS = "with from_logits=True takes what goes into a sigmoid or softmax"


def _doubt_about_binary(from_logits: bool, activation: str, outputs: int) -> _Doubt:
    if from_logits:
        if activation in (*_SIGMOIDS, "softmax"):
            return _LOGITS, "write activation='linear', or leave from_logits out"
        if activation in _NEVER_NEGATIVE:
            return f"{_LOGITS}, below 0 for class 0", "write activation='linear'"
        return None
    if activation in _SIGMOIDS or (activation == "softmax" and outputs == 1):
        return None  # `Dense` has warned of a softmax over one number
    if activation == "softmax":
        return (
            "takes every output for a question of its own",
            "for classes that exclude each other write loss='categorical_crossentropy', or "
            "'sparse_categorical_crossentropy' with labels; for others activation='sigmoid'",
        )
    return "takes probabilities", "write activation='sigmoid'"


def _doubt_about_categorical(from_logits: bool, activation: str) -> _Doubt:
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
