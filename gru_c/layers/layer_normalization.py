"""The layer that normalizes the features of each time step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gru_c import _core, constraints, initializers, regularizers
from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_flag, check_flags, check_real
from gru_c.layers.base import Layer, LayerOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


class _LayerNormalizationTape(NamedTuple):
    normal: Array  # (rows, I): mean 0, variance 1
    scale: Array  # (rows, 1): 1 / sqrt(variance + epsilon)
    shape: tuple[int, ...]  # of the input


class LayerNormalization(Layer):
    """Normalize the last axis to mean 0 and variance 1, then scale and shift it.

    ``y = (x - mean) / sqrt(variance + epsilon) * gamma + beta``. Weights: ``gamma (features,)``
    with ``scale=True`` and ``beta (features,)`` with ``center=True``.

    Parameters
    ----------
    axis : int
        The axis that is normalized. Only -1, the last one, is supported.
    epsilon : float
        Positive number that is added to the variance.
    center, scale : bool
        Use `beta` and `gamma`.
    beta_initializer, gamma_initializer : str or Initializer
        Initial values of the weights.
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
        Penalties on the size of the weights; see `gru_c.regularizers`.
    beta_constraint, gamma_constraint : str or Constraint, optional
        Conditions that the weights satisfy after every optimizer step; see `gru_c.constraints`.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.

    References
    ----------
    J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer Normalization", 2016, arXiv:1607.06450.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import LayerNormalization
    >>> LayerNormalization(epsilon=1e-6)(np.array([[1.0, 3.0], [10.0, 30.0]])).round(3)
    array([[-1.,  1.],
           [-1.,  1.]], dtype=float32)
    """

    _until_built = (
        "center",
        "scale",
        "beta_initializer",
        "gamma_initializer",
        "beta_regularizer",
        "gamma_regularizer",
        "beta_constraint",
        "gamma_constraint",
    )

    def __init__(
        self,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: object = "zeros",
        gamma_initializer: object = "ones",
        *,
        beta_regularizer: object = None,
        gamma_regularizer: object = None,
        beta_constraint: object = None,
        gamma_constraint: object = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        if axis != -1:
            raise ValueError(
                f"LayerNormalization takes the last axis only: axis must be -1, got {axis!r}"
            )
        self.axis = -1
        self.epsilon = check_real("LayerNormalization: epsilon", epsilon, "> 0")
        self.center = check_flag("center", center)
        self.scale = check_flag("scale", scale)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)

    @property
    def stepwise(self) -> bool:
        """True: only the last axis is normalized."""
        return True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape; ValueError unless its last axis has a known length."""
        self._require_features(input_shape)
        return input_shape

    def weight_shapes(self, input_shape: Shape) -> dict[str, tuple[int, ...]]:
        """Return the shapes of gamma (with ``scale``) and beta (with ``center``)."""
        features = (input_shape[-1] or 0,)
        names = [name for name, used in (("gamma", self.scale), ("beta", self.center)) if used]
        return dict.fromkeys(names, features)

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return the normalized input, scaled and shifted.

        Parameters
        ----------
        x : array_like of shape (B, ..., features)
            Input.
        training : bool
            Store ``self.tape`` for `backward`.

        Returns
        -------
        ndarray of shape (B, ..., features)
        """
        check_flag("training", training)
        array = self._as_input(x)
        features = (self.built_shape or ())[-1] or 0
        if array.ndim < 2 or array.shape[-1] != features:
            self._refuse_features(features, array)
        rows = np.ascontiguousarray(array).reshape(-1, features)
        with np.errstate(over="ignore", invalid="ignore"):  # the output has inf or NaN then
            normal = rows - rows.mean(axis=1, keepdims=True)
            variance = np.square(normal).mean(axis=1, keepdims=True)
            scale = 1 / np.sqrt(variance + self.epsilon)
            normal *= scale
            y = normal * self._weight("gamma") if self.scale else normal
            y = y + self._weight("beta") if self.center else y
        if training:
            self._set_tape(_LayerNormalizationTape(normal, scale, array.shape))
        output: Array = y.reshape(array.shape)
        return output

    def backward(
        self,
        d_output: npt.ArrayLike,
        *,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
    ) -> Array | None:
        """Write the weights' gradients and return the input's; see `Layer.backward`."""
        check_flags(accumulate=accumulate, input_gradient=input_gradient, keep_tape=keep_tape)
        normal, scale, shape = self._take_tape(tape)
        d = np.ascontiguousarray(self._as_gradient(d_output, shape)).reshape(normal.shape)
        if self.scale:
            _core.column_sums(d * normal, self.gradient("gamma"), accumulate)
        if self.center:
            _core.column_sums(d, self.gradient("beta"), accumulate)
        if not input_gradient:
            return None
        d_normal = d * self._weight("gamma") if self.scale else d
        # Mean and variance depend on x, too, so the parts of d_normal that are constant along the
        # axis or proportional to `normal` cancel.
        along_x = (d_normal * normal).mean(axis=1, keepdims=True)
        d_x: Array = d_normal - d_normal.mean(axis=1, keepdims=True) - normal * along_x
        d_x *= scale
        d_input: Array = d_x.reshape(shape)
        return d_input
