"""The loss of label sequences without alignment."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array
from gru_c.losses import targets
from gru_c.losses.base import Loss


class CTC(Loss):
    """Connectionist temporal classification: -log of the probability of the labels.

    Targets are labels of shape (n, L), padded by 0, which is the class for no label. Predictions
    are logits (n, T, classes) of a layer without activation: Dense(classes). All time steps count.

    Parameters
    ----------
    reduction, name
        See `Loss`.

    See Also
    --------
    gru_c.ops.ctc_loss, gru_c.ops.ctc_decode

    Examples
    --------
    >>> round(CTC()([[1]], np.zeros((1, 2, 2))), 6)  # 3 of 4 paths give the label
    0.287682
    """

    def _shaped(self, y_true: npt.ArrayLike, output_shape: tuple[int, ...]) -> Array:
        y = targets.real_array(self._owner, "y", y_true)
        if len(output_shape) != 3:
            raise ValueError(
                f"{self._owner} takes logits (n, T, classes), got predictions of shape "
                f"{output_shape}: give the layers before return_sequences=True"
            )
        if y.ndim != 2 or len(y) != output_shape[0]:
            raise ValueError(
                f"{self._owner} expects labels of shape ({output_shape[0]}, L), got {y.shape}"
            )
        return y

    def _labels(self, y: Array, output_shape: tuple[int, ...]) -> Array:
        """Return the labels; ValueError unless they are classes that the time steps have room for.

        Labels need a time step each, and one more between two that are equal.
        """
        classes = output_shape[-1]
        if ((y % 1 != 0) | (y < 0) | (y >= classes)).any():
            raise ValueError(f"{self._owner} expects labels from 0 to {classes - 1}")
        if (np.diff((y != 0).astype(int), axis=1) > 0).any():
            raise ValueError(
                f"{self._owner}: 0 stands for no label and may only follow the labels of a sequence"
            )
        counts = (y != 0).sum(axis=1)
        repeats = ((y[:, 1:] == y[:, :-1]) & (y[:, 1:] != 0)).sum(axis=1)
        needed = counts + repeats
        if (needed > output_shape[1]).any():
            row = int(needed.argmax())
            raise ValueError(
                f"{self._owner}: the labels of y[{row}] need {needed[row]} time steps, the "
                f"predictions have {output_shape[1]}"
            )
        return y.astype(np.int32)

    def _lengths(self, y: Array, p: Array) -> tuple[Array, Array]:
        return (y != 0).sum(axis=1), np.full(len(p), p.shape[1])

    def per_sample(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of each sequence."""
        from gru_c import ops  # few models need it

        losses: Array = ops.ctc_loss(y_true, y_pred, *self._lengths(y_true, y_pred))
        return losses

    def per_sample_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative of each sequence's loss by its logits."""
        from gru_c.ops.operation import TableOperation  # few models need it

        operation = TableOperation("ctc_loss", {"mask_index": 0})
        _, saved = operation.forward([y_true, y_pred, *self._lengths(y_true, y_pred)])
        gradient = operation.backward(saved, np.ones(len(y_pred)))[1]
        assert gradient is not None
        return gradient

    def _weights(self, sample_weight: Any, output_shape: tuple[int, ...]) -> Array | None:
        return super()._weights(sample_weight, output_shape[:1] + output_shape[-1:])

    def _divisor(self, output_shape: tuple[int, ...], weight: Array | None) -> float:
        return super()._divisor((output_shape[0], 1), weight)

    def _counting(self, *arguments: Any) -> Any:
        raise ValueError(
            f"{self._owner} takes no mask: the time steps of a sequence belong together; for "
            "sequences of several lengths give compile a function that calls ops.ctc_loss"
        )
