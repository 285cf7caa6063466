"""The layer that applies an activation function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from gru_c import activations
from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_flag, check_flags
from gru_c.layers.base import LayerOptions
from gru_c.layers.base.activated_layer import ActivatedLayer
from gru_c.layers.softmax import warn_of_constant

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from gru_c.parameters import Source


class Activation(ActivatedLayer):
    """Apply an activation function.

    Parameters
    ----------
    activation : str or gru_c.activations.Activation
        "relu", "sigmoid", "softmax" (over the last axis), ...; see `gru_c.activations`.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If there is no such activation.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Activation
    >>> Activation("relu")(np.array([[-3.0, 0.0, 2.0]]))
    array([[0., 0., 2.]], dtype=float32)
    """

    def __init__(
        self,
        activation: str | activations.Activation | None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self._activation = activations.get(activation)

    @property
    def stepwise(self) -> bool:
        """True: a step of the output depends on the same step of the input alone."""
        return True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape; ValueError for a softmax of samples of one number each."""
        if self.activation == "softmax" and input_shape == (None,):
            self._refuse_shape("(batch, ..., features)", input_shape)
        return input_shape

    def build(self, input_shape: Shape, rng: Source = None) -> None:
        """Check the shape and mark the layer as built; see `Layer.build`.

        A softmax over an axis of size 1 gives a warning.
        """
        super().build(input_shape, rng)
        warn_of_constant(self._activation, f"layer {self.label!r}", input_shape[-1])

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return the activation of x, of the same shape."""
        check_flag("training", training)
        array = self._as_input(x)
        y = self._activation.forward(array)
        if training:
            self._set_tape(self._activation.keep(array, y))
        return y

    def backward(
        self,
        d_output: npt.ArrayLike,
        *,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
        through_activation: bool = True,
    ) -> Array | None:
        """Return the gradient of the input; see `Layer.backward`.

        With ``through_activation=False``, for a loss that is paired with the activation,
        `d_output` is already the gradient of the input and is returned.
        """
        check_flags(
            accumulate=accumulate,
            input_gradient=input_gradient,
            keep_tape=keep_tape,
            through_activation=through_activation,
        )
        activation_tape: Array = self._take_tape(tape)
        d = self._as_gradient(d_output, activation_tape.shape)
        if not input_gradient:
            return None
        return self._activation.gradient(activation_tape, d) if through_activation else d
