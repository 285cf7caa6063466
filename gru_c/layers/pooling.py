"""Pooling over windows of the time axis, and over the whole of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_choice, check_flag
from gru_c.layers.base import LayerOptions
from gru_c.layers.base.time_axis import (
    TimeAxisLayer,
    TimeWindows,
    check_format,
    check_single,
)
from gru_c.layers.base.weightless_layer import WeightlessLayer, WeightlessTape
from gru_c.recurrence.step_order import which_count

if TYPE_CHECKING:
    from typing_extensions import Unpack


class _Pooling1D(TimeAxisLayer, WeightlessLayer):
    """Base of the layers that pool windows; see `MaxPooling1D`."""

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.pool_size = check_single("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else check_single("strides", strides)
        self.padding = check_choice("padding", padding, ("valid", "same"))
        self.data_format = check_format(data_format)

    @property
    def windows(self) -> TimeWindows:
        """The windows that are pooled."""
        return TimeWindows(self.pool_size[0], self.strides[0], 1, self.padding)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (B, windows, features), ordered by ``data_format``; ValueError if none fits."""
        batch, steps, features = self.sequence_shape(input_shape)
        return self.swapped((batch, self.count_windows(self.windows, steps, input_shape), features))

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return the pooled windows of x (B, T, features) as (B, windows, features)."""
        check_flag("training", training)
        array = self.as_sequence(x)
        self.compute_output_shape(self.swapped(array).shape)  # checks the number of steps
        pooled, saved = self._pool(array, training)
        y = self.swapped(pooled)
        if training:
            self._set_tape(WeightlessTape((array.shape, saved), y.shape))
        return y

    def input_gradient_of(self, saved: tuple[tuple[int, ...], Any], d_output: Array) -> Array:
        """Return the gradient of the input, which each window's gradient adds to."""
        (batch, steps, features), of_windows = saved
        d = self.swapped(d_output)
        before, after = self.windows.pads(steps)
        d_padded = np.zeros((batch, before + steps + after, features), d.dtype)
        for number in range(self.windows.size):
            tap = self.windows.tap(d_padded, number, d.shape[1])
            tap += self._gradient_of_tap(number, of_windows, d)
        return self.swapped(d_padded[:, before : before + steps])

    def _pool(self, x: Array, training: bool) -> tuple[Array, Any]:
        """Return the pooled windows of x, and when training what `_gradient_of_tap` needs."""
        raise NotImplementedError

    def _gradient_of_tap(self, number: int, saved: Any, d_output: Array) -> Array:
        """Return the gradient of the step of this number in each window."""
        raise NotImplementedError


class MaxPooling1D(_Pooling1D):
    """Take the largest value of each feature in each window of time steps.

    Parameters
    ----------
    pool_size : int
        Steps of a window.
    strides : int, optional
        Steps from one window to the next; by default `pool_size`.
    padding : {"valid", "same"}
        "valid" takes the windows that lie in the input; "same" lets windows reach over both ends,
        so that there are T / strides windows, rounded up. Only steps of the input count.
    data_format : {"channels_last", "channels_first"}, optional
        Order of the axes of input and output: (B, T, features), the default, or (B, features, T).
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.

    Notes
    -----
    Of equal values in a window the first one gets the gradient. A mask ends here, as in Keras:
    masked steps take part, and a warning says so.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import MaxPooling1D
    >>> MaxPooling1D(2)(np.array([[[1.0], [3.0], [2.0], [0.0]]])).ravel()
    array([3., 2.], dtype=float32)
    """

    def _pool(self, x: Array, training: bool) -> tuple[Array, Array]:
        windows, count = self.windows, self.windows.count(x.shape[1])
        padded = windows.padded(x, -np.inf)
        y = np.array(windows.tap(padded, 0, count))
        numbers = np.min_scalar_type(windows.size)
        where = np.zeros(y.shape if training else 0, numbers)  # of the largest in its window
        for number in range(1, windows.size):
            tap = windows.tap(padded, number, count)
            if training:
                np.copyto(where, numbers.type(number), where=tap > y)
            np.maximum(y, tap, out=y)
        return y, where

    def _gradient_of_tap(self, number: int, saved: Array, d_output: Array) -> Array:
        return np.where(saved == number, d_output, d_output.dtype.type(0))


class AveragePooling1D(_Pooling1D):
    """Take the mean of each feature in each window of time steps.

    Parameters
    ----------
    pool_size, strides, padding, data_format
        See `MaxPooling1D`. With ``padding="same"`` the mean is over the steps of the input that a
        window holds.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.

    Notes
    -----
    If ``padding="same"`` pads one end more than the other, the result differs from that of Keras
    3.15 on PyTorch, which repeats the first and last step instead of padding and counts the copies.

    The layer drops a mask, as in Keras: masked steps take part. A warning says so.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import AveragePooling1D
    >>> AveragePooling1D(2)(np.array([[[1.0], [3.0], [2.0], [0.0]]])).ravel()
    array([2., 1.], dtype=float32)
    """

    def _pool(self, x: Array, training: bool) -> tuple[Array, Array]:
        windows, count = self.windows, self.windows.count(x.shape[1])
        counted = np.ones((1, x.shape[1], 1), x.dtype)
        taken = self._sum(windows.padded(counted), count)
        return self._sum(windows.padded(x), count) / taken, taken

    def _sum(self, padded: Array, count: int) -> Array:
        total = np.array(self.windows.tap(padded, 0, count))
        for number in range(1, self.windows.size):
            total += self.windows.tap(padded, number, count)
        return total

    def _gradient_of_tap(self, number: int, saved: Array, d_output: Array) -> Array:
        d_tap: Array = d_output / saved
        return d_tap


class _GlobalPooling1D(TimeAxisLayer, WeightlessLayer):
    """Base of the layers that pool all time steps; see `GlobalMaxPooling1D`."""

    def __init__(
        self,
        data_format: str | None = None,
        keepdims: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.data_format = check_format(data_format)
        self.keepdims = check_flag("keepdims", keepdims)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (B, features); with ``keepdims`` the time axis stays, of length 1."""
        batch, _, features = self.sequence_shape(input_shape)
        return self.swapped((batch, 1, features)) if self.keepdims else (batch, features)

    def _as_output(self, pooled: Array) -> Array:
        """Return results (B, features) with the axes of the output."""
        return self.swapped(pooled[:, None]) if self.keepdims else pooled

    def _as_pooled(self, d_output: Array) -> Array:
        """Return the gradient of the output as that of the results, (B, 1, features)."""
        return self.swapped(d_output) if self.keepdims else d_output[:, None]


class GlobalMaxPooling1D(_GlobalPooling1D):
    """Take the largest value of each feature over all time steps.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        Order of the axes of the input: (B, T, features), the default, or (B, features, T).
    keepdims : bool
        True keeps the time axis, of length 1.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.

    Notes
    -----
    Equal largest values share the gradient. A mask ends here, as in Keras: masked steps take part,
    and a warning says so.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import GlobalMaxPooling1D
    >>> GlobalMaxPooling1D()(np.array([[[1.0, 5.0], [3.0, 4.0]]]))
    array([[3., 5.]], dtype=float32)
    """

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return the largest values of x (B, T, features) as (B, features)."""
        check_flag("training", training)
        array = self.as_sequence(x)
        if not array.shape[1]:
            self._refuse_shape("(batch, time, features), with a time step", array.shape)
        largest = _largest(array)
        y = self._as_output(largest)
        if training:
            self._set_tape(WeightlessTape(array == largest[:, None], y.shape))
        return y

    def input_gradient_of(self, saved: Array, d_output: Array) -> Array:
        """Return the gradient of the input: that of the output where the largest values are."""
        d = self._as_pooled(d_output)
        counts = saved.sum(axis=1, keepdims=True, dtype=d.dtype)
        return self.swapped(saved * (d / np.maximum(counts, 1)))  # 0 where the largest is NaN


def _largest(x: Array) -> Array:
    """Return the largest values of x (B, T, features) over the steps, as (B, features).

    Halves of the steps are compared as long rows, three times as fast as `max` over the axis.
    """
    while x.shape[1] > 1:
        half = x.shape[1] // 2
        larger = np.maximum(x[:, :half], x[:, half : 2 * half])
        if x.shape[1] % 2:
            np.maximum(larger[:, 0], x[:, -1], out=larger[:, 0])
        x = larger
    return np.array(x[:, 0])


class GlobalAveragePooling1D(_GlobalPooling1D):
    """Take the mean of each feature over the time steps that count.

    Parameters
    ----------
    data_format, keepdims
        See `GlobalMaxPooling1D`.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.

    Notes
    -----
    If no time step of a sample counts, its mean is NaN, as in Keras.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import GlobalAveragePooling1D
    >>> x = np.array([[[1.0, 5.0], [3.0, 4.0]]])
    >>> GlobalAveragePooling1D()(x)
    array([[2. , 4.5]], dtype=float32)
    >>> GlobalAveragePooling1D()(x, mask=np.array([[True, False]]))
    array([[1., 5.]], dtype=float32)
    """

    takes_mask = True

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> None:
        """Return None: there are no steps left."""

    def forward(
        self, x: npt.ArrayLike, *, training: bool = False, mask: npt.ArrayLike | None = None
    ) -> Array:
        """Return the mean of x (B, T, features) over the steps in mask (B, T) as (B, features)."""
        check_flag("training", training)
        array = self.as_sequence(x)
        counts = which_count(array.shape, mask, None)
        counted = np.ones((1, array.shape[1], 1), bool) if counts is None else counts[:, :, None]
        total = (array if counts is None else np.where(counted, array, 0)).sum(axis=1)
        steps = counted.sum(axis=1, dtype=array.dtype)
        with np.errstate(divide="ignore", invalid="ignore"):  # without steps it is NaN
            y = self._as_output(total / steps)
        if training:
            self._set_tape(WeightlessTape(counted / np.maximum(steps, 1)[:, None], y.shape))
        return y

    def input_gradient_of(self, saved: Array, d_output: Array) -> Array:
        """Return the gradient of the input: the output's times what each step weighs."""
        return self.swapped(self._as_pooled(d_output) * saved)
