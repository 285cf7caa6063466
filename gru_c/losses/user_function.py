"""Users' functions as losses."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array
from gru_c.common.registry import snake_case
from gru_c.losses import targets
from gru_c.losses.base import Loss
from gru_c.losses.reduction import require_finite, spread

if TYPE_CHECKING:
    from gru_c.losses.traced_function import TracedValues

LossFunction = Callable[[Any, Any], Any]


class FunctionLoss(Loss):
    """A user's function ``f(y_true, y_pred)`` as a loss.

    The function returns values, as for Keras: one for each sample, or one number for the batch. It
    computes them by operators and functions of `gru_c.ops`, so that gru_c knows their gradient. The
    loss is the mean of the values, with weights and masks as for other losses. The targets have the
    dtype of the predictions, and their shape (n, 1) if they were given as (n,).

    Or it returns a pair: the loss of the batch, and its gradient by the predictions as an array of
    their shape. Then it gets arrays, which are read-only: an operation in place, such as
    ``y -= p``, raises ValueError. So does an operation that would broadcast targets (n,) against
    predictions (n, 1).

    Neither can be stored in a file.

    Parameters
    ----------
    function : callable

    Examples
    --------
    >>> from gru_c import ops
    >>> loss = FunctionLoss(lambda y, p: ops.mean(ops.square(p - y), axis=-1))
    >>> loss.value_and_gradient(np.zeros((1, 2)), np.ones((1, 2)))
    (1.0, array([[1., 1.]]))
    >>> loss = FunctionLoss(lambda y, p: (float(((p - y) ** 2).sum()), 2 * (p - y)))
    >>> loss.value_and_gradient(np.zeros((1, 1)), np.ones((1, 1)))
    (1.0, array([[2.]]))
    """

    _returns_pair: bool | None = None  # known after the first call of the function

    def __init__(self, function: LossFunction) -> None:
        self.function = function
        self._asked_name = getattr(function, "__name__", snake_case(type(function).__name__))

    def get_config(self) -> dict[str, Any]:
        """Raise TypeError: a file could hold the function's name but not its code."""
        raise TypeError(f"{self._owner} is a function, which cannot be stored; derive from Loss")

    def check(
        self,
        y_true: npt.ArrayLike,
        output_shape: tuple[int, ...],
        sample_weight: npt.ArrayLike | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Array | None]:
        """Check the dtype and the number of samples; the function checks the shapes."""
        y = targets.real_array(self._owner, "y", y_true)
        if y.shape[:1] != tuple(output_shape)[:1]:
            raise ValueError(f"{self._owner} expects y of {output_shape[0]} samples, got {y.shape}")
        if sample_weight is None:
            return y, None
        if self._returns_pair is None and len(y):
            self._values_of(y[:1], np.zeros((1, *output_shape[1:])))
        self._refuse_weights_of_pair()
        weight = self._weights(sample_weight, output_shape)
        if weight is not None:
            targets.check_finite_weights(self._owner, weight)
        return y, weight

    def _refuse_weights_of_pair(self) -> None:
        if self._returns_pair:
            raise ValueError(
                f"{self._owner} is a function that returns (value, gradient), and takes no "
                "sample_weight: return a value for each sample instead"
            )

    def _value(
        self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike, sample_weight: npt.ArrayLike | None
    ) -> float:
        return self._loss_of(y_true, y_pred, sample_weight, None, want_gradient=False)[0]

    def _value_and_gradient(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
        logits: bool,
    ) -> tuple[float, Array]:
        if logits:
            self.pre_activation_gradient(np.asarray(y_true), np.asarray(y_pred))
        value, gradient = self._loss_of(y_true, y_pred, sample_weight, None)
        require_finite(self._owner, value, gradient)
        return value, gradient

    def _of_counting(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
        logits: bool,
        mask: Array,
    ) -> tuple[float, Array]:
        """Return the loss of the time steps that count; a function of values gets all of them."""
        y, p = np.asarray(y_true), np.asarray(y_pred)
        if self._returns_pair is None and len(p):
            with contextlib.suppress(Exception):  # a function of values may want the time axis
                self._values_of(*self._counting(y, p, sample_weight, mask)[:2])
        if self._returns_pair:
            return super()._of_counting(y_true, y_pred, sample_weight, logits, mask)
        value, gradient = self._loss_of(y_true, y_pred, sample_weight, mask)
        require_finite(self._owner, value, gradient)
        return value, gradient

    def __call__(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        mask: Array | None = None,
    ) -> Any:
        """Return the loss as a float; see `Loss.__call__`."""
        if mask is not None and self._returns_pair is False:
            return self._loss_of(y_true, y_pred, sample_weight, mask, want_gradient=False)[0]
        return super().__call__(y_true, y_pred, sample_weight, mask)

    def _loss_of(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
        mask: Array | None,
        want_gradient: bool = True,
    ) -> tuple[float, Array]:
        """Return the loss of a batch and its gradient, which is empty if it is not wanted."""
        p = targets.predictions(self._owner, y_pred)
        y = targets.real_array(self._owner, "y", y_true)
        if p.shape[0] == 0:  # a mean over no samples would be NaN, with a warning
            return 0.0, np.zeros_like(p)
        if mask is not None and y.dtype.kind == "f" and y.shape[: mask.ndim] == mask.shape:
            y = np.where(np.isfinite(y) | spread(mask, y.ndim).astype(bool), y, 0)
        traced = self._values_of(y, p)
        if traced is None:
            if sample_weight is not None:
                self._refuse_weights_of_pair()
            return self._pair(y, p)
        factors = self._factors(traced.values.shape, p.shape, sample_weight, mask)
        values = traced.values if mask is None else np.where(factors == 0, 0, traced.values)
        value = float((values * factors).sum(dtype=np.float64))
        if not want_gradient:
            return value, p[:0]
        gradient = traced.gradient(np.broadcast_to(factors, values.shape))
        return value, gradient.astype(p.dtype if p.dtype.kind == "f" else np.float64, copy=False)

    def _values_of(self, y: Array, p: Array) -> TracedValues | None:
        """Return the values of the function; None if it returns a value and its gradient."""
        from gru_c.losses.traced_function import traced_values  # imports gru_c.ops

        if self._returns_pair:
            return None
        try:
            result = traced_values(self._owner, self.function, y, p)
        except Exception as error:
            if self._returns_pair is None and self._is_pair_of_arrays(y, p, error):
                self._returns_pair = True
                return None
            raise
        if isinstance(result, tuple) and not hasattr(result, "prediction"):
            self._returns_pair = True
            return None
        self._returns_pair = False
        return result  # type: ignore[return-value]

    def _is_pair_of_arrays(self, y: Array, p: Array, error: Exception) -> bool:
        """Return True if the function returns a tuple for arrays, with which NumPy computes."""
        try:
            return isinstance(self.function(*targets.for_function(y, p)), tuple)
        except Exception as other:
            if isinstance(error, TypeError):
                return False
            raise other from None

    def _factors(
        self,
        shape: tuple[int, ...],
        output_shape: tuple[int, ...],
        sample_weight: npt.ArrayLike | None,
        mask: Array | None,
    ) -> Array:
        """Return the factors of the values in the loss: their weights over their number."""
        if sample_weight is None and mask is None:
            return np.full((), 1 / max(1, math.prod(shape)))
        if shape[:1] != output_shape[:1]:
            raise ValueError(
                f"{self._owner} returns values of shape {shape}: with weights or a mask it must "
                f"return one for each of the {output_shape[0]} samples"
            )
        factors, count = np.ones(shape), float(math.prod(shape))
        if sample_weight is not None:
            weight = targets.fit_weights(self._owner, sample_weight, output_shape[:-1])
            factors = factors * self._for_values(weight, shape)
        if mask is not None:
            counting = np.broadcast_to(self._for_values(np.asarray(mask), shape), shape)
            factors, count = factors * counting, float(counting.sum())
        return factors / max(1.0, count)

    def _for_values(self, weight: Array, shape: tuple[int, ...]) -> Array:
        """Return weights that go with values of a shape; ValueError if they have more axes."""
        if weight.ndim > len(shape) or weight.shape != shape[: weight.ndim]:
            raise ValueError(
                f"{self._owner} returns values of shape {shape}, which do not go with weights or a "
                f"mask of shape {weight.shape}"
            )
        return spread(weight, len(shape))

    def _pair(self, y: Array, p: Array) -> tuple[float, Array]:
        """Call the function with arrays, and check its value and the shape of its gradient."""
        result = self.function(*targets.for_function(y, p))
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(f"{self._owner} must return (value, gradient), got {result!r}")
        if np.ndim(result[0]):
            raise TypeError(
                f"{self._owner} must return one number and its gradient, got an array of shape "
                f"{np.shape(result[0])} as the value: return its mean, and the gradient of that"
            )
        gradient = np.array(
            targets.real_result(f"{self._owner}, as the gradient,", result[1]), p.dtype
        )
        if gradient.shape != p.shape:
            raise ValueError(
                f"{self._owner} must return a gradient of shape {p.shape}, got {gradient.shape}"
            )
        return targets.number(self._owner, result[0]), gradient

    def _shaped(self, y_true: npt.ArrayLike, output_shape: tuple[int, ...]) -> Array:
        return targets.real_array(self._owner, "y", y_true)
