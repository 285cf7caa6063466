"""The convolution over the time axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from gru_c import _core, activations, constraints, initializers, regularizers
from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_choice, check_flag, check_flags, check_integer
from gru_c.layers.base import LayerOptions
from gru_c.layers.base.activated_layer import ActivatedLayer
from gru_c.layers.base.time_axis import (
    TimeAxisLayer,
    TimeWindows,
    check_format,
    check_single,
)
from gru_c.layers.softmax import warn_of_constant
from gru_c.runtime.threads import team_threads

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from gru_c.parameters import Source

# Most elements of a window that the core reads in place if there are gaps between its steps, as
# a dilation and groups make them: one block of its sums. Larger windows are gathered first.
_WITH_GAPS = 128
# Bytes of windows that are gathered at a time. (256, 100, 64) to 64 filters of 3 steps took 9.5 ms
# with 2 MB, 14.7 ms with the 19 MB of all windows.
_GATHERED = 2**21
# With fewer channels than this, windows are gathered in one copy for each of their steps, because
# NumPy copies short runs slowly: 67 us instead of 242 us for (32, 1000, 1) in windows of 5 steps.
_NARROW = 4


class _ConvolutionTape(NamedTuple):
    padded: Array  # (B, steps with padding, C)
    steps: int  # without padding
    activation_tape: Array  # of the activation's `keep`, in the user's order of axes


class Conv1D(ActivatedLayer, TimeAxisLayer):
    """Convolution over the time axis: each step of the output sees a window of the input's steps.

    ``y[t] = activation(sum over j of x[t * strides + j * dilation_rate] kernel[j] + bias)``, a
    cross-correlation as in Keras and PyTorch. Weights: ``kernel (kernel_size, I / groups,
    filters)`` and ``bias (filters,)``.

    Parameters
    ----------
    filters : int
        Features of the output.
    kernel_size : int
        Steps that a window reads.
    strides : int
        Steps from one window to the next.
    padding : {"valid", "same", "causal"}
        "valid" takes the windows that lie in the input; "same" pads both ends with zeros, so that
        there are T / strides windows, rounded up; "causal" pads the beginning, so that
        ``y[t]`` depends on no step after ``x[t * strides]``.
    data_format : {"channels_last", "channels_first"}, optional
        Order of the axes of input and output: (B, T, features), the default, or (B, features, T).
    dilation_rate : int
        Steps from one step that a window reads to the next. `strides` and this cannot both be
        above 1.
    groups : int
        Number of groups that the features are split into; each has ``filters / groups`` filters.
    activation : str, Activation, function or None
        See `gru_c.activations`.
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

    Notes
    -----
    The layer drops a mask, as in Keras: masked steps are read like all others, and every step of
    the output counts. A warning says so.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Conv1D
    >>> Conv1D(16, 3, padding="causal", activation="relu")(np.zeros((2, 10, 8))).shape
    (2, 10, 16)
    """

    _advice: ClassVar = {
        **ActivatedLayer._advice,
        "out_channels": "cannot be set: here it is filters",
    }
    _until_built = (
        "filters",
        "kernel_size",
        "groups",
        "data_format",
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
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
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
        self.filters = check_integer("filters", filters, 1)
        self.kernel_size = check_single("kernel_size", kernel_size)
        self.strides = check_single("strides", strides)
        self.padding = check_choice("padding", padding, ("valid", "same", "causal"))
        self.data_format = check_format(data_format)
        self.dilation_rate = check_single("dilation_rate", dilation_rate)
        self.groups = check_integer("groups", groups, 1)
        self._activation = activations.get(activation)
        self.use_bias = check_flag("use_bias", use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        if self.filters % self.groups:
            raise ValueError(
                f"filters must be a multiple of groups, got filters={filters}, groups={groups}"
            )
        if self.strides[0] > 1 and self.dilation_rate[0] > 1:
            raise ValueError(
                "strides and dilation_rate cannot both be above 1, got "
                f"strides={strides}, dilation_rate={dilation_rate}"
            )

    @property
    def windows(self) -> TimeWindows:
        """The windows that the kernel is applied to."""
        size, stride, dilation = self.kernel_size[0], self.strides[0], self.dilation_rate[0]
        return TimeWindows(size, stride, dilation, self.padding)

    @property
    def stepwise(self) -> bool:
        """True if each window is one step: ``kernel_size=1`` and ``strides=1``."""
        in_order = self.data_format == "channels_last"
        return in_order and self.kernel_size[0] == self.strides[0] == 1

    @property
    def mixes_time(self) -> bool:
        """True unless each window is one step."""
        return not self.stepwise

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (B, windows, filters), ordered by ``data_format``; ValueError if none fits."""
        batch, steps, features = self.sequence_shape(input_shape)
        if features % self.groups:
            raise ValueError(
                f"layer {self.label!r}: the features must be a multiple of groups={self.groups}, "
                f"got input of shape {input_shape}"
            )
        count = self.count_windows(self.windows, steps, input_shape)
        return self.swapped((batch, count, self.filters))

    def weight_shapes(self, input_shape: Shape) -> dict[str, tuple[int, ...]]:
        """Shapes of kernel and, with ``use_bias``, bias."""
        features = self.sequence_shape(input_shape)[2]
        shapes: dict[str, tuple[int, ...]] = {
            "kernel": (self.kernel_size[0], features // self.groups, self.filters)
        }
        if self.use_bias:
            shapes["bias"] = (self.filters,)
        return shapes

    def build(self, input_shape: Shape, rng: Source = None) -> None:
        """Make the weights; see `Layer.build`. A softmax over one filter is warned of."""
        super().build(input_shape, rng)
        warn_of_constant(self._activation, f"layer {self.label!r}", self.filters)

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Compute the output.

        Parameters
        ----------
        x : array_like of shape (B, T, I)
            Input; (B, I, T) with ``data_format="channels_first"``.
        training : bool
            Keep ``self.tape`` for `backward`.

        Returns
        -------
        ndarray of shape (B, windows, filters)
            (B, filters, windows) with ``data_format="channels_first"``.
        """
        check_flag("training", training)
        array = self.as_sequence(x)
        kernel = self._weight("kernel")
        if array.shape[2] != kernel.shape[1] * self.groups:
            self._refuse_features(kernel.shape[1] * self.groups, self.swapped(array))
        self.compute_output_shape(self.swapped(array).shape)  # checks the number of steps
        padded = np.ascontiguousarray(self.windows.padded(array))
        count = self.windows.count(array.shape[1])
        bias = self._weight("bias") if self.use_bias else None
        output = np.empty((len(padded), count, self.filters), padded.dtype)
        for group in self._groups(array.shape[2]):
            out, part = group.of(output), padded[:, :, group.channels]
            self._convolve(part, group.of(kernel), group.of(bias), out)
        sums = self.swapped(output)
        y = self._activation.forward(sums)
        if training:
            self._set_tape(_ConvolutionTape(padded, array.shape[1], self._activation.keep(sums, y)))
        return y

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
        padded, steps, activation_tape = self._take_tape(tape)
        d_y = self._as_gradient(d_output, activation_tape.shape)
        d = self._activation.gradient(activation_tape, d_y)
        # the gradient of a user's activation may have another dtype
        d = np.ascontiguousarray(self.swapped(d), padded.dtype)
        if self.use_bias:
            rows = d.reshape(-1, self.filters)
            _core.column_sums(rows, self.gradient("bias"), accumulate)
        kernel, d_kernel = self._weight("kernel"), self.gradient("kernel")
        d_padded = np.zeros(padded.shape, padded.dtype) if input_gradient else None
        for group in self._groups(padded.shape[2]):
            d_group = np.ascontiguousarray(d[:, :, group.filters])
            whole = self.groups == 1
            target = d_kernel if whole else np.array(group.of(d_kernel), order="C")
            self._add_kernel_gradient(padded[:, :, group.channels], d_group, target, accumulate)
            if not whole:
                group.of(d_kernel)[...] = target
            if d_padded is not None:
                self._add_input_gradient(d_group, group.of(kernel), d_padded[:, :, group.channels])
        if d_padded is None:
            return None
        before = self.windows.pads(steps)[0]
        return self.swapped(d_padded[:, before : before + steps])

    # ---- one group ----

    def _groups(self, features: int) -> list[_Group]:
        """Return the channels and the filters of each group."""
        channels, filters = features // self.groups, self.filters // self.groups
        return [
            _Group(slice(i * channels, (i + 1) * channels), slice(i * filters, (i + 1) * filters))
            for i in range(self.groups)
        ]

    def _convolve(self, padded: Array, kernel: Array, bias: Array | None, out: Array) -> None:
        """Write the product of the windows and the kernel, plus the bias, to out."""
        stride, dilation, threads = self.strides[0], self.dilation_rate[0], team_threads()
        size, channels, filters = kernel.shape
        if size * channels <= _WITH_GAPS or (dilation == 1 and self.groups == 1):
            _core.convolve(padded, kernel, bias, out, stride, dilation, threads)
            return
        count = out.shape[1]
        rows = np.ascontiguousarray(kernel).reshape(1, size * channels, filters)
        for piece in self._pieces(padded, count):
            part = out[piece]
            gathered = self._gathered(padded, count, piece).reshape(*part.shape[:2], rows.shape[1])
            _core.convolve(gathered, rows, bias, part, 1, 1, threads)

    def _add_kernel_gradient(
        self, padded: Array, d_output: Array, d_kernel: Array, accumulate: bool
    ) -> None:
        """Write the gradient of the kernel to d_kernel, which is contiguous, or add it."""
        count, filters = d_output.shape[1:]
        target = d_kernel.reshape(-1, filters)
        if not accumulate:
            target[...] = 0
        for piece in self._pieces(padded, count):
            windows = self._gathered(padded, count, piece)
            d_rows = d_output[piece].reshape(-1, filters)
            _matmul(windows, True, d_rows, False, target, accumulate=True)

    def _add_input_gradient(self, d_output: Array, kernel: Array, d_padded: Array) -> None:
        """Add the gradient of the padded input to d_padded."""
        count, filters = d_output.shape[1:]
        size, channels = kernel.shape[:2]
        rows = np.ascontiguousarray(kernel).reshape(-1, filters)
        for piece in self._pieces(d_padded, count):
            d_rows = d_output[piece].reshape(-1, filters)
            d_windows = np.empty((len(d_rows), size * channels), d_output.dtype)
            _matmul(d_rows, False, rows, True, d_windows, accumulate=False)
            d_taps = d_windows.reshape(*d_output[piece].shape[:2], size, channels)
            for number in range(size):
                tap = self.windows.tap(d_padded, number, count)
                tap[piece] += d_taps[:, :, number]

    def _gathered(self, padded: Array, count: int, piece: _Piece) -> Array:
        """Return some of the windows as rows (windows, kernel_size * channels), contiguous."""
        windows, view = self.windows, self.windows.view(padded, count)[piece]
        if padded.shape[2] >= _NARROW:
            gathered = np.ascontiguousarray(view)
        else:
            gathered = np.empty(view.shape, padded.dtype)
            for number in range(windows.size):
                gathered[:, :, number] = windows.tap(padded, number, count)[piece]
        return gathered.reshape(-1, windows.size * padded.shape[2])

    def _pieces(self, padded: Array, count: int) -> Iterator[_Piece]:
        """Yield (samples, windows) of pieces of the windows that take little memory to gather."""
        numbers = self.windows.size * padded.shape[2] + self.filters // self.groups
        bytes_of_window = numbers * padded.itemsize
        most = max(1, _GATHERED // bytes_of_window)
        samples = max(1, most // max(count, 1))
        for first in range(0, len(padded), samples):
            for start in range(0, count, most):
                yield slice(first, first + samples), slice(start, min(start + most, count))


_Piece = tuple[slice, slice]


class _Group(NamedTuple):
    """The channels of the input that a group reads, and the filters that it computes."""

    channels: slice
    filters: slice

    def of(self, weight: Any) -> Any:
        """Return the group's part of a weight or of its gradient; None for None."""
        return None if weight is None else weight[..., self.filters]


def _matmul(
    a: Array, transpose_a: bool, b: Array, transpose_b: bool, out: Array, *, accumulate: bool
) -> None:
    """Write op(a) op(b) to out, or add it."""
    _core.matmul(a, transpose_a, b, transpose_b, out, accumulate, team_threads())
