"""`StatefulMetric`: the base of users' metrics with weights and `update_state`, as for Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c import initializers
from gru_c.common.arrays import Array
from gru_c.losses import targets
from gru_c.metrics.base import Metric


class MetricVariable(np.lib.mixins.NDArrayOperatorsMixin):
    """A number or an array that a metric keeps from batch to batch.

    Attributes
    ----------
    name : str
    value : ndarray of float64
    """

    def __init__(self, name: str, initial: Array) -> None:
        self.name = name
        self._initial = initial
        self.value: Any = initial.copy()

    def assign(self, value: npt.ArrayLike) -> MetricVariable:
        """Set the value; ValueError if it has another shape."""
        new = np.asarray(value, np.float64)
        if new.shape != self._initial.shape:
            raise ValueError(
                f"variable {self.name!r} of a metric has shape {self._initial.shape}, got "
                f"{new.shape}"
            )
        self.value = new.copy()
        return self

    def assign_add(self, value: npt.ArrayLike) -> MetricVariable:
        """Add to the value."""
        return self.assign(self.value + np.asarray(value, np.float64))

    def assign_sub(self, value: npt.ArrayLike) -> MetricVariable:
        """Subtract from the value."""
        return self.assign(self.value - np.asarray(value, np.float64))

    def reset(self) -> None:
        """Set the value that the variable began with."""
        self.value = self._initial.copy()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return np.shape(self.value)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the value."""
        return np.dtype(np.float64)

    def numpy(self) -> Array:
        """Return a copy of the value."""
        return np.array(self.value)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        return np.array(self.value, dtype)

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Return the result of an operator or a function of NumPy on the value."""
        values = [each.value if isinstance(each, MetricVariable) else each for each in inputs]
        return getattr(function, method)(*values, **options)

    def __float__(self) -> float:
        return float(self.value)

    def __repr__(self) -> str:
        return f"<MetricVariable {self.name!r} {self.value}>"


class StatefulMetric(Metric):
    """A metric that adds each batch to weights of its own.

    A user's subclass of `Metric` that defines ``update_state(y_true, y_pred, sample_weight=None)``
    becomes one. It makes its weights with `add_weight`, and returns the metric in `result`.

    Parameters
    ----------
    name : str, optional
        As for `Metric`.
    dtype : optional
        Accepted and ignored: weights are float64.
    """

    not_kept = frozenset({"dtype"})

    def __init__(self, name: str | None = None, dtype: object = None) -> None:
        self._variables: list[MetricVariable] = []
        super().__init__(name)

    def add_weight(
        self,
        shape: Any = (),
        initializer: Any = "zeros",
        dtype: object = None,
        name: str | None = None,
    ) -> MetricVariable:
        """Return a new weight.

        Parameters
        ----------
        shape : tuple of int
        initializer : str or Initializer
        dtype : optional
            Accepted and ignored.
        name : str, optional
        """
        if isinstance(shape, str):  # Keras 2's order: name, shape
            shape, name = (initializer if isinstance(initializer, tuple) else ()), shape
            initializer = "zeros"
        made = initializers.get(initializer)
        label = name or f"variable_{len(self._variables)}"
        initial = initializers.initial_value(
            made, tuple(shape), np.dtype(np.float64), np.random.default_rng(0), label
        )
        variable = MetricVariable(label, np.asarray(initial, np.float64).reshape(tuple(shape)))
        self._variables.append(variable)
        return variable

    add_variable = add_weight

    @property
    def variables(self) -> list[MetricVariable]:
        """The weights."""
        return list(self._variables)

    def reset(self) -> None:
        """Set the weights to their initial values, or as the user's `reset_state` does."""
        for variable in self._variables:
            variable.reset()
        if self._variables:
            self.reset_state()

    def reset_state(self) -> None:
        """Forget all batches; a subclass may define it."""

    def update(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        mask: Array | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> None:
        """Give a batch to the user's `update_state`; see `Metric.update`."""
        y, p, weight = self._prepared(y_true, y_pred, mask, sample_weight)
        if p.shape == (*y.shape, 1):
            y = y[..., None]
        arrays = targets.read_only(y), targets.read_only(p)
        if weight is None:
            self.update_state(*arrays)
        else:
            self.update_state(*arrays, sample_weight=weight)

    def get_state(self) -> dict[str, Any]:
        """Return the weights; see `Metric.get_state`."""
        return {str(i): variable.numpy().tolist() for i, variable in enumerate(self._variables)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what `get_state` returned."""
        for i, variable in enumerate(self._variables):
            variable.assign(state[str(i)])
