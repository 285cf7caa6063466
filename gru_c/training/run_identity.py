"""The facts that make two runs the same, compared when a run is resumed."""

from __future__ import annotations

import json
import reprlib
from typing import TYPE_CHECKING, Any

import numpy as np

from gru_c.callbacks import CallbackList
from gru_c.data.inputs import FitData
from gru_c.saving import files
from gru_c.training import snapshot

if TYPE_CHECKING:
    from gru_c.network.network import Network


_ABSENT = object()


def differences(one: Any, other: Any, verb: str, other_verb: str) -> str:
    """Say what differs in nested lists and dicts, three things at the most; "" for nothing."""
    found, given = _leaves(one), _leaves(other)
    texts = [
        f"{name} {verb} {_shown(_leaf(found, name))}, {other_verb} {_shown(_leaf(given, name))}"
        for name in {**found, **given}
        if not _same(_leaf(found, name), _leaf(given, name))
    ]
    more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""
    return "; ".join(texts[:3]) + more


def _leaf(leaves: dict[str, Any], name: str) -> Any:
    """Return a leaf; of ``trainable``, which older files do not have, what it was then: True."""
    return leaves.get(name, True if "trainable" in name.split(".") else _ABSENT)


def _same(one: Any, other: Any) -> bool:
    """Whether two leaves are equal, or both NaN."""
    return bool(one == other or (one != one and other != other))


def about_run(
    model: Network, data: FitData, callbacks: CallbackList, **arguments: Any
) -> dict[str, Any]:
    """Return what tells a run from another one, as JSON has it: model, shapes of data, arguments.

    Raises
    ------
    ValueError
        When a layer cannot be described in a file, or a metric's state is not known.
    """
    snapshot.check_metrics(model.metrics)
    about = about_training(model, callbacks, **arguments)
    about["layers"] = [files.plain_config(one, f"layer {one.name!r}") for one in model.layers]
    about["trainable"] = snapshot.trainable_flags(model)
    about.update(data.described())
    return _as_json(about)


def about_training(model: Network, callbacks: CallbackList, **arguments: Any) -> dict[str, Any]:
    """Return the same without layers and data."""
    optimizer = _described(model.optimizer)
    rate = optimizer["config"].get("learning_rate")
    if not isinstance(rate, dict):
        optimizer["config"]["learning_rate"] = None  # callbacks may set it
    return about_evaluation(
        model,
        optimizer=optimizer,
        learning_rate=rate if isinstance(rate, float) else None,
        callbacks=[type(one).__name__ for one in callbacks.keeping],
        **arguments,
    )


def about_evaluation(model: Network, **arguments: Any) -> dict[str, Any]:
    """Return what loss and metrics depend on beside layers and data."""
    about = {
        "dtype": model.dtype,
        "loss": _described(model.loss),
        "metrics": [_described(metric) for metric in model.metrics],
    }
    return _as_json({**about, **arguments})


def _as_json(about: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(about, default=_plain))
    return found


def _described(obj: Any) -> dict[str, Any]:
    """Return class, name and configuration; the name alone where that is a function."""
    try:
        config = obj.get_config()
    except TypeError:
        config = {}
    return {"class": type(obj).__name__, "name": getattr(obj, "name", None), "config": config}


def _plain(value: Any) -> Any:
    """Return what JSON can hold of numbers of NumPy's, or of a function."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    return getattr(value, "__qualname__", type(value).__name__)


def _shown(value: object) -> str:
    return "absent" if value is _ABSENT else reprlib.repr(value)


def _leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Return what nested lists and dicts hold, by its path: ``model.layers.0.units``."""
    if not isinstance(value, (dict, list)) or not value:
        return {path: value}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found: dict[str, Any] = {}
    for key, item in items:
        found.update(_leaves(item, f"{path}.{key}" if path else str(key)))
    return found
