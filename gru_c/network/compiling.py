"""The arguments of `Network.compile`, in the forms in which Keras takes them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from gru_c import losses
from gru_c.common.attributes import assign
from gru_c.common.validation import check_real
from gru_c.metrics import Metric, get_all


def of_one_output(name: str, spec: Any) -> Any:
    """Return the item for the only output, from a list of one item or a dict by output name."""
    while isinstance(spec, (list, tuple)) or (isinstance(spec, Mapping) and not _is_object(spec)):
        items = list(spec.values()) if isinstance(spec, Mapping) else list(spec)
        if len(items) != 1:
            raise ValueError(f"{name}: the model has one output, got {len(items)} items, {spec!r}")
        spec = items[0]
    return spec


def _is_object(spec: Any) -> bool:
    """Return True for the dict of `serialize`."""
    return isinstance(spec, Mapping) and "class_name" in spec


def flat_specs(name: str, specs: Any) -> list[Any]:
    """Return the metrics in a list, in nested lists, or in a dict by the output's name."""
    if specs is None:
        return []
    if _is_object(specs) or not isinstance(specs, (list, tuple, Mapping)):
        raise TypeError(f"{name} must be a list such as ['mae'], got {specs!r}")
    items = list(specs.values()) if isinstance(specs, Mapping) else specs
    flat: list[Any] = []
    for item in items:
        nested = isinstance(item, (list, tuple)) or (
            isinstance(item, Mapping) and not _is_object(item)
        )
        flat += flat_specs(name, item) if nested else [] if item is None else [item]
    return flat


def weight_of_loss(loss_weights: Any) -> float:
    """Return the factor of the loss of the only output."""
    weight = of_one_output("loss_weights", loss_weights)
    return 1.0 if weight is None else check_real("loss_weights", weight)


def all_metrics(
    specs: Any, weighted_specs: Any, loss: losses.Loss | None
) -> tuple[list[Metric], list[Metric]]:
    """Return the metrics of `compile`, and those for which the weights of samples count.

    A weighted metric that would have the name of another one is called ``weighted_<name>``, as in
    Keras.

    Raises
    ------
    ValueError, TypeError
        When two metrics have the same name, or one cannot take weights.
    """
    plain = get_all(flat_specs("metrics", specs), loss)
    taken = {metric.name for metric in plain}
    weighted = []
    for metric in get_all(flat_specs("weighted_metrics", weighted_specs), loss):
        if metric in plain:
            raise ValueError(f"metric {metric.name!r} is both in metrics and in weighted_metrics")
        if metric.name in taken:
            assign(metric, name=f"weighted_{metric.name}")
        _require_weights(metric)
        weighted.append(metric)
    names = [metric.name for metric in [*plain, *weighted]]
    if len(set(names)) < len(names) or "loss" in names:
        raise ValueError(f"metrics must have different names, none of them 'loss': {names}")
    return plain, weighted


def _require_weights(metric: Metric) -> None:
    if "sample_weight" not in inspect.signature(metric.update).parameters:
        raise TypeError(
            f"metric {metric.name!r} cannot be in weighted_metrics: its method update has no "
            "argument sample_weight"
        )
