"""The facts that identify a run, compared when it is resumed and between processes."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from gru_c.callbacks import CallbackList
from gru_c.data.inputs import FitData
from gru_c.network.network import Network
from gru_c.saving import files
from gru_c.saving.graph_description import describe_layers
from gru_c.training import snapshot

Facts = dict[str, Any]  # values that JSON can hold

_ABSENT = object()


def differences(first: Any, second: Any, verb: str, second_verb: str) -> str:
    """Return a text about up to three differences between nested lists and dicts; "" if equal."""
    leaves, others = _leaves(first), _leaves(second)
    texts = []
    for name in {**leaves, **others}:
        value, other = _leaf(leaves, name), _leaf(others, name)
        if not _equal(value, other):
            texts.append(f"{name} {verb} {_shown(value)}, {second_verb} {_shown(other)}")
    more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""
    return "; ".join(texts[:3]) + more


def _leaf(leaves: Facts, name: str) -> Any:
    """Return a leaf of nested dicts; True for ``trainable``, which older files do not have."""
    return leaves.get(name, True if "trainable" in name.split(".") else _ABSENT)


def _equal(value: Any, other: Any) -> bool:
    """Return True if two leaves are equal, or both NaN."""
    return bool(value == other or (value != value and other != other))


def describe_run(
    model: Network, data: FitData, callbacks: CallbackList, arguments: Mapping[str, Any]
) -> Facts:
    """Return the facts that identify a run: the model, shapes of the data, arguments of `fit`.

    Raises
    ------
    ValueError
        When a layer cannot be described in a file, or the state of a metric is not known.
    """
    snapshot.check_metrics(model.metrics)
    facts = describe_training(model, callbacks, arguments)
    described = describe_layers(
        model, lambda layer: files.plain_config(layer, f"layer {layer.name!r}")
    )
    layers = described["layers"]
    facts.update(layers=layers, trainable=snapshot.trainable_flags(model), **data.describe())
    return _as_json(facts)


def describe_training(
    model: Network, callbacks: CallbackList, arguments: Mapping[str, Any]
) -> Facts:
    """Return the facts that identify a training, without layers and data."""
    optimizer = _describe_object(model.optimizer)
    optimizer["name"] = None  # no result depends on it
    rate = optimizer["config"].get("learning_rate")
    if not isinstance(rate, dict):
        optimizer["config"]["learning_rate"] = None  # callbacks may set it
    facts = {
        "optimizer": optimizer,
        "learning_rate": rate if isinstance(rate, float) else None,
        "callbacks": [type(callback).__name__ for callback in callbacks.keeping],
    }
    return describe_evaluation(model, {**facts, **arguments})


def describe_evaluation(model: Network, arguments: Mapping[str, Any]) -> Facts:
    """Return the facts on which loss and metrics depend, without layers and data."""
    facts: Facts = {
        "dtype": model.dtype,
        "loss": _describe_object(model.loss),
        "metrics": [_describe_object(metric) for metric in model.metrics],
    }
    if model.loss_weight != 1:  # older files do not have these
        facts["loss_weight"] = model.loss_weight
    if model.weighted_metrics:
        facts["weighted_metrics"] = [metric.name for metric in model.weighted_metrics]
    return _as_json({**facts, **arguments})


def with_present_names(facts: Facts) -> Facts:
    """Return the facts of an older file with the present name of a metric's class."""

    def renamed(metric: Facts) -> Facts:
        was_renamed = metric.get("class") == "Accuracy" and "loss" in metric.get("config", {})
        return {**metric, "class": "AccuracyOfLoss"} if was_renamed else metric

    return {**facts, "metrics": [renamed(metric) for metric in facts.get("metrics", [])]}


def _as_json(facts: Facts) -> Facts:
    converted: Facts = json.loads(json.dumps(facts, default=_plain))
    return converted


def _describe_object(obj: Any) -> dict[str, Any]:
    """Return class, name and configuration; an empty one for a function."""
    try:
        config = obj.get_config()
    except TypeError:
        config = {}
    return {"class": type(obj).__name__, "name": getattr(obj, "name", None), "config": config}


def _plain(value: Any) -> Any:
    """Return a NumPy number as a plain one; for a function or another object its name."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    return getattr(value, "__qualname__", type(value).__name__)


def _shown(value: object) -> str:
    return "absent" if value is _ABSENT else reprlib.repr(value)


def _leaves(value: Any, path: str = "") -> Facts:
    """Return the values in nested lists and dicts by their paths: ``model.layers.0.units``."""
    if not isinstance(value, (dict, list)) or not value:
        return {path: value}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    leaves: Facts = {}
    for key, item in items:
        leaves.update(_leaves(item, f"{path}.{key}" if path else str(key)))
    return leaves
