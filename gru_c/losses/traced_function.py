"""Functions of users that return values: their gradients, and losses that they call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from gru_c import ops
from gru_c.common.arrays import Array, Shape
from gru_c.losses.reduction import quiet
from gru_c.ops.operation import Operation
from gru_c.ops.tape import Tape, Traced


class TracedValues(NamedTuple):
    """The values of a function for one batch, and what their gradient follows from."""

    result: Traced
    prediction: Traced

    @property
    def values(self) -> Array:
        """The values."""
        return self.result.value

    def gradient(self, d_values: Array) -> Array:
        """Return the gradient by the predictions for that of the values."""
        d = d_values.astype(self.values.dtype, copy=False)
        (gradient,) = self.prediction.tape.gradients(self.result, d, [self.prediction])
        zeros: Array = np.zeros_like(self.prediction.value)
        return zeros if gradient is None else gradient


def traced_values(
    owner: str, function: Callable[..., Any], y_true: Array, y_pred: Array
) -> TracedValues | tuple[Any, ...]:
    """Call a function with tensors; return its values, or the tuple that it returned.

    As in Keras the targets get the dtype of the predictions, and the axis of length 1 that they
    lack.

    Raises
    ------
    TypeError
        If the function returns something else than a tensor.
    """
    tape = Tape(training=True)
    p = y_pred if y_pred.dtype.kind == "f" else y_pred.astype(np.float64)
    y = y_true.astype(p.dtype, copy=False)
    if p.shape == (*y.shape, 1):
        y = y[..., None]
    elif y.shape == (*p.shape, 1):
        y = y[..., 0]
    prediction = tape.tensor(p)
    with tape:
        result = function(tape.tensor(y, differentiate=False), prediction)
    if isinstance(result, tuple):
        return result
    if not isinstance(result, Traced):
        raise TypeError(
            f"{owner} must return what functions of gru_c.ops compute from y_pred, or (value, "
            f"gradient), got {type(result).__name__}"
        )
    if result.dtype.kind == "b":
        raise TypeError(f"{owner} must return numbers, got booleans: write ops.cast(x, 'float32')")
    return TracedValues(result, prediction)


class LossOperation(Operation):
    """The values of a loss for each sample, as an operation of targets and predictions."""

    def __init__(self, loss: Any) -> None:
        self.name = loss.name
        self._loss = loss

    def forward(self, inputs: Sequence[Any], training: bool = False) -> tuple[Array, Any]:
        """Return the values; see `Operation.forward`."""
        y, p = map(np.asarray, inputs)
        values = self._loss.sample_values(y, p)
        return values.astype(p.dtype if p.dtype.kind == "f" else np.float32, copy=False), (y, p)

    def backward(
        self, saved: Any, grad_output: Array, wanted: Sequence[bool] | None = None
    ) -> list[Array | None]:
        """Return None for the targets, and the gradient of the predictions."""
        y, p = saved
        loss, p64 = self._loss, p.astype(np.float64, copy=False)
        with quiet():
            slopes = loss._call("per_sample_gradient", loss._fit(y, p.shape), p64)
        return [None, (slopes * grad_output[..., None]).astype(p.dtype, copy=False)]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the predictions without the last axis."""
        return tuple(shapes[1])[:-1]


def values_on_tensors(loss: Any, y_true: Any, y_pred: Any) -> Any:
    """Return the values of a loss for each sample as a tensor, for predictions in a tensor."""
    if hasattr(y_true, "_record") and y_true.shape == y_pred.shape[:-1] and y_pred.shape[-1] == 1:
        y_true = y_true[..., None]
    return y_pred._record(LossOperation(loss), (y_true, y_pred))


def of_tensors(
    loss: Any, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
) -> Any:
    """Return the reduced values of a loss as a tensor; see `Loss.__call__`.

    Raises
    ------
    ValueError
        With weights or a mask, or for a loss that divides by weights.
    """
    if sample_weight is not None or mask is not None:
        raise ValueError(
            f"loss {loss.name!r}: call it without sample_weight and mask in a function that gru_c "
            "differentiates, and multiply the values of reduction=None by the weights"
        )
    values = values_on_tensors(loss, y_true, y_pred)
    if loss.reduction is None:
        return values
    return (ops.sum if loss.reduction == "sum" else ops.mean)(values)
