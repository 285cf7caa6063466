"""Metrics with Keras's names, summed in float64 over the batches of an epoch.

A metric has `reset`, `update` for a batch, and `result` for all batches since the reset. Sample
weights that `fit` gets do not count, as with Keras's ``metrics=``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import FunctionType

from gru_c import losses
from gru_c.common.attributes import assign
from gru_c.common.missing_names import explain_missing
from gru_c.common.registry import Registry, described, lookup, public_classes, serialize, snake_case
from gru_c.losses import per_sample as loss_functions
from gru_c.losses.per_sample import *  # noqa: F403
from gru_c.metrics.accuracy import (
    Accuracy,
    AccuracyOfLoss,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from gru_c.metrics.area import AUC
from gru_c.metrics.base import Metric
from gru_c.metrics.base import merged_states as merged_states
from gru_c.metrics.base import reset_all as reset_all
from gru_c.metrics.confusion import (
    FalseNegatives,
    FalsePositives,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)
from gru_c.metrics.errors import (
    MeanAbsoluteError,
    MeanOfLoss,
    MeanSquaredError,
    RootMeanSquaredError,
)
from gru_c.metrics.loss_means import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from gru_c.metrics.per_sample import (
    BY_FUNCTION,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from gru_c.metrics.scores import F1Score, FBetaScore, R2Score
from gru_c.metrics.user_function import FunctionMetric

__all__ = [
    "AUC",
    "Accuracy",
    "AccuracyOfLoss",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "FunctionMetric",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanOfLoss",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "Poisson",
    "Precision",
    "R2Score",
    "Recall",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SquaredHinge",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "binary_accuracy",
    "categorical_accuracy",
    "deserialize",
    "get",
    "get_all",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]
__all__ += loss_functions.__all__

_CLASSES = public_classes(globals(), Metric)
METRICS: dict[str, type[Metric]] = {
    **{
        snake_case(c.__name__): c
        for c in public_classes(globals(), Metric)
        if c is not FunctionMetric
    },
    "mae": MeanAbsoluteError,
    "mse": MeanSquaredError,
    "mape": MeanAbsolutePercentageError,
    "msle": MeanSquaredLogarithmicError,
    "rmse": RootMeanSquaredError,
    "fbeta_score": FBetaScore,
    "acc": Accuracy,  # the names "acc" and "accuracy" stand for AccuracyOfLoss
}
# As names, they take the settings of the model's loss if that is of the same kind.
_CROSSENTROPIES = (BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy)
_REGISTRY = Registry("metric", METRICS, Metric)


def get(identifier: object, loss: losses.Loss | None = None) -> Metric:
    """Return the metric that a name, a dict or a function stands for.

    Parameters
    ----------
    identifier : str, dict, Metric or callable
        The name of a metric or of a loss, the dict of `serialize`, an instance, or a function
        ``f(y_true, y_pred)``; see `FunctionMetric`. The metric's `name` is the name as it is
        written here.
    loss : Loss, optional
        The loss of the model: it decides what ``"accuracy"`` means, and a metric named after the
        same kind of loss takes its settings (`from_logits`, `delta`).

    Raises
    ------
    ValueError, TypeError
        If the name is unknown, or `identifier` is something else, such as a metric object of Keras.

    Examples
    --------
    >>> get("acc").name, get("RMSE").name
    ('acc', 'RMSE')
    """
    if isinstance(identifier, FunctionType) and (
        identifier in BY_FUNCTION or identifier in loss_functions.BY_FUNCTION
    ):
        identifier = identifier.__name__
    if isinstance(identifier, str):
        return _named(identifier, loss)
    if callable(identifier) and not isinstance(identifier, (type, Metric)):
        if hasattr(identifier, "update_state"):
            raise TypeError(
                "a metric with update_state, as in Keras, keeps numbers of its own from batch to "
                f"batch and cannot be averaged over them, got {described(identifier, METRICS)}"
            )
        return FunctionMetric(identifier)
    return _REGISTRY.get(_with_present_name(identifier))


deserialize = get


def get_all(specs: Iterable[object], loss: losses.Loss | None = None) -> list[Metric]:
    """Return the metrics of a model; those that have the name of their class get different names.

    A second `Precision` without a name is called "precision_1". The other parameters and errors are
    those of `get`.

    Examples
    --------
    >>> [metric.name for metric in get_all([Precision(class_id=0), Precision(class_id=1), "mae"])]
    ['precision', 'precision_1', 'mae']
    """
    metrics = [get(spec, loss) for spec in specs]
    counts: dict[str, int] = {}
    for metric in metrics:
        if metric._has_default_name:
            base = metric._default_name()
            number = counts[base] = counts.get(base, -1) + 1
            assign(metric, name=f"{base}_{number}" if number else base)
    return metrics


def _with_present_name(spec: object) -> object:
    """Return the dict of a metric with its current class name; `AccuracyOfLoss` was `Accuracy`."""
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
    if cls in _CROSSENTROPIES:
        cls = losses.LOSSES[snake_case(cls.__name__)]
    if issubclass(cls, losses.Loss):
        return MeanOfLoss(loss if type(loss) is cls else cls(), name=name)
    if cls is Accuracy:
        return AccuracyOfLoss(loss, name=name)
    return cls(name=name)


__getattr__ = explain_missing(__name__, __all__)
