"""How a model is trained: what Keras's ``compile`` was given, and what it would be given."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from gru_c import losses, metrics, optimizers
from gru_c.interop.keras.config import as_keras, known, read_spec
from gru_c.model import Sequential

# AccuracyOfLoss is a name in Keras, no class; MeanOfLoss it has not.
_METRICS = {
    name: found
    for name, found in metrics.METRICS.items()
    if found not in (metrics.AccuracyOfLoss, metrics.MeanOfLoss)
}


def compile_as(model: Sequential, spec: Any) -> None:
    """Compile a model as Keras did; not at all where something of that is not known here."""
    with suppress(ValueError, TypeError):
        _compile(model, spec)


def _compile(model: Sequential, spec: Any) -> None:
    if not isinstance(spec, dict) or spec.get("loss_weights") or spec.get("weighted_metrics"):
        raise ValueError("weights of losses and of metrics are not known here")
    model.compile(
        _optimizer(spec.get("optimizer", spec.get("optimizer_config"))),
        known("loss", spec.get("loss"), losses.LOSSES),
        [_metric(one) for one in _flat(spec.get("metrics"))],
    )


def _optimizer(spec: Any) -> Any:
    if isinstance(spec, str):
        return spec
    if isinstance(spec, dict) and "module" not in spec:  # Keras 2 calls its own "Custom>Adam"
        spec = {**spec, "class_name": str(spec.get("class_name")).removeprefix("Custom>")}
    return known("optimizer", spec, optimizers.OPTIMIZERS)


def _flat(items: Any) -> list[Any]:
    """Return the list; of Keras 2's lists of an output each, the only one."""
    nested_once = isinstance(items, list) and len(items) == 1 and isinstance(items[0], list)
    return items[0] if nested_once else items or []


def _metric(spec: Any) -> Any:
    if isinstance(spec, dict) and spec.get("class_name") == "MeanMetricWrapper":  # Keras 2
        _, config = read_spec(spec)
        spec = {"class_name": config.get("fn"), "config": {"name": config.get("name")}}
    return known("metric", spec, _METRICS)


def compile_config(model: Sequential) -> dict[str, Any] | None:
    """Return what Keras's ``compile`` would be given; None where it has no such thing."""
    try:
        parts = {
            "optimizer": _as_keras("optimizers", model.optimizer, optimizers.OPTIMIZERS),
            "loss": model.loss and _as_keras("losses", model.loss, losses.LOSSES),
            "metrics": [_metric_as_keras(metric) for metric in model.metrics],
        }
        json.dumps(parts)
    except (ValueError, TypeError):
        return None
    return parts


def _as_keras(module: str, item: Any, table: Any) -> dict[str, Any]:
    if type(item) not in table.values():
        raise ValueError(f"Keras has none of {module} such as {item!r}")
    return as_keras(f"keras.{module}", type(item).__name__, item.get_config())


def _metric_as_keras(metric: metrics.Metric) -> Any:
    if type(metric) is metrics.AccuracyOfLoss and metric.name in ("accuracy", "acc"):
        return metric.name
    return _as_keras("metrics", metric, _METRICS)
