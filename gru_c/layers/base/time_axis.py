"""Windows over the time axis, and the base of the layers that move along it or resize it."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_choice, check_integer
from gru_c.common.warnings import warn
from gru_c.layers.base.layer import Layer

FORMATS = ("channels_last", "channels_first")

T = TypeVar("T", "Array", Shape)


class TimeWindows(NamedTuple):
    """Windows of equal size over the time axis, as a convolution or a pooling layer takes them.

    Attributes
    ----------
    size : int
        Time steps that a window reads.
    stride : int
        Time steps from one window to the next.
    dilation : int
        Time steps from one step that a window reads to the next.
    padding : {"valid", "same", "causal"}
        "valid" pads nothing; "same" pads both ends, so that there are T / stride windows, rounded
        up, the odd step at the end; "causal" pads the beginning, so that a window ends with the
        step that it belongs to.
    """

    size: int
    stride: int
    dilation: int
    padding: str

    @property
    def reach(self) -> int:
        """Time steps from the first to the last one of a window, both included."""
        return (self.size - 1) * self.dilation + 1

    def count(self, steps: int) -> int:
        """Return the number of windows over a number of steps; 0 or less if none fits."""
        if self.padding == "valid":
            return (steps - self.reach) // self.stride + 1
        return -(-steps // self.stride)

    def pads(self, steps: int) -> tuple[int, int]:
        """Return the numbers of padded steps before and after a number of steps."""
        if self.padding == "valid":
            return 0, 0
        if self.padding == "causal":
            return self.reach - 1, 0
        total = max(0, (self.count(steps) - 1) * self.stride + self.reach - steps)
        return total // 2, total - total // 2

    def padded(self, x: Array, value: float = 0.0) -> Array:
        """Return x (B, T, C) with padding of this value; x itself where nothing is padded."""
        batch, steps, channels = x.shape
        before, after = self.pads(steps)
        if not before + after:
            return x
        padded = np.empty((batch, before + steps + after, channels), x.dtype)
        padded[:, :before] = padded[:, before + steps :] = value
        padded[:, before : before + steps] = x
        return padded

    def tap(self, padded: Array, number: int, count: int) -> Array:
        """Return the step of this number of each of the first `count` windows: (B, count, C)."""
        first = number * self.dilation
        return padded[:, first : first + (count - 1) * self.stride + 1 : self.stride]

    def view(self, padded: Array, count: int) -> Array:
        """Return the first `count` windows over padded steps as a view (B, count, size, C)."""
        batch, _, channels = padded.shape
        by_batch, by_step, by_channel = padded.strides
        return np.lib.stride_tricks.as_strided(
            padded,
            (batch, count, self.size, channels),
            (by_batch, by_step * self.stride, by_step * self.dilation, by_channel),
            writeable=False,
        )


class TimeAxisLayer(Layer):
    """Base of the layers that move along the time axis, or change its length.

    Their input is (batch, time, features), with ``data_format="channels_first"`` (batch, features,
    time). As in Keras, they drop a mask: every step of the output counts.
    """

    _until_built: tuple[str, ...] = ("data_format",)

    @property
    def _features_first(self) -> bool:
        return getattr(self, "data_format", "channels_last") == "channels_first"

    @property
    def mixes_time(self) -> bool:
        """True: a step of the output depends on several steps of the input, or on later ones."""
        return True

    def swapped(self, value: T) -> T:
        """Swap time and features of an array or a shape where ``data_format`` puts features first.

        This turns the user's order of axes into (batch, time, features), and vice versa.
        """
        if not self._features_first:
            return value
        if isinstance(value, tuple):
            return (*value[:1], *value[:0:-1])
        swapped: Array = value.swapaxes(1, 2)
        return swapped

    def open_shape(self, shape: tuple[int, ...]) -> Shape:
        """Return the shape to build for: any number of steps, the features of the data."""
        opened = (*(None for _ in shape[:-1]), *self.swapped(shape)[-1:])
        return self.swapped(opened)

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> None:
        """Return None: every step of the output counts. Warn if some steps of the input do not."""
        warn_of_dropped_mask(self, mask)

    def sequence_shape(self, input_shape: Shape) -> tuple[int | None, int | None, int]:
        """Return the input's shape as (batch, time, features); ValueError if it has other axes."""
        shape = self.swapped(input_shape)
        if len(shape) != 3 or not shape[2]:
            wanted = "(batch, time, features)"
            if self._features_first:
                wanted = "(batch, features, time), as data_format='channels_first' says"
            self._refuse_shape(wanted, input_shape)
        return shape[0], shape[1], shape[2]

    def as_sequence(self, x: npt.ArrayLike) -> Array:
        """`x` as an array (batch, time, features); ValueError unless it has these axes."""
        array = self._as_input(x)
        self.sequence_shape(array.shape)
        return self.swapped(array)

    def count_windows(
        self, windows: TimeWindows, steps: int | None, input_shape: Shape
    ) -> int | None:
        """Return the number of windows, None if the time is open; ValueError if no window fits."""
        if steps is None:
            return None
        if windows.padding == "valid" and windows.count(steps) < 1:
            raise ValueError(
                f"layer {self.label!r}: a window reaches over {windows.reach} time steps, but the "
                f"input of shape {input_shape} has {steps}: give it more steps, a smaller window "
                "or padding='same'"
            )
        return windows.count(steps)


def warn_of_dropped_mask(layer: Layer, mask: Array | None) -> None:
    """Warn, as Keras does, of a layer behind which masked time steps count like all others."""
    if mask is not None and not mask.all():
        warn(
            f"layer {layer.label!r} ({type(layer).__name__}) drops the mask, as in Keras: the time "
            "steps that do not count go into its output, and behind it every step counts"
        )


def check_single(name: str, value: object) -> tuple[int]:
    """Return an integer, or the one in a tuple or list, as a tuple of one, as Keras keeps it."""
    if isinstance(value, (tuple, list)) and len(value) == 1:
        value = value[0]
    return (check_integer(name, value, 1, also=", also in a tuple of one"),)


def check_pair(name: str, value: object) -> tuple[int, int]:
    """Return numbers of steps at the beginning and at the end; one integer stands for both."""
    pair = value if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) != 2:
        raise ValueError(f"{name} must be an integer or two of them, got {value!r}")
    before, after = (check_integer(name, item, also=", or two of them") for item in pair)
    return before, after


def check_format(value: object) -> str:
    """Return a data format; None stands for "channels_last"."""
    return "channels_last" if value is None else check_choice("data_format", value, FORMATS)
