"""Conversion of the arguments of ``compile`` to Keras's configurations.

Parts that Keras lacks are left out, and a warning names them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from gru_c import losses, metrics, optimizers
from gru_c.interop.keras.config import Table, as_keras, short
from gru_c.interop.keras.training import ACCURACY, KERAS_LOSSES, KERAS_METRICS, WEIGHTED
from gru_c.models.model import Model

_CROSSENTROPIES = (
    losses.BinaryCrossentropy,
    losses.CategoricalCrossentropy,
    losses.SparseCategoricalCrossentropy,
)


def compile_config(model: Model) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the configuration of Keras's ``compile``, and the parts that Keras lacks.

    Without an optimizer the configuration is None, since Keras would use its default one.
    """
    left_out: list[str] = []
    optimizer = _written(left_out, "the optimizer", model.optimizer, _optimizer_as_keras)
    if optimizer is None:
        if model.loss is not None:
            left_out.append("loss and metrics, which Keras does not load without an optimizer")
        return None, left_out
    if isinstance(model.loss, losses.OutputLosses):
        return {"optimizer": optimizer, **_outputs_as_keras(model, left_out)}, left_out
    loss = _written(left_out, "the loss", model.loss, _loss_as_keras)
    config: dict[str, Any] = {
        "optimizer": optimizer,
        "loss": loss,
        "metrics": _written_metrics(model.plain_metrics, left_out),
    }
    if model.loss_weight != 1:
        config["loss_weights"] = model.loss_weight
    if model.weighted_metrics:
        config[WEIGHTED] = _written_metrics(model.weighted_metrics, left_out)
    return config, left_out


def _outputs_as_keras(model: Any, left_out: list[str]) -> dict[str, Any]:
    """Return the losses of several outputs and their weights; their metrics are left out."""
    names = {f"{name}_loss" for name in model.loss.names}
    metrics_of_user = [metric for metric in model.metrics if metric.name not in names]
    if metrics_of_user:
        left_out.append("the metrics of several outputs")
    written = [_written(left_out, "the loss", loss, _loss_as_keras) for loss in model.loss.losses]
    return {"loss": written, "loss_weights": list(model.loss.weights)}


def _written_metrics(items: list[metrics.Metric], left_out: list[str]) -> list[Any]:
    """Return Keras's configurations of those metrics that Keras has."""
    written = [
        _written(left_out, f"the metric {metric.name!r}", metric, _metric_as_keras)
        for metric in items
    ]
    return [item for item in written if item is not None]


def _written(
    left_out: list[str], part: str, item: Any, write: Callable[[Any], Any]
) -> dict[str, Any] | str | None:
    """Return Keras's configuration of a part; None if Keras lacks it, and the part is left out."""
    if item is None:
        return None
    try:
        config: dict[str, Any] | str = write(item)
        json.dumps(config)
    except (ValueError, TypeError):
        left_out.append(f"{part} {short(item)}")
        return None
    return config


def _as_keras(module: str, item: Any, table: Table) -> dict[str, Any]:
    if type(item) not in table.values():
        raise ValueError(f"Keras has nothing in its {module} like {item!r}")
    return as_keras(f"keras.{module}", type(item).__name__, item.get_config())


def _optimizer_as_keras(optimizer: optimizers.Optimizer) -> dict[str, Any]:
    return _as_keras("optimizers", optimizer, optimizers.OPTIMIZERS)


def _loss_as_keras(loss: losses.Loss) -> dict[str, Any]:
    return _as_keras("losses", loss, KERAS_LOSSES)


def _metric_as_keras(metric: metrics.Metric) -> dict[str, Any] | str:
    """Return a metric's configuration; that of an accuracy depends on the loss, as in Keras."""
    if type(metric) is metrics.MeanOfLoss and type(metric.loss) in _CROSSENTROPIES:
        config = _as_keras("metrics", metric.loss, KERAS_LOSSES)
        return {**config, "config": {**config["config"], "name": metric.name}}
    if type(metric) is metrics.AccuracyOfLoss:
        loss, name = metric.loss, metric.name
        if isinstance(loss, losses.BinaryCrossentropy):
            metric = metrics.BinaryAccuracy(0.0 if loss.from_logits else 0.5, name)
        elif isinstance(loss, losses.SparseCategoricalCrossentropy):
            metric = metrics.SparseCategoricalAccuracy(name)
        elif isinstance(loss, losses.CategoricalCrossentropy):
            metric = metrics.CategoricalAccuracy(name)
        elif name.lower() in ACCURACY:
            return name
    return _as_keras("metrics", metric, KERAS_METRICS)
