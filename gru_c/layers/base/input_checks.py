"""The dtype of a layer, checks of the arrays that it is given, and the penalty of its outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape, as_real
from gru_c.common.attributes import assign
from gru_c.common.owners import name_owner
from gru_c.layers.base.keras_attributes import KerasAttributes

if TYPE_CHECKING:
    from gru_c.regularizers import Regularizer


class InputChecks(KerasAttributes):
    """Base of `Layer`: its dtype, checks of inputs and gradients, and the penalty of outputs."""

    _kind = False  # as far as attributes go, the kind is `Layer`

    dtype: str | None
    tape: Any
    activity_regularizer: Regularizer | None
    activity: Array | None

    def read_input(self, x: Any) -> Array:
        """Return the user's input as an array, if this is the first layer or used by itself.

        Raises
        ------
        TypeError, ValueError
            If the input holds something that the layer does not take: by default, anything but
            real numbers.
        """
        return as_real("x", x)

    def named_input(self, x: Any) -> Any:
        """Return `read_input(x)`; its errors name the layer."""
        try:
            return self.read_input(x)
        except (TypeError, ValueError) as error:
            name_owner(error, {repr(self.label): f"layer {self.label!r}"})
            raise

    def fits_dtype(self, dtype: str) -> bool:
        """Return True if the layer can be part of a model of this dtype."""
        return self.dtype in (None, dtype)

    def take_dtype(self, dtype: str) -> None:
        """Adopt the dtype of the model that the layer becomes part of; it fits."""
        assign(self, dtype=dtype)

    def why_not_differentiable(self) -> str:
        """Return the message for training that would need the gradient of the input."""
        return f"layer {self.label!r} has no gradient of its input"

    def activity_penalty(self) -> float:
        """Return the penalty of `activity` per sample; 0 without a regularizer of it."""
        if self.activity_regularizer is None or self.activity is None or not len(self.activity):
            return 0.0
        return self.activity_regularizer(self.activity) / len(self.activity)

    def activity_gradient(self) -> Array:
        """Return the gradient of `activity_penalty` with respect to the output."""
        assert self.activity is not None
        assert self.activity_regularizer is not None
        gradient = np.zeros_like(self.activity)
        self.activity_regularizer.add_gradient(self.activity, gradient)
        gradient /= max(len(self.activity), 1)
        return gradient

    def _refuse_shape(self, wanted: str, shape: Shape) -> NoReturn:
        raise ValueError(f"layer {self.label!r} wants input of shape {wanted}, got {shape}")

    def _refuse_features(self, features: int, x: Array) -> NoReturn:
        raise ValueError(
            f"layer {self.label!r} is built for {features} features on the last axis, "
            f"got x of shape {x.shape}"
        )

    def _require_features(self, input_shape: Shape) -> None:
        """Raise ValueError unless the input is (batch, ..., features), with known features."""
        if len(input_shape) < 2 or not input_shape[-1]:
            self._refuse_shape("(batch, ..., features)", input_shape)

    def _require_sequences(self, input_shape: Shape) -> None:
        """Raise ValueError unless the input is (batch, time, features), with known features."""
        if len(input_shape) != 3 or not input_shape[2]:
            self._refuse_shape("(batch, time, features)", input_shape)

    def _as_input(self, x: npt.ArrayLike) -> Array:
        """Return `x` in the layer's dtype; ValueError unless the layer is built."""
        self._require_built("forward")
        return as_real("x", x, self.dtype)

    def _set_tape(self, tape: Any) -> None:
        """Set `tape`, without the checks of an assignment: they take longer than a small layer."""
        self.__dict__["tape"] = tape

    def _take_tape(self, tape: Any) -> Any:
        """Return the tape for a backward pass: `tape`, or that of the last forward pass."""
        tape = self.tape if tape is None else tape
        if tape is None:
            raise ValueError(
                f"layer {self.label!r} has no tape: call forward(x, training=True) before backward"
            )
        return tape

    def _as_gradient(self, d_output: npt.ArrayLike, shape: tuple[int, ...]) -> Array:
        """Return `d_output` in the layer's dtype; ValueError unless it has the output's shape."""
        gradient = as_real("d_output", d_output, self.dtype)
        if gradient.shape != shape:
            raise ValueError(
                f"d_output of layer {self.label!r} must have the shape of its output, {shape}, "
                f"got {gradient.shape}"
            )
        return gradient
