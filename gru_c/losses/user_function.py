"""Users' functions as losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array
from gru_c.common.registry import snake_case
from gru_c.losses import targets
from gru_c.losses.base import Loss, require_finite_gradient

LossFunction = Callable[[Array, Array], tuple[float, npt.ArrayLike]]


def _shown(result: object) -> str:
    """Return the text that stands for a function's result in a message."""
    shape = np.shape(result) if isinstance(result, np.ndarray) else ()
    return f"an array of shape {shape}" if shape else repr(result)


class FunctionLoss(Loss):
    """A user's function ``f(y_true, y_pred) -> (value, gradient)`` as a loss.

    The function gets the user's targets of a batch and the predictions, and returns the loss of the
    batch and its gradient by the predictions. It cannot be stored in a file.

    Both arrays are read-only: an operation in place, such as ``y -= p``, raises ValueError. So does
    an operation that would broadcast targets (n,) against predictions (n, 1).

    Parameters
    ----------
    function : callable
        It returns a number and its derivative, an array of the shape of `y_pred`. A function for
        Keras returns only values and cannot be used: gru_c does not differentiate functions.

    Examples
    --------
    >>> loss = FunctionLoss(lambda y, p: (float(((p - y) ** 2).sum()), 2 * (p - y)))
    >>> loss.value_and_gradient(np.zeros((1, 1)), np.ones((1, 1)))
    (1.0, array([[2.]]))
    """

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
        self._weights(sample_weight, output_shape)
        y = targets.real_array(self._owner, "y", y_true)
        if y.shape[:1] != tuple(output_shape)[:1]:
            raise ValueError(f"{self._owner} expects y of {output_shape[0]} samples, got {y.shape}")
        return y, None

    def _value(
        self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike, sample_weight: npt.ArrayLike | None
    ) -> float:
        return self._returned(y_true, y_pred, sample_weight)[0]

    def _value_and_gradient(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
        logits: bool,
    ) -> tuple[float, Array]:
        value, gradient = self._returned(y_true, y_pred, sample_weight, logits)
        require_finite_gradient(self._owner, value, gradient)
        return value, gradient

    def _returned(
        self,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
        logits: bool = False,
    ) -> tuple[float, Array]:
        """Call the function, and check its value and the shape of its gradient."""
        self._weights(sample_weight, ())
        p = targets.predictions(self._owner, y_pred)
        y = targets.real_array(self._owner, "y", y_true)
        if logits:
            self.pre_activation_gradient(y, p)
        if p.shape[0] == 0:  # a mean over no samples would be NaN, with a warning
            return 0.0, np.zeros_like(p)
        result = self.function(*targets.for_function(y, p))
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(
                f"{self._owner} must return (value, gradient), got {_shown(result)}: gru_c does "
                "not differentiate functions as Keras does, so the function gives the derivative "
                f"of its value by y_pred, too, an array of shape {p.shape}"
            )
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

    def _weights(self, sample_weight: npt.ArrayLike | None, output_shape: tuple[int, ...]) -> None:
        if sample_weight is not None:
            raise ValueError(f"{self._owner} is a function and takes no sample_weight")
