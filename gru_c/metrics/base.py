"""Base class of the metrics."""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from gru_c.common import keras_names
from gru_c.common.arrays import Array, Shape
from gru_c.common.registry import Configurable, snake_case
from gru_c.losses import targets

FIXED = "cannot change after the metric was made: make a new {cls}(...)"


class Metric(Configurable):
    """Base of all metrics: the mean of `values` over all batches since `reset`.

    Parameters
    ----------
    name : str, optional
        Key in the history; by default the name of the class in snake case.

    Attributes
    ----------
    direction : {"min", "max"} or None
        The better values; None if unknown.
    """

    direction: str | None = None
    _by_element = False  # True if each entry of the predictions counts by itself, with its weight
    _keras_names = keras_names.METRIC
    _advice: ClassVar = {"name": FIXED}

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Let a user's class with Keras's `update_state` derive from `StatefulMetric`."""
        super().__init_subclass__(**arguments)
        if "update_state" in vars(cls) and Metric in cls.__bases__ and cls._by_user:
            stateful = import_module("gru_c.metrics.stateful").StatefulMetric  # a subclass of this
            cls.__bases__ = tuple(stateful if base is Metric else base for base in cls.__bases__)

    def __init__(self, name: str | None = None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"the name of a metric must be a string, got {name!r}")
        self.name = self._default_name() if name is None else name
        self._has_default_name = name is None
        self.reset()

    @classmethod
    def _default_name(cls) -> str:
        return snake_case(cls.__name__)

    def reset(self) -> None:
        """Forget all batches."""
        self._sum = 0.0
        self._count: float = 0

    def update(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        mask: Array | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> None:
        """Add a batch.

        Parameters
        ----------
        y_true : array_like
            Targets, in a shape that the loss of the same name takes.
        y_pred : array_like, shape (n, ..., outputs)
            Predictions.
        mask : ndarray of bool, shape (n, T), optional
            True for the time steps that count; the others are ignored.
        sample_weight : array_like, optional
            Weights of shape (n,), or of the shape of `y_pred` without its last axis; one number is
            the weight of all samples. Counts, and metrics computed from them, also take a weight
            for each entry of `y_pred`, and `y_pred` of shape (n,).

        Raises
        ------
        TypeError
            If a dtype is not bool, integer or float.
        ValueError
            If the shapes do not fit.
        """
        y, p, weight = self._prepared(y_true, y_pred, mask, sample_weight)
        values = self._checked_values(y, p) if self._by_user else self.values(y, p)
        if weight is None:
            self._sum += float(values.sum(dtype=np.float64))
            self._count += values.size
            return
        weight = np.broadcast_to(weight.reshape(_padded(weight.shape, values.ndim)), values.shape)
        self._sum += float((values * weight).sum(dtype=np.float64))
        self._count += float(weight.sum(dtype=np.float64))

    def update_state(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> None:
        """Add a batch; Keras's name of `update`."""
        self.update(y_true, y_pred, sample_weight=sample_weight)

    def __call__(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Any:
        """Add a batch, and return the result over all batches so far."""
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()

    def reset_state(self) -> None:
        """Forget all batches; Keras's name of `reset`."""
        self.reset()

    def _prepared(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        mask: Array | None,
        sample_weight: npt.ArrayLike | None,
    ) -> tuple[Array, Array, Array | None]:
        """Return checked targets, predictions and weights, without the steps that do not count.

        With weights (n,) and a mask, each step gets the weight of its sample.
        """
        p = targets.real_array(self._owner, "y_pred", y_pred)
        if self._by_element and p.ndim == 1:
            p = p[:, None]
        targets.output_shape(self._owner, p.shape)
        y = targets.real_array(self._owner, "y", y_true)
        weight: Array | None = None
        if sample_weight is not None:
            whole = p.shape if self._by_element else None
            weight = targets.fit_weights(self._owner, sample_weight, p.shape[:-1], whole)
        if mask is not None:
            if weight is not None:
                shape = p.shape[: max(p.ndim - 1, weight.ndim)]
                weight = np.broadcast_to(weight.reshape(_padded(weight.shape, len(shape))), shape)
                (weight,) = targets.counting(self._owner, mask, weight)
            y, p = targets.counting(self._owner, mask, y, p)
        return y, p, weight

    def require_number(self, output_shape: Shape) -> None:
        """Raise ValueError if the result is not one number for predictions of this shape."""

    def result(self) -> float:
        """Return the metric; 0.0 without samples, as in Keras."""
        return self._sum / self._count if self._count else 0.0

    def get_state(self) -> dict[str, Any]:
        """Return the sums so far, from which a resumed run continues.

        A subclass that keeps other numbers defines this method and `set_state`.
        """
        return {"sum": self._sum, "count": self._count}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what `get_state` returned."""
        self._sum, self._count = float(state["sum"]), state["count"]

    def merged(self, states: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the state over the samples of several processes, from the state of each.

        A subclass that keeps other numbers than a sum and a count defines this method, too.
        """
        return {name: sum(state[name] for state in states) for name in ("sum", "count")}

    def check_mergeable(self) -> None:
        """Raise ValueError for a metric that defines `get_state` but not `merged`."""
        kind = type(self)
        if kind.get_state is not Metric.get_state and kind.merged is Metric.merged:
            raise ValueError(
                f"metric {self.name!r} has its own get_state: to be added up over processes it "
                "must define merged(states), too"
            )

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return one value for each sample (and time step); `result` is their mean.

        The arrays that a subclass outside this package gets are read-only.
        """
        raise NotImplementedError(f"{type(self).__name__} must define values(y_true, y_pred)")

    def _checked_values(self, y: Array, p: Array) -> Array:
        """Return the values of a user's class, from read-only arrays, after checking them."""
        owner = f"{self._owner}: {type(self).__name__}.values"
        values = targets.real_result(owner, self.values(targets.read_only(y), targets.read_only(p)))
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
        """Return targets with one number for each output, in the shape of the predictions."""
        return targets.fit_shape(self._owner, y_true, targets.value_shapes(y_pred.shape))


def _padded(shape: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """Return a shape with axes of length 1 appended up to `ndim` axes."""
    return shape + (1,) * (ndim - len(shape))


def reset_all(metrics: list[Metric]) -> None:
    """Reset all metrics."""
    for metric in metrics:
        metric.reset()


def merged_states(
    metrics: list[Metric], processes: list[list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Return the states of metrics over the samples of several processes, from those of each."""
    return [
        metric.merged([states[number] for states in processes])
        for number, metric in enumerate(metrics)
    ]
