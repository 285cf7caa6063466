"""The loss of a model with several outputs: the weighted sum of the losses of its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gru_c.common.array_group import ArrayGroup
from gru_c.common.registry import serialize
from gru_c.losses.base import Loss


class OutputLosses:
    """The losses of several outputs; None for an output without one.

    Parameters
    ----------
    names : sequence of str
        Names of the outputs.
    losses : sequence of Loss or None
    weights : sequence of float

    Attributes
    ----------
    values : list of float or None
        The losses in the last call, without their weights.
    """

    name = "losses"
    paired_activation = None
    reduction = "sum_over_batch_size"

    def __init__(
        self, names: Sequence[str], losses: Sequence[Loss | None], weights: Sequence[float]
    ) -> None:
        self.names = list(names)
        self.losses = list(losses)
        self.weights = list(weights)
        self.values: list[float | None] = [None] * len(self.losses)

    def get_config(self) -> dict[str, Any]:
        """Return the configurations of the losses, and their weights."""
        losses = [None if loss is None else serialize(loss) for loss in self.losses]
        return {"names": self.names, "losses": losses, "weights": self.weights}

    def require_reduction(self) -> None:
        """Raise ValueError for a loss that is not a number; see `Loss.require_reduction`."""
        for loss in filter(None, self.losses):
            loss.require_reduction()

    def require_mean(self, purpose: str) -> None:
        """Raise ValueError unless each loss is a mean; see `Loss.require_mean`."""
        for loss in filter(None, self.losses):
            loss.require_mean(purpose)

    def __call__(
        self, y_true: ArrayGroup, y_pred: ArrayGroup, sample_weight: Any = None, mask: Any = None
    ) -> float:
        """Return the weighted sum of the losses."""
        total = 0.0
        for i, (loss, y, p, weight, one_mask) in enumerate(
            self._rows(y_true, y_pred, sample_weight, mask)
        ):
            if loss is not None:
                value = loss(y, p, weight, **({} if one_mask is None else {"mask": one_mask}))
                self.values[i] = value
                total += self.weights[i] * value
        return total

    def value_and_gradient(
        self,
        y_true: ArrayGroup,
        y_pred: ArrayGroup,
        sample_weight: Any = None,
        *,
        logits: Any = False,
        mask: Any = None,
    ) -> tuple[float, ArrayGroup]:
        """Return the weighted sum of the losses, and the gradients of the outputs.

        `logits` has a flag for each output; see `Loss.value_and_gradient`.
        """
        total = 0.0
        gradients: list[Any] = []
        flags = logits or [False] * len(self.losses)
        for i, (loss, y, p, weight, one_mask) in enumerate(
            self._rows(y_true, y_pred, sample_weight, mask)
        ):
            if loss is None:
                gradients.append(None)
                continue
            options = {} if one_mask is None else {"mask": one_mask}
            value, d = loss.value_and_gradient(y, p, weight, logits=flags[i], **options)
            self.values[i] = value
            total += self.weights[i] * value
            gradients.append(d * d.dtype.type(self.weights[i]) if self.weights[i] != 1 else d)
        return total, ArrayGroup(gradients)

    def _rows(self, y: Any, p: Any, weight: Any, mask: Any) -> Any:
        nothing = [None] * len(self.losses)
        weights, masks = nothing if weight is None else weight, nothing if mask is None else mask
        return zip(self.losses, y, p, weights, masks, strict=True)
