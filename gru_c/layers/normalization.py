"""Layers that shift and scale numbers: `Normalization` and `Rescaling`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape, as_real
from gru_c.common.attributes import assign
from gru_c.common.validation import check_flag, check_integer
from gru_c.initializers import Ones, Zeros
from gru_c.layers.base import FIXED, Layer, LayerOptions
from gru_c.layers.base.weightless_layer import WeightlessLayer, WeightlessTape
from gru_c.parameters import Parameter

if TYPE_CHECKING:
    from typing_extensions import Unpack


_EPSILON = 1e-7  # the smallest divisor, as in Keras


class Normalization(WeightlessLayer):
    """Subtract the mean of data that the layer has seen, and divide by its standard deviation.

    `adapt` computes both; or the constructor is given them. Training never changes them.

    Weights, unless the constructor is given them: ``mean`` and ``variance``, of the sizes of the
    axes in `axis`, and ``count``, which Keras's files have and nothing reads.

    Parameters
    ----------
    axis : int, tuple of int or None
        Axes with a mean for each index, in the shape with the batch axis first; the others are
        averaged over. None: one mean of all numbers.
    mean, variance : float or array_like, optional
        To be used instead of those that `adapt` computes.
    invert : bool
        Multiply by the standard deviation and add the mean, which undoes the normalization.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit, or one of mean and variance is missing.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c.layers import Normalization
    >>> layer = Normalization()
    >>> layer.adapt(np.array([[0.0, 7.0, 4.0], [2.0, 9.0, 6.0], [0.0, 7.0, 4.0], [2.0, 9.0, 6.0]]))
    >>> layer(np.array([[0.0, 7.0, 4.0]]))
    array([[-1., -1., -1.]], dtype=float32)
    """

    # Initial values of the weights: before `adapt` the layer changes nothing.
    mean_initializer = Zeros()
    variance_initializer = Ones()
    count_initializer = Zeros()
    _advice: ClassVar = {
        **Layer._advice,
        **dict.fromkeys(("axis", "mean", "variance", "invert"), FIXED),
        **dict.fromkeys(
            ("mean_initializer", "variance_initializer", "count_initializer"),
            "cannot be set: adapt computes mean and variance",
        ),
    }

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: npt.ArrayLike | None = None,
        variance: npt.ArrayLike | None = None,
        invert: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        axes = axis if isinstance(axis, (list, tuple)) else () if axis is None else (axis,)
        self.axis = tuple(check_integer("axis", item, None) for item in axes)
        self.invert = check_flag("invert", invert)
        if (mean is None) != (variance is None):
            raise ValueError(
                f"mean and variance go together, got mean={mean!r} and variance={variance!r}"
            )
        self.mean = None if mean is None else as_real("mean", mean, np.float64)
        self.variance = None if variance is None else as_real("variance", variance, np.float64)
        if self.mean is not None and self.variance is not None:
            _check_moments(self.mean, self.variance, self.axis)

    @property
    def stepwise(self) -> bool:
        """True if all time steps have the same mean."""
        return self.axis in ((), (-1,))

    # ---- shapes ----

    def _kept_axes(self, shape: Shape) -> list[int]:
        """Return the axes with a mean for each index, in order; ValueError if they do not fit."""
        ndim = len(shape)
        axes = sorted(axis if axis >= 0 else axis + ndim for axis in self.axis)
        if axes and not 0 <= axes[0] <= axes[-1] < ndim:
            raise ValueError(
                f"layer {self.label!r} has axis={self.axis}, which input of shape {shape} does not "
                "have"
            )
        if axes and axes[0] == 0:
            raise ValueError(
                f"layer {self.label!r} has axis={self.axis}, which in input of shape {shape} is "
                "the axis of the samples: give axis=None for one mean, or x[:, None]"
            )
        if len(set(axes)) < len(axes):
            raise ValueError(f"layer {self.label!r} has axis={self.axis}, one axis twice")
        return axes

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape; ValueError unless it has `axis`, with known sizes."""
        axes = self._kept_axes(input_shape)
        if any(input_shape[axis] is None for axis in axes):
            self._refuse_shape(f"with known sizes of axis={self.axis}", input_shape)
        if self.mean is not None and axes:
            sizes = [input_shape[axis] for axis in axes][len(axes) - self.mean.ndim :]
            if any(n not in (1, m) for n, m in zip(self.mean.shape, sizes, strict=True)):
                self._refuse_shape(f"that has mean and variance {self.mean.shape}", input_shape)
        return input_shape

    def weight_shapes(self, input_shape: Shape) -> dict[str, tuple[int, ...]]:
        """Return the shapes of mean, variance and count; none if the constructor was given them."""
        if self.mean is not None:
            return {}
        sizes = tuple(int(input_shape[axis] or 0) for axis in self._kept_axes(input_shape))
        return {"mean": sizes, "variance": sizes, "count": ()}

    def open_shape(self, shape: tuple[int, ...]) -> Shape:
        """Return the shape with the last axis fixed, and those that have a mean for each index."""
        fixed = {*self._kept_axes(shape), len(shape) - 1} - {0}
        return tuple(size if axis in fixed else None for axis, size in enumerate(shape))

    def _make_parameter(self, name: str, *arguments: Any) -> Parameter:
        """Return a weight that no optimizer changes."""
        parameter = super()._make_parameter(name, *arguments)
        parameter.trainable = False
        return parameter

    # ---- mean and variance ----

    def adapt(self, data: Any) -> None:
        """Compute mean and variance of data, which replace earlier ones.

        Parameters
        ----------
        data : array_like of shape (samples, ...), or iterable of batches
            Batches are arrays, or tuples that begin with one; a list of arrays gives batches, too.

        Raises
        ------
        ValueError, TypeError
            If the constructor was given mean and variance, or the data does not fit.
        """
        if self.mean is not None:
            raise ValueError(f"layer {self.label!r} was given mean and variance: it cannot adapt")
        count, mean, variance = 0, np.zeros(()), np.zeros(())
        for batch in _batches(data):
            if not self.built:
                self.build(self.open_shape(batch.shape))
                assign(self, built_shape=None)  # the input may have any shape that fits
            kept_axes = self._kept_axes(batch.shape)
            expected = self._parameter("mean").array.shape
            if tuple(batch.shape[axis] for axis in kept_axes) != expected:
                raise ValueError(
                    f"layer {self.label!r} has means of shape {expected} for axis={self.axis}, got "
                    f"data of shape {batch.shape}"
                )
            over = tuple(axis for axis in range(batch.ndim) if axis not in kept_axes)
            size = int(np.prod([batch.shape[axis] for axis in over]))
            batch_mean = batch.mean(axis=over, dtype=np.float64)
            batch_variance = batch.var(axis=over, dtype=np.float64)
            share = size / (count + size) if size else 0.0
            new_mean = mean + (batch_mean - mean) * share
            variance = (variance + (mean - new_mean) ** 2) * (1 - share) + (
                batch_variance + (batch_mean - new_mean) ** 2
            ) * share
            count, mean = count + size, new_mean
        if not count:
            raise ValueError("the data has no numbers to adapt to")
        self._parameter("mean").value[...] = mean
        self._parameter("variance").value[...] = variance

    def _moments(self, ndim: int) -> tuple[Array, Array]:
        """Return mean and standard deviation, in shapes for input with `ndim` axes."""
        shape = [1] * ndim
        if self.mean is None or self.variance is None:
            mean, variance = self._weight("mean"), self._weight("variance")
        else:
            mean, variance = self.mean.astype(self.dtype), self.variance.astype(self.dtype)
        if mean.ndim:
            for axis, size in zip(
                self._kept_axes((None,) * ndim)[-mean.ndim :], mean.shape, strict=True
            ):
                shape[axis] = size
        deviation = np.maximum(np.sqrt(variance), variance.dtype.type(_EPSILON))
        return mean.reshape(shape), deviation.reshape(shape)

    # ---- passes ----

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return ``(x - mean) / deviation``; with ``invert=True`` ``mean + x * deviation``."""
        check_flag("training", training)
        array = self._as_input(x)
        self.compute_output_shape(array.shape)  # checks the shape
        mean, deviation = self._moments(array.ndim)
        y: Array = mean + array * deviation if self.invert else (array - mean) / deviation
        if training:
            self.tape = WeightlessTape(deviation, y.shape)
        return y

    def input_gradient_of(self, saved: Array, d_output: Array) -> Array:
        """Return the gradient divided by the deviation; with ``invert=True`` multiplied by it."""
        return d_output * saved if self.invert else d_output / saved


class Rescaling(WeightlessLayer):
    """Multiply by a number and add another one: ``y = x * scale + offset``.

    Parameters
    ----------
    scale, offset : float or array_like
        Arrays broadcast to a sample of the input.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    TypeError
        If scale or offset does not hold real numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c.layers import Rescaling
    >>> Rescaling(1 / 128, offset=-1)(np.array([[0, 64, 128, 256]]))
    array([[-1. , -0.5,  0. ,  1. ]], dtype=float32)
    """

    def __init__(
        self,
        scale: npt.ArrayLike,
        offset: npt.ArrayLike = 0.0,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.scale = as_real("scale", scale, np.float64)
        self.offset = as_real("offset", offset, np.float64)

    @property
    def stepwise(self) -> bool:
        """True if all time steps are scaled alike."""
        return max(self.scale.ndim, self.offset.ndim) <= 1

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape; ValueError if scale or offset does not broadcast to it."""
        for values in (self.scale, self.offset):
            sizes = input_shape[len(input_shape) - values.ndim :]
            fits = values.ndim < len(input_shape) and all(
                length in (1, size) or size is None
                for length, size in zip(values.shape, sizes, strict=True)
            )
            if values.ndim and not fits:
                self._refuse_shape(f"(batch, ...) that ends with {values.shape}", input_shape)
        return input_shape

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return ``x * scale + offset``."""
        check_flag("training", training)
        array = self._as_input(x)
        self.compute_output_shape(array.shape)  # checks the shape
        scale = self.scale.astype(self.dtype)
        y: Array = array * scale + self.offset.astype(self.dtype)
        if training:
            self.tape = WeightlessTape(scale, y.shape)
        return y

    def input_gradient_of(self, saved: Array, d_output: Array) -> Array:
        """Return the gradient times the scale."""
        return d_output * saved


def _check_moments(mean: Array, variance: Array, axis: tuple[int, ...]) -> None:
    """Raise ValueError unless mean and variance fit each other and the axes."""
    if mean.shape != variance.shape:
        raise ValueError(
            f"mean and variance must have the same shape, got {mean.shape} and {variance.shape}"
        )
    if mean.ndim > len(axis):
        raise ValueError(f"mean of shape {mean.shape} has more axes than axis={axis}")
    if not (variance >= 0).all():
        raise ValueError("variance must not be negative or NaN")


def _batches(data: Any) -> Iterator[Array]:
    """Yield arrays: the data itself, or the batches that it gives."""
    is_list = isinstance(data, (list, tuple))
    gives_batches = is_list and all(isinstance(item, np.ndarray) for item in data)
    if not gives_batches and (
        is_list or hasattr(data, "__array__") or not isinstance(data, Iterable)
    ):
        yield as_real("data", data)
        return
    for batch in data:
        yield as_real("a batch of data", batch[0] if isinstance(batch, tuple) else batch)
