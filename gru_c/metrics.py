"""Metrics with Keras's names, summed in float64 over the batches of an epoch.

A metric has `reset`, `update` for a batch, and `result` for all batches since the reset. Sample
weights do not enter, as with Keras's ``metrics=``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast

import numpy as np
import numpy.typing as npt

from gru_c import losses
from gru_c.losses import targets
from gru_c.utils import keras_names
from gru_c.utils.arrays import Array
from gru_c.utils.registry import Configurable, described, deserialize, lookup, serialize, snake_case
from gru_c.utils.validation import check_real

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

MetricFunction = Callable[[Array, Array], float]

_FIXED = "cannot change after the metric was made: make a new {cls}(...)"


class Metric(Configurable):
    """Base of all metrics: the mean of `values` over everything seen.

    Parameters
    ----------
    name : str, optional
        Key in the history; by default the class name in snake case.

    Attributes
    ----------
    direction : {"min", "max"} or None
        Which values are better; None: not known.
    """

    direction: str | None = None
    _keras_names = keras_names.METRIC
    _advice: ClassVar = {"name": _FIXED}

    def __init__(self, name: str | None = None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"the name of a metric must be a string, got {name!r}")
        self.name = snake_case(type(self).__name__) if name is None else name
        self.reset()

    def reset(self) -> None:
        """Forget everything seen."""
        self._sum = 0.0
        self._count = 0

    def update(
        self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike, mask: Array | None = None
    ) -> None:
        """Take in a batch.

        Parameters
        ----------
        y_true : array_like
            Targets, in a shape that the loss of the same name takes.
        y_pred : array_like, shape (n, ..., outputs)
            Predictions.
        mask : ndarray of bool, shape (n, T), optional
            Which steps count; the others are ignored.

        Raises
        ------
        TypeError
            If a dtype is not bool, integer or float.
        ValueError
            If the shapes do not fit.
        """
        p = targets.predictions(self._owner, y_pred)
        y = targets.real_array(self._owner, "y", y_true)
        if mask is not None:
            y, p = targets.counting(self._owner, mask, y, p)
        values = self._checked_values(y, p) if self._by_user else self.values(y, p)
        self._sum += float(values.sum(dtype=np.float64))
        self._count += values.size

    def result(self) -> float:
        """Return the metric, NaN if nothing was seen."""
        return self._sum / self._count if self._count else math.nan

    def get_state(self) -> dict[str, Any]:
        """Return what has been summed, for a run that is to go on from a file.

        A subclass that keeps something else defines this and `set_state`.
        """
        return {"sum": self._sum, "count": self._count}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take back what `get_state` returned."""
        self._sum, self._count = float(state["sum"]), int(state["count"])

    def merged(self, states: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the state over the samples of several processes, given that of each.

        A subclass that keeps something else than a sum and a count defines this, too.
        """
        return {name: sum(state[name] for state in states) for name in ("sum", "count")}

    def check_mergeable(self) -> None:
        """Raise ValueError for a metric that has a state of its own, and does not say how."""
        kind = type(self)
        if kind.get_state is not Metric.get_state and kind.merged is Metric.merged:
            raise ValueError(
                f"metric {self.name!r} has its own get_state: to be added up over processes it "
                "must define merged(states), too"
            )

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return one value a sample (and time step), of which `result` is the mean.

        A subclass is given read-only arrays.
        """
        raise NotImplementedError(f"{type(self).__name__} must define values(y_true, y_pred)")

    def _checked_values(self, y: Array, p: Array) -> Array:
        """Return the values of a user's class, of read-only arrays."""
        owner = f"{self._owner}: {type(self).__name__}.values"
        given = self.values(targets.read_only(y), targets.read_only(p))
        values = targets.real_result(owner, given)
        if values.shape[:1] != p.shape[:1]:
            raise ValueError(
                f"{owner} must return a value for each of the {len(p)} samples, got an array of "
                f"shape {values.shape}"
            )
        return values

    @property
    def _owner(self) -> str:
        return f"metric {self.name!r}"

    def _fit(self, y_true: Array, y_pred: Array) -> Array:
        """Return targets with one number an output in the shape of the predictions."""
        return targets.fit_shape(self._owner, y_true, targets.value_shapes(y_pred.shape))


class MeanOfLoss(Metric):
    """Mean of a loss over the samples.

    Parameters
    ----------
    loss : str, dict or Loss
        See `losses.get`; not a function.
    name : str, optional
        See `Metric`; by default the name of the loss.

    Examples
    --------
    >>> metric = MeanOfLoss("huber")
    >>> metric.update([[0.0], [0.0]], [[1.0], [3.0]])
    >>> metric.name, metric.result()
    ('huber', 1.5)
    """

    direction = "min"

    _advice: ClassVar = {**Metric._advice, "loss": _FIXED}  # which it is named after

    def __init__(self, loss: object, name: str | None = None) -> None:
        self.loss = losses.get(loss)
        super().__init__(self.loss.name if name is None else name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of each sample."""
        return self.loss.sample_values(y_true, y_pred)


class MeanSquaredError(Metric):
    """Mean of (p - y)^2 over samples and outputs."""

    direction = "min"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return the mean over the outputs of each sample."""
        return losses.MeanSquaredError().sample_values(self._fit(y_true, y_pred), y_pred)


class RootMeanSquaredError(MeanSquaredError):
    """Root of the mean of (p - y)^2 over everything seen (not the mean of the batches' roots).

    Examples
    --------
    >>> metric = RootMeanSquaredError()
    >>> metric.update([[0.0]], [[1.0]])
    >>> metric.update([[0.0]], [[7.0]])
    >>> metric.result()
    5.0
    """

    def result(self) -> float:
        """Return the root of the mean, NaN if nothing was seen."""
        return math.sqrt(super().result())


class MeanAbsoluteError(Metric):
    """Mean of abs(p - y) over samples and outputs."""

    direction = "min"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return the mean over the outputs of each sample."""
        return losses.MeanAbsoluteError().sample_values(self._fit(y_true, y_pred), y_pred)


class BinaryAccuracy(Metric):
    """Share of outputs on the side of the threshold that the target (0 or 1) says.

    Parameters
    ----------
    threshold : float
        Predictions above it count as 1; 0.5 for probabilities, 0 for logits.
    name : str, optional
        See `Metric`.

    Examples
    --------
    >>> metric = BinaryAccuracy()
    >>> metric.update([1, 0, 1], [[0.9], [0.2], [0.3]])
    >>> round(metric.result(), 3)
    0.667
    """

    direction = "max"

    def __init__(self, threshold: float = 0.5, name: str | None = None) -> None:
        super().__init__(name)
        self.threshold = check_real("BinaryAccuracy: threshold", threshold)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return the share of right outputs of each sample."""
        right = (y_pred > self.threshold) == self._fit(y_true, y_pred)
        share: Array = right.mean(axis=-1)
        return share


class CategoricalAccuracy(Metric):
    """Share of samples whose largest output is that of the largest target (one-hot targets)."""

    direction = "max"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return 1 for each sample that is right, else 0."""
        y = self._fit(y_true, y_pred)
        return cast(Array, y.argmax(axis=-1) == y_pred.argmax(axis=-1))


class SparseCategoricalAccuracy(Metric):
    """Share of samples whose largest output is that of the label."""

    direction = "max"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return 1 for each sample that is right, else 0."""
        y = targets.fit_shape(self._owner, y_true, targets.label_shapes(y_pred.shape))
        return cast(Array, y == y_pred.argmax(axis=-1))


class Accuracy(Metric):
    """Share of outputs that are equal to their targets.

    For predictions that are labels themselves. What ``metrics=["accuracy"]`` stands for is
    `AccuracyOfLoss`, which knows of probabilities.

    Parameters
    ----------
    name : str, optional
        See `Metric`.

    Examples
    --------
    >>> metric = Accuracy()
    >>> metric.update([[1], [2], [3], [4]], [[0], [2], [3], [4]])
    >>> metric.result()
    0.75
    """

    direction = "max"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return the share of each sample's outputs, targets taken in the dtype of the outputs."""
        equal = self._fit(y_true, y_pred).astype(y_pred.dtype, copy=False) == y_pred
        share: Array = equal.mean(axis=-1)
        return share


class AccuracyOfLoss(Metric):
    """The accuracy that goes with the loss, or else with the shapes: ``metrics=["accuracy"]``.

    Binary for a binary cross-entropy, also of several outputs; categorical and sparse categorical
    likewise. With any other loss as Keras decides: binary if there is one output, sparse if
    `y_true` has no axis of classes, else categorical.

    Parameters
    ----------
    loss : str, dict or Loss, optional
        The loss of the model.
    name : str, optional
        By default "accuracy".

    Examples
    --------
    >>> metric = AccuracyOfLoss("sparse_categorical_crossentropy", name="acc")
    >>> metric.update([0, 1], [[0.9, 0.1], [0.6, 0.4]])
    >>> metric.name, metric.result()
    ('acc', 0.5)
    """

    direction = "max"

    def __init__(self, loss: object = None, name: str | None = None) -> None:
        super().__init__("accuracy" if name is None else name)
        self.loss = None if loss is None else losses.get(loss)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return the share that is right of each sample."""
        return self.accuracy_for(y_true.shape, y_pred.shape).values(y_true, y_pred)

    def accuracy_for(self, y_true: tuple[int, ...], y_pred: tuple[int, ...]) -> Metric:
        """Return the accuracy that is meant, for targets and predictions of these shapes."""
        if isinstance(self.loss, losses.BinaryCrossentropy):
            return BinaryAccuracy(0.0 if self.loss.from_logits else 0.5, name=self.name)
        if isinstance(self.loss, losses.SparseCategoricalCrossentropy):
            return SparseCategoricalAccuracy(self.name)
        if isinstance(self.loss, losses.CategoricalCrossentropy):
            return CategoricalAccuracy(self.name)
        if y_pred[-1] == 1:
            return BinaryAccuracy(name=self.name)
        if len(y_true) < len(y_pred) or y_true[-1] == 1:
            return SparseCategoricalAccuracy(self.name)
        return CategoricalAccuracy(self.name)


class FunctionMetric(Metric):
    """A user's function ``f(y_true, y_pred)`` of a batch, averaged by rows of the batches.

    Parameters
    ----------
    function : callable
        Gets the targets as the user gave them and the predictions, both read-only. Returns a number
        for the batch, or an array with a value, or several, for each row. Where targets (n,) go
        with predictions (n, 1), whatever would broadcast one against the other raises ValueError.
    name : str, optional
        By default the function's ``__name__``.

    Examples
    --------
    >>> metric = FunctionMetric(lambda y, p: abs(p - y).max(), name="worst")
    >>> metric.update([[0.0], [0.0]], [[1.0], [4.0]])
    >>> metric.result()
    4.0
    """

    _advice: ClassVar = {**Metric._advice, "function": _FIXED}  # which it is named after

    def __init__(self, function: MetricFunction, name: str | None = None) -> None:
        self.function = function
        default = getattr(function, "__name__", snake_case(type(function).__name__))
        super().__init__(default if name is None else name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return the mean of what the function gives for a row; a number is that of every row."""
        rows = len(y_pred)
        if not rows:
            return np.zeros(0)
        given = self.function(*targets.for_function(y_true, y_pred))
        if np.ndim(given) == 0:
            return np.full(rows, targets.number(self._owner, given))
        value = targets.real_array(self._owner, "results", given)
        if len(value) != rows:
            raise ValueError(
                f"{self._owner} must return a number or a value for each of the {rows} rows, got "
                f"an array of shape {value.shape}"
            )
        means: Array = value.reshape(rows, -1).mean(axis=1, dtype=np.float64)
        return means

    def get_config(self) -> dict[str, Any]:
        """Raise TypeError: a file could hold the function's name but not what it does."""
        raise TypeError(f"{self._owner} is a function, which cannot be stored; derive from Metric")


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
    "acc": Accuracy,  # as names these two stand for AccuracyOfLoss
}


def reset_all(metrics: list[Metric]) -> None:
    """Let metrics forget everything seen."""
    for metric in metrics:
        metric.reset()


def merged_states(metrics: list[Metric], every: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the states of metrics over the samples of several processes, given those of each."""
    return [
        metric.merged([states[number] for states in every]) for number, metric in enumerate(metrics)
    ]


def get(spec: object, loss: losses.Loss | None = None) -> Metric:
    """Find or make a metric.

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
    ValueError
        If there is no such name.
    TypeError
        If `spec` is something else, such as a metric object of Keras.

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
    return deserialize("metric", _as_now(spec), METRICS, Metric)


def _as_now(spec: object) -> object:
    """Return the dict of a metric as it is written now: `AccuracyOfLoss` was `Accuracy` before."""
    if not isinstance(spec, Mapping) or spec.get("class_name") != "Accuracy":
        return spec
    config = spec.get("config")
    former = isinstance(config, Mapping) and "loss" in config
    return {**spec, "class_name": "AccuracyOfLoss"} if former else spec


def _named(name: str, loss: losses.Loss | None) -> Metric:
    table: dict[str, type[Metric] | type[losses.Loss]] = {**losses.LOSSES, **METRICS}
    for class_name in ("mean_of_loss", "accuracy_of_loss"):  # the loss is an argument of theirs
        del table[class_name]
    found = lookup("metric", name, table)
    if issubclass(found, losses.Loss):
        return MeanOfLoss(loss if type(loss) is found else found(), name=name)
    if found is Accuracy:
        return AccuracyOfLoss(loss, name=name)
    return found(name=name)
