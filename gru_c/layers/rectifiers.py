"""Rectifiers as layers: ReLU and its kinds, one of them with slopes that are trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from gru_c import constraints, initializers, regularizers
from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_flag, check_flags, check_integer, check_real
from gru_c.layers.base import Layer, LayerOptions
from gru_c.layers.base.weightless_layer import WeightlessLayer, WeightlessTape

if TYPE_CHECKING:
    from typing_extensions import Unpack


class _Rectifier(WeightlessLayer):
    """Base of the rectifiers without weights, which are functions of single numbers."""

    @property
    def stepwise(self) -> bool:
        """True: each number of the output depends on one number of the input."""
        return True

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return the function of x, of the same shape."""
        check_flag("training", training)
        array = self._as_input(x)
        if training:
            self._set_tape(WeightlessTape(self._slope(array), array.shape))
        return self._function(array)

    def input_gradient_of(self, saved: Array, d_output: Array) -> Array:
        """Return the gradient times the slopes, which are saved."""
        return d_output * saved

    def _function(self, x: Array) -> Array:
        """Return the function of x."""
        raise NotImplementedError

    def _slope(self, x: Array) -> Array:
        """Return the derivative of the function at x, in x's dtype."""
        raise NotImplementedError


class ReLU(_Rectifier):
    """Rectified linear unit: x above the threshold, below it what ``negative_slope`` says.

    ``y = min(x, max_value)`` for ``x > threshold``, else ``negative_slope * (x - threshold)``.

    Parameters
    ----------
    max_value : float, optional
        Largest output, at least 0; by default there is none.
    negative_slope : float
        Slope below the threshold, at least 0.
    threshold : float
        Where the function begins to pass x on, at least 0.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import ReLU
    >>> ReLU(max_value=6)(np.array([[-3.0, 2.0, 9.0]]))
    array([[0., 2., 6.]], dtype=float32)
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.max_value = check_real("ReLU: max_value", max_value, ">= 0", optional=True)
        self.negative_slope = check_real("ReLU: negative_slope", negative_slope, ">= 0")
        self.threshold = check_real("ReLU: threshold", threshold, ">= 0")

    def _function(self, x: Array) -> Array:
        number = x.dtype.type
        threshold = number(self.threshold)
        below = number(0)
        if self.negative_slope:
            below = number(self.negative_slope) * np.minimum(x - threshold, 0)
        y: Array = np.where(x <= threshold, below, x)
        return y if self.max_value is None else np.minimum(y, number(self.max_value))

    def _slope(self, x: Array) -> Array:
        number, threshold = x.dtype.type, x.dtype.type(self.threshold)
        rising = x > threshold if self.max_value is None else (x > threshold) & (x < self.max_value)
        slope: Array = np.where(x < threshold, number(self.negative_slope), rising)
        return slope.astype(x.dtype, copy=False)


class LeakyReLU(_Rectifier):
    """Rectified linear unit with a slope below 0.

    Parameters
    ----------
    negative_slope : float
        The slope, at least 0.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If negative_slope is below 0 or not a number.

    Notes
    -----
    The slope of the layer is 0.3 by default, that of the activation "leaky_relu" is 0.2, as in
    Keras 3; PyTorch has 0.01.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import LeakyReLU
    >>> LeakyReLU(0.5)(np.array([[-3.0, 2.0]]))
    array([[-1.5,  2. ]], dtype=float32)
    """

    _renamed: ClassVar = {"alpha": "negative_slope"}

    def __init__(
        self,
        negative_slope: float = 0.3,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.negative_slope = check_real("LeakyReLU: negative_slope", negative_slope, ">= 0")

    def _function(self, x: Array) -> Array:
        return np.where(x <= 0, x.dtype.type(self.negative_slope) * np.minimum(x, 0), x)

    def _slope(self, x: Array) -> Array:
        number = x.dtype.type
        slope: Array = np.where(x <= 0, number(self.negative_slope), number(1))
        return slope


class ELU(_Rectifier):
    """Exponential linear unit: x above 0, else ``alpha * (exp(x) - 1)``.

    Parameters
    ----------
    alpha : float
        Minus the limit of the output for large negative numbers.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If alpha is not a finite number.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import ELU
    >>> ELU()(np.array([[-100.0, 2.0]]))
    array([[-1.,  2.]], dtype=float32)
    """

    def __init__(
        self,
        alpha: float = 1.0,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.alpha = check_real("ELU: alpha", alpha)

    def _function(self, x: Array) -> Array:
        alpha = x.dtype.type(self.alpha)
        return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))

    def _slope(self, x: Array) -> Array:
        number = x.dtype.type
        slope: Array = np.where(x > 0, number(1), number(self.alpha) * np.exp(np.minimum(x, 0)))
        return slope


class PReLU(Layer):
    """Rectified linear unit with trained slopes below 0: ``y = max(x, 0) + alpha min(x, 0)``.

    Weight: ``alpha``, of the shape of a sample, with 1 on the shared axes.

    Parameters
    ----------
    alpha_initializer : str or Initializer
        Initial values of the slopes.
    alpha_regularizer : str or Regularizer, optional
        Penalty on their size; see `gru_c.regularizers`.
    alpha_constraint : str or Constraint, optional
        Condition that they satisfy after every optimizer step; see `gru_c.constraints`.
    shared_axes : int or sequence of int, optional
        Axes along which a slope is shared, from 1 for the one behind the batch: ``[1]`` has one
        slope for each feature of (B, T, features), whatever T is.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Delving Deep into Rectifiers", 2015, arXiv:1502.01852.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import PReLU
    >>> PReLU("ones", shared_axes=[1])(np.array([[[-3.0], [2.0]]])).ravel()
    array([-3.,  2.], dtype=float32)
    """

    _until_built = ("alpha_initializer", "alpha_regularizer", "alpha_constraint", "shared_axes")

    def __init__(
        self,
        alpha_initializer: object = "zeros",
        alpha_regularizer: object = None,
        alpha_constraint: object = None,
        shared_axes: int | Sequence[int] | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        axes = shared_axes if isinstance(shared_axes, (list, tuple)) else [shared_axes]
        self.shared_axes = (
            None
            if shared_axes is None
            else [check_integer("shared_axes", axis, 1, also=" or several") for axis in axes]
        )

    @property
    def stepwise(self) -> bool:
        """True if all time steps have the same slopes."""
        return 1 in (self.shared_axes or ()) or len(self.built_shape or ()) == 2

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input; ValueError unless each slope has a place in it."""
        self._alpha_shape(input_shape)
        return input_shape

    def _alpha_shape(self, input_shape: Shape) -> tuple[int, ...]:
        shared = self.shared_axes or []
        if shared and max(shared) >= len(input_shape):
            raise ValueError(
                f"layer {self.label!r}: shared_axes={shared} are not axes of input of shape "
                f"{input_shape}"
            )
        sizes = [
            1 if axis in shared else size or 0 for axis, size in enumerate(input_shape) if axis
        ]
        if not all(sizes):
            self._refuse_shape("with known sizes on all axes that are not shared", input_shape)
        return tuple(sizes)

    def open_shape(self, shape: tuple[int, ...]) -> Shape:
        """Return the shape to build for: any sizes on the shared axes."""
        open_axes = {0, *(self.shared_axes or ())}
        return tuple(None if axis in open_axes else size for axis, size in enumerate(shape))

    def weight_shapes(self, input_shape: Shape) -> dict[str, tuple[int, ...]]:
        """Return the shape of alpha."""
        return {"alpha": self._alpha_shape(input_shape)}

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return x, times alpha where it is below 0."""
        check_flag("training", training)
        array = self._as_input(x)
        alpha = self._weight("alpha")
        if self._alpha_shape(array.shape) != alpha.shape:
            self._refuse_shape(str(self.built_shape), array.shape)
        if training:
            self._set_tape(array)
        return np.where(array < 0, alpha * np.minimum(array, 0), array)

    def backward(
        self,
        d_output: npt.ArrayLike,
        *,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
    ) -> Array | None:
        """Write the gradient of alpha and return that of the input; see `Layer.backward`."""
        check_flags(accumulate=accumulate, input_gradient=input_gradient, keep_tape=keep_tape)
        x: Array = self._take_tape(tape)
        d = self._as_gradient(d_output, x.shape)
        gradient = self.gradient("alpha")
        shared = (0, *(axis for axis, size in enumerate(gradient.shape, 1) if size == 1))
        d_alpha = (d * np.minimum(x, 0)).sum(axis=shared).reshape(gradient.shape)
        gradient[...] = gradient + d_alpha if accumulate else d_alpha
        if not input_gradient:
            return None
        slope = np.where(x < 0, self._weight("alpha"), (x > 0).astype(x.dtype))
        d_input: Array = d * slope
        return d_input
