"""Normalization of each feature over the batch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from gru_c import _core, constraints, initializers, regularizers
from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_flag, check_flags, check_integer, check_real
from gru_c.layers.base import Layer, LayerOptions
from gru_c.parameters import GivenWeights, Parameter

# Elements of a long row, and of an array whose rows are put side by side.
_LONG_ROW, _MANY = 512, 4096
_STATISTICS = ("moving_mean", "moving_variance")

if TYPE_CHECKING:
    from typing_extensions import Unpack


class _BatchNormalizationTape(NamedTuple):
    normal: Array  # (rows, features): the input, normalized
    scale: Array  # (features,): factor of the normalization
    share: Array | None  # (rows or 1, features): weight of each entry in mean and variance
    shape: tuple[int, ...]  # of the input, the normalized axis last


class BatchNormalization(Layer):
    """Give each feature mean 0 and variance 1 over the batch, then apply `gamma` and `beta`.

    ``y = (x - mean) / sqrt(variance + epsilon) * gamma + beta``. In training, mean and variance are
    those of the batch, over all its samples and time steps, and the moving statistics follow them:
    ``moving = momentum * moving + (1 - momentum) * of_batch``. In prediction, and while the layer
    is frozen (``trainable=False``), the moving statistics are used and stay unchanged.

    Weights: ``gamma`` with `scale`, ``beta`` with `center`, ``moving_mean`` and
    ``moving_variance``, all ``(features,)``. The last two are never trained: no optimizer changes
    them, and `non_trainable_weights` lists them.

    Parameters
    ----------
    axis : int
        The axis of the features; each of them has its own statistics. Not 0, the batch axis.
    momentum : float
        Share of the moving statistics that remains after a batch, from 0 to 1.
    epsilon : float
        Positive number that is added to the variance.
    center, scale : bool
        Use `beta` and `gamma`.
    beta_initializer, gamma_initializer : str or Initializer
        Initial values of the weights.
    moving_mean_initializer, moving_variance_initializer : str or Initializer
        Initial values of the moving statistics.
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

    Notes
    -----
    Time steps outside a mask do not count in the statistics, but are normalized like the others.

    With a distribution each process normalizes by its own part of the batch; the moving statistics
    are the mean over the processes.

    References
    ----------
    S. Ioffe, C. Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing
    Internal Covariate Shift", 2015, arXiv:1502.03167.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import BatchNormalization
    >>> layer = BatchNormalization(momentum=0.5, epsilon=1e-6)
    >>> layer(np.array([[1.0], [3.0]]), training=True).round(3)
    array([[-1.],
           [ 1.]], dtype=float32)
    >>> layer.value("moving_mean"), layer.value("moving_variance")
    (array([1.], dtype=float32), array([1.], dtype=float32))
    """

    _until_built = (
        "axis",
        "center",
        "scale",
        "beta_initializer",
        "gamma_initializer",
        "moving_mean_initializer",
        "moving_variance_initializer",
        "beta_regularizer",
        "gamma_regularizer",
        "beta_constraint",
        "gamma_constraint",
    )
    moves_statistics = True
    _advice: ClassVar = {**Layer._advice, "track_running_stats": "cannot be set: it is always on"}

    takes_mask = True
    mixes_samples = True
    reads_masked_steps = True

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: object = "zeros",
        gamma_initializer: object = "ones",
        moving_mean_initializer: object = "zeros",
        moving_variance_initializer: object = "ones",
        *,
        beta_regularizer: object = None,
        gamma_regularizer: object = None,
        beta_constraint: object = None,
        gamma_constraint: object = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.axis = check_integer("BatchNormalization: axis", axis, None)
        self.momentum = check_real("BatchNormalization: momentum", momentum, "[0, 1]")
        self.epsilon = check_real("BatchNormalization: epsilon", epsilon, "> 0")
        self.center = check_flag("center", center)
        self.scale = check_flag("scale", scale)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)

    @property
    def stepwise(self) -> bool:
        """True if the features are on the last axis: predictions then normalize each step alone."""
        return self.axis in (-1, len(self.built_shape or ()) - 1)

    @property
    def mixes_time(self) -> bool:
        """True unless frozen: in training the statistics are over all steps."""
        return self.trainable or not self.stepwise

    def _features(self, input_shape: Shape) -> int:
        """Return the size of the normalized axis; ValueError unless it is there and known."""
        rank = len(input_shape)
        if not -rank < self.axis < rank or self.axis == 0:
            raise ValueError(
                f"layer {self.label!r}: axis={self.axis} is not an axis behind the batch's of "
                f"input of shape {input_shape}"
            )
        size = input_shape[self.axis]
        if not size:
            self._refuse_shape(f"with a known size on axis {self.axis}", input_shape)
        return size

    def open_shape(self, shape: tuple[int, ...]) -> Shape:
        """Return the shape to build for: all sizes open, except that of the normalized axis."""
        self._features(shape)
        saved = self.axis % len(shape)
        return tuple(size if axis == saved else None for axis, size in enumerate(shape))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input; ValueError unless the normalized axis has a known size."""
        self._features(input_shape)
        return input_shape

    def weight_shapes(self, input_shape: Shape) -> dict[str, tuple[int, ...]]:
        """Return the shapes of gamma and beta, where used, and of the moving statistics."""
        used = {"gamma": self.scale, "beta": self.center, **dict.fromkeys(_STATISTICS, True)}
        names = [name for name, is_used in used.items() if is_used]
        return dict.fromkeys(names, (self._features(input_shape),))

    def _make_parameter(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        source: np.random.Generator | GivenWeights,
    ) -> Parameter:
        parameter = super()._make_parameter(name, shape, dtype, source)
        parameter.trainable = name not in _STATISTICS
        return parameter

    def forward(
        self, x: npt.ArrayLike, *, training: bool = False, mask: npt.ArrayLike | None = None
    ) -> Array:
        """Return the normalized input.

        Parameters
        ----------
        x : array_like of shape (B, ..., features)
            Input, with the features on the axis that is normalized.
        training : bool
            Use the statistics of the batch and update the moving ones, unless the layer is frozen.
            Store ``self.tape`` for `backward`.
        mask : array_like of bool, optional
            True for the steps that the statistics are over, of x's shape without the last axis.

        Returns
        -------
        ndarray of the shape of x
        """
        check_flag("training", training)
        array = self._as_input(x)
        if self._features(array.shape) != self._weight("moving_mean").size:
            self._refuse_features(self._weight("moving_mean").size, array)
        turned = np.moveaxis(array, self.axis, -1)
        rows = np.ascontiguousarray(turned).reshape(-1, turned.shape[-1])
        share = None
        with np.errstate(over="ignore", invalid="ignore"):  # NaN in the result shows it
            if training and self.trainable:
                share = self._share(array, mask)
                mean, variance = _moments(rows, share)
                self._follow(mean, variance)
            else:
                mean, variance = map(self._weight, _STATISTICS)
            scale = 1 / np.sqrt(variance + self._in_dtype(self.epsilon))
            times = _times_side_by_side(rows)
            y = rows.reshape(len(rows) // times, rows.shape[1] * times) - _repeated(mean, times)
            y *= _repeated(scale, times)
            kept = y if training else None  # by the tape: it is not written to again
            if self.scale:
                gamma = _repeated(self._weight("gamma"), times)
                y = np.multiply(y, gamma, out=None if y is kept else y)
            if self.center:
                beta = _repeated(self._weight("beta"), times)
                y = np.add(y, beta, out=None if y is kept else y)
        if kept is not None:
            self._set_tape(
                _BatchNormalizationTape(kept.reshape(rows.shape), scale, share, turned.shape)
            )
        output: Array = np.moveaxis(y.reshape(turned.shape), -1, self.axis)
        return output

    def _in_dtype(self, number: float) -> Any:
        return np.dtype(self.dtype).type(number)

    def _share(self, array: Array, mask: npt.ArrayLike | None) -> Array:
        """Return the weight of each entry in the statistics of its feature: (rows or 1, features).

        Without a mask each of n entries weighs 1 / n; with one, those of the counted steps do.
        """
        features = array.shape[self.axis]
        if mask is None:
            return np.full((1, features), features / max(array.size, 1), array.dtype)
        counted = np.asarray(mask, bool)
        if counted.shape != array.shape[:-1]:
            raise ValueError(
                f"layer {self.label!r}: mask must have shape {array.shape[:-1]}, that of x without "
                f"the last axis, got {counted.shape}"
            )
        whole = np.broadcast_to(counted[..., None], array.shape)
        rows = np.moveaxis(whole, self.axis, -1).reshape(-1, features).astype(array.dtype)
        share: Array = rows / np.maximum(rows.sum(axis=0), 1)
        return share

    def _follow(self, mean: Array, variance: Array) -> None:
        """Move the moving statistics towards those of a batch."""
        keep = self._in_dtype(self.momentum)
        for name, of_batch in zip(_STATISTICS, (mean, variance), strict=True):
            moving = self.value(name)
            moving *= keep
            moving += (1 - keep) * of_batch

    def backward(
        self,
        d_output: npt.ArrayLike,
        *,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
    ) -> Array | None:
        """Write the weights' gradients and return that of the input; see `Layer.backward`."""
        check_flags(accumulate=accumulate, input_gradient=input_gradient, keep_tape=keep_tape)
        normal, scale, share, shape = self._take_tape(tape)
        sizes = [*shape[:-1]]
        sizes.insert(self.axis % len(shape), shape[-1])
        turned = np.moveaxis(self._as_gradient(d_output, tuple(sizes)), self.axis, -1)
        d = np.ascontiguousarray(turned).reshape(normal.shape)
        if self.scale:
            _core.column_sums(d * normal, self.gradient("gamma"), accumulate)
        if self.center:
            _core.column_sums(d, self.gradient("beta"), accumulate)
        if not input_gradient:
            return None
        d_x = d * self._weight("gamma") if self.scale else d
        if share is not None:
            # Mean and variance depend on x, too: each entry that counts in them loses its share of
            # the components of all gradients along 1 and along the normalized input.
            along = _column_sums(d_x) + normal * _column_sums(d_x * normal)
            d_x = d_x - share * along
        d_input: Array = np.moveaxis((d_x * scale).reshape(shape), -1, self.axis)
        return d_input


def _times_side_by_side(rows: Array) -> int:
    """Return a divisor of the number of rows: so many of them, side by side, make a long row.

    NumPy combines each row with a vector in a loop of its own: 26 us for (3200, 4), and 5 us for
    (25, 512) with the vector repeated.
    """
    count, features = rows.shape
    if rows.size < _MANY:
        return 1
    return math.gcd(count, 1 << (max(_LONG_ROW // features, 1).bit_length() - 1))


def _repeated(vector: Array, times: int) -> Array:
    return vector if times == 1 else np.tile(vector, times)


def _moments(rows: Array, share: Array) -> tuple[Array, Array]:
    """Return mean and variance of each column, each entry with its share."""
    if len(share) == 1:
        mean = _column_sums(rows) * share[0]
        return mean, _column_sums(np.square(rows - mean)) * share[0]
    mean = _column_sums(np.where(share > 0, rows, 0) * share)
    return mean, _column_sums(np.square(np.where(share > 0, rows - mean, 0)) * share)


def _column_sums(rows: Array) -> Array:
    sums = np.empty(rows.shape[1], rows.dtype)
    _core.column_sums(np.ascontiguousarray(rows), sums, False)
    return sums
