"""Base of the metrics that are computed from sums over all samples, such as counts."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array
from gru_c.metrics.base import Metric


class SumsMetric(Metric):
    """Base of metrics whose state is sums; a subclass defines `sums_of` and `result_of`."""

    def __copy__(self) -> SumsMetric:
        return copy.deepcopy(self)  # a shallow copy would add to the same sums

    def reset(self) -> None:
        """Forget all batches."""
        self._sums: dict[str, Array] = {}

    def update(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        mask: Array | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> None:
        """Add a batch; see `Metric.update`."""
        y, p, weight = self._prepared(y_true, y_pred, mask, sample_weight)
        y = self._fit(y, p)
        if weight is not None:
            shape = weight.shape + (1,) * (p.ndim - weight.ndim)
            weight = np.broadcast_to(weight.reshape(shape).astype(np.float64), p.shape)
        batch = self.sums_of(y, p, weight)
        for name, amount in batch.items():
            before = self._sums.get(name)
            if before is not None and before.shape != amount.shape:
                raise ValueError(
                    f"{self._owner} has sums of shape {before.shape} from the batches before, and "
                    f"{amount.shape} from predictions of shape {p.shape}: call reset first"
                )
        for name, amount in batch.items():
            self._sums[name] = self._sums[name] + amount if name in self._sums else amount

    def sums_of(self, y: Array, p: Array, weight: Array | None) -> dict[str, Array]:
        """Return the sums over a batch; y, p and weight have the same shape (n, ..., outputs)."""
        raise NotImplementedError

    def result_of(self, sums: dict[str, Array]) -> Any:
        """Return the metric of the sums over all batches, a number or an array."""
        raise NotImplementedError

    def without_samples(self) -> Any:
        """Return the result before the first sample, as in Keras."""
        return 0.0

    def result(self) -> Any:
        """Return the metric, a float or an array of several numbers; 0.0 without samples."""
        if not self._sums:
            return self.without_samples()
        result = self.result_of(self._sums)
        return float(result) if np.ndim(result) == 0 else result

    def get_state(self) -> dict[str, Any]:
        """Return the sums so far as lists."""
        return {name: amount.tolist() for name, amount in self._sums.items()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what `get_state` returned."""
        self._sums = {name: np.array(amount, np.float64) for name, amount in state.items()}

    def merged(self, states: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the state over the samples of several processes, from the state of each."""
        names = next((state for state in states if state), {})
        return {
            name: np.sum([state[name] for state in states if state], axis=0).tolist()
            for name in names
        }


def ratio(a: Array, b: Array) -> Array:
    """Return a / b, and 0 where b is 0."""
    quotient: Array = np.divide(a, b, out=np.zeros(np.shape(a)), where=b != 0)
    return quotient
