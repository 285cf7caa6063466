"""Users' functions as metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.registry import snake_case
from gru_c.losses import targets
from gru_c.metrics.base import FIXED, Metric

MetricFunction = Callable[[Array, Array], float]


class FunctionMetric(Metric):
    """A user's function ``f(y_true, y_pred)`` of a batch, averaged over the rows of all batches.

    Parameters
    ----------
    function : callable
        It gets the user's targets and the predictions, both read-only, and returns a number for the
        batch, or an array with one or more values for each row. Targets (n,) have the shape (n, 1)
        if it would broadcast them against predictions (n, 1).
    name : str, optional
        By default the function's ``__name__``.

    Examples
    --------
    >>> metric = FunctionMetric(lambda y, p: abs(p - y).max(), name="worst")
    >>> metric.update([[0.0], [0.0]], [[1.0], [4.0]])
    >>> metric.result()
    4.0
    """

    _advice: ClassVar = {**Metric._advice, "function": FIXED}  # the metric is named after it

    def __init__(self, function: MetricFunction, name: str | None = None) -> None:
        self.function = function
        default = getattr(function, "__name__", snake_case(type(function).__name__))
        super().__init__(default if name is None else name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return the mean of the function's values for each row; one number counts for all rows."""
        rows = len(y_pred)
        if not rows:
            return np.zeros(0)
        result = self._result(y_true, y_pred)
        if np.ndim(result) == 0:
            return np.full(rows, targets.number(self._owner, result))
        value = targets.real_array(self._owner, "results", result)
        if len(value) != rows:
            raise ValueError(
                f"{self._owner} must return a number or a value for each of the {rows} rows, got "
                f"an array of shape {value.shape}"
            )
        means: Array = value.reshape(rows, -1).mean(axis=1, dtype=np.float64)
        return means

    def _result(self, y_true: Array, y_pred: Array) -> Any:
        """Call the function; with targets (n, 1), as Keras makes them, if it cannot take (n,)."""
        y, p = targets.for_function(y_true, y_pred)
        try:
            return self.function(y, p)
        except targets.PairingError:
            return self.function(*targets.for_function(y_true[..., None], y_pred))

    def get_config(self) -> dict[str, Any]:
        """Raise TypeError: a file could hold the function's name but not its code."""
        raise TypeError(f"{self._owner} is a function, which cannot be stored; derive from Metric")
