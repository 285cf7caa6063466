"""The fully connected layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gru_c import _core, activations, constraints, initializers, regularizers
from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_flag, check_flags, check_integer
from gru_c.layers.base import LayerOptions
from gru_c.layers.base.activated_layer import ActivatedLayer
from gru_c.layers.softmax import warn_of_constant
from gru_c.runtime.threads import team_threads

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from gru_c.parameters import Source


class _DenseTape(NamedTuple):
    x: Array  # (rows, I)
    activation_tape: Array  # output, or what the activation keeps in its place, (B, ..., units)


class Dense(ActivatedLayer):
    """Fully connected layer ``y = activation(x kernel + bias)`` on the last axis.

    Weights: ``kernel (I, units)`` and ``bias (units,)``.

    Parameters
    ----------
    units : int
        Size of the output's last axis.
    activation : str, Activation, function or None
        "linear" (None), "relu", "sigmoid", "tanh", "softmax", ...; see `gru_c.activations`.
    use_bias : bool
        Add a bias.
    kernel_initializer, bias_initializer : str or Initializer
        Initial values of the weights.
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on the size of the weights; see `gru_c.regularizers`.
    kernel_constraint, bias_constraint : str or Constraint, optional
        Conditions that the weights satisfy after every optimizer step; see `gru_c.constraints`.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Dense
    >>> Dense(3, activation="softmax")(np.zeros((2, 5))).sum(axis=1)
    array([1., 1.], dtype=float32)
    """

    _until_built = (
        "units",
        "use_bias",
        "kernel_initializer",
        "kernel_regularizer",
        "kernel_constraint",
        "bias_initializer",
        "bias_regularizer",
        "bias_constraint",
    )

    def __init__(
        self,
        units: int,
        activation: str | activations.Activation | None = None,
        use_bias: bool = True,
        kernel_initializer: object = "glorot_uniform",
        bias_initializer: object = "zeros",
        *,
        kernel_regularizer: object = None,
        bias_regularizer: object = None,
        kernel_constraint: object = None,
        bias_constraint: object = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.units = check_integer("units", units, 1)
        self._activation = activations.get(activation)
        self.use_bias = check_flag("use_bias", use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    @property
    def stepwise(self) -> bool:
        """True: a step of the output depends on the same step of the input alone."""
        return True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (..., units); ValueError unless the last axis of the input has a known length."""
        self._require_features(input_shape)
        return (*input_shape[:-1], self.units)

    def weight_shapes(self, input_shape: Shape) -> dict[str, tuple[int, ...]]:
        """Return the shapes of kernel and, with ``use_bias``, bias."""
        shapes: dict[str, tuple[int, ...]] = {"kernel": (input_shape[-1] or 0, self.units)}
        if self.use_bias:
            shapes["bias"] = (self.units,)
        return shapes

    def build(self, input_shape: Shape, rng: Source = None) -> None:
        """Make the weights; see `Layer.build`. A softmax over one unit gives a warning."""
        super().build(input_shape, rng)
        warn_of_constant(self._activation, f"layer {self.label!r}", self.units)

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return the output.

        Parameters
        ----------
        x : array_like of shape (B, ..., I)
            Input.
        training : bool
            Store ``self.tape`` for `backward`.

        Returns
        -------
        ndarray of shape (B, ..., units)
        """
        check_flag("training", training)
        array = self._as_input(x)
        kernel = self._weight("kernel")
        if array.ndim < 2 or array.shape[-1] != len(kernel):
            self._refuse_features(len(kernel), array)
        rows = math.prod(array.shape[:-1])
        x_rows = np.ascontiguousarray(array).reshape(rows, len(kernel))
        out = np.empty((rows, self.units), array.dtype)
        if self.use_bias:
            out[:] = self._weight("bias")
        _matmul(x_rows, False, kernel, False, out, accumulate=self.use_bias)
        sums = out.reshape(*array.shape[:-1], self.units)
        y = self._activation.forward(sums)
        if training:
            self._set_tape(_DenseTape(x_rows, self._activation.keep(sums, y)))
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
        """Write the weights' gradients and return the gradient of the input.

        Parameters
        ----------
        d_output : array_like of shape (B, ..., units)
            Gradient with respect to the output; with ``through_activation=False`` with respect to
            ``x kernel + bias``, which a loss returns that is paired with the activation.
        tape, accumulate, input_gradient, keep_tape
            See `Layer.backward`.
        through_activation : bool
            True if `d_output` is the gradient of the output.

        Returns
        -------
        ndarray of shape (B, ..., I), or None without ``input_gradient``
        """
        check_flags(
            accumulate=accumulate,
            input_gradient=input_gradient,
            keep_tape=keep_tape,
            through_activation=through_activation,
        )
        x, activation_tape = self._take_tape(tape)
        d = self._as_gradient(d_output, activation_tape.shape)
        if through_activation:
            d = self._activation.gradient(activation_tape, d)
        # The gradient of a user's activation may have another dtype.
        d_rows = np.ascontiguousarray(d, x.dtype).reshape(len(x), self.units)
        _matmul(x, True, d_rows, False, self.gradient("kernel"), accumulate=accumulate)
        if self.use_bias:
            _core.column_sums(d_rows, self.gradient("bias"), accumulate)
        if not input_gradient:
            return None
        d_x = np.empty_like(x)
        _matmul(d_rows, False, self._weight("kernel"), True, d_x, accumulate=False)
        d_input: Array = d_x.reshape(*activation_tape.shape[:-1], x.shape[1])
        return d_input


def _matmul(
    a: Array, transpose_a: bool, b: Array, transpose_b: bool, out: Array, *, accumulate: bool
) -> None:
    """Write op(a) op(b) to out."""
    _core.matmul(a, transpose_a, b, transpose_b, out, accumulate, team_threads())
