"""Metrics with Keras's names, summed in float64 over the batches of an epoch.

A metric has `reset`, `update` for a batch, and `result` for all batches since the reset. Sample
weights do not count, as with Keras's ``metrics=``.
"""

from __future__ import annotations

from collections.abc import Mapping

from gru_c import losses
from gru_c.common.missing_names import explain_missing
from gru_c.common.registry import Registry, described, lookup, serialize, snake_case
from gru_c.metrics.accuracy import (
    Accuracy,
    AccuracyOfLoss,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
)
from gru_c.metrics.base import Metric
from gru_c.metrics.base import merged_states as merged_states
from gru_c.metrics.base import reset_all as reset_all
from gru_c.metrics.errors import (
    MeanAbsoluteError,
    MeanOfLoss,
    MeanSquaredError,
    RootMeanSquaredError,
)
from gru_c.metrics.function import FunctionMetric

__all__ = [
    "Accuracy",
    "AccuracyOfLoss",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "FunctionMetric",
    "MeanAbsoluteError",
    "MeanOfLoss",
    "MeanSquaredError",
    "Metric",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "get",
    "serialize",
]

_CLASSES: tuple[type[Metric], ...] = (
    MeanAbsoluteError,
    MeanSquaredError,
    RootMeanSquaredError,
    Accuracy,
    AccuracyOfLoss,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    MeanOfLoss,
)
METRICS: dict[str, type[Metric]] = {
    **{snake_case(c.__name__): c for c in _CLASSES},
    "mae": MeanAbsoluteError,
    "mse": MeanSquaredError,
    "rmse": RootMeanSquaredError,
    "acc": Accuracy,  # as names, "acc" and "accuracy" stand for AccuracyOfLoss
}
_REGISTRY = Registry("metric", METRICS, Metric)


def get(spec: object, loss: losses.Loss | None = None) -> Metric:
    """Return the metric that a name, a dict or a function stands for.

    Parameters
    ----------
    spec : str, dict, Metric or callable
        The name of a metric or of a loss, the dict of `serialize`, an instance, or a function
        ``f(y_true, y_pred)``; see `FunctionMetric`. The metric's `name` is the name as it is
        written here.
    loss : Loss, optional
        The loss of the model: it decides what ``"accuracy"`` means, and a metric named after the
        same kind of loss takes its settings (`from_logits`, `delta`).

    Raises
    ------
    ValueError, TypeError
        If the name is unknown, or `spec` is something else, such as a metric object of Keras.

    Examples
    --------
    >>> get("acc").name, get("RMSE").name
    ('acc', 'RMSE')
    """
    if isinstance(spec, str):
        return _named(spec, loss)
    if callable(spec) and not isinstance(spec, (type, Metric)):
        if hasattr(spec, "update_state"):
            raise TypeError(
                "a metric with update_state, as in Keras, keeps numbers of its own from batch to "
                f"batch and cannot be averaged over them, got {described(spec, METRICS)}"
            )
        return FunctionMetric(spec)
    return _REGISTRY.get(_with_present_name(spec))


def _with_present_name(spec: object) -> object:
    """Return the dict of a metric with the present class name: `AccuracyOfLoss` was `Accuracy`."""
    if not isinstance(spec, Mapping) or spec.get("class_name") != "Accuracy":
        return spec
    config = spec.get("config")
    is_former = isinstance(config, Mapping) and "loss" in config
    return {**spec, "class_name": "AccuracyOfLoss"} if is_former else spec


def _named(name: str, loss: losses.Loss | None) -> Metric:
    """Return the metric for the name of a metric or of a loss."""
    table: dict[str, type[Metric] | type[losses.Loss]] = {**losses.LOSSES, **METRICS}
    for class_name in ("mean_of_loss", "accuracy_of_loss"):  # they need a loss as an argument
        del table[class_name]
    cls = lookup("metric", name, table)
    if issubclass(cls, losses.Loss):
        return MeanOfLoss(loss if type(loss) is cls else cls(), name=name)
    if cls is Accuracy:
        return AccuracyOfLoss(loss, name=name)
    return cls(name=name)


__getattr__ = explain_missing(__name__, __all__)
