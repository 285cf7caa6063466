"""Layers that change the shape: `Flatten`, `Reshape`, `Permute` and `RepeatVector`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_flag, check_integer
from gru_c.layers.base import LayerOptions
from gru_c.layers.base.time_axis import warn_of_dropped_mask
from gru_c.layers.base.weightless_layer import WeightlessLayer, WeightlessTape

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Flatten(WeightlessLayer):
    """Merge all axes after the batch axis into one: (B, T, I) becomes (B, T * I).

    Parameters
    ----------
    name, dtype, input_shape, trainable
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Flatten
    >>> Flatten()(np.zeros((2, 10, 8))).shape
    (2, 80)
    """

    @property
    def mixes_time(self) -> bool:
        """True: the time axis is merged with the others."""
        return True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (B, product of the other sizes), or (B, None) if one of them is not known."""
        if not input_shape:
            self._refuse_shape("(batch, ...)", input_shape)
        batch, *sizes = input_shape
        known = [size for size in sizes if size is not None]
        return (batch, math.prod(known) if len(known) == len(sizes) else None)

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> None:
        """Return None: the output has no time axis."""

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return x of shape (B, ...) as (B, features)."""
        check_flag("training", training)
        array = self._as_input(x)
        batch, features = self.compute_output_shape(array.shape)
        y = array.reshape(batch or 0, features or 0)
        if training:
            self._set_tape(WeightlessTape(array.shape, y.shape))
        return y

    def input_gradient_of(self, saved: tuple[int, ...], d_output: Array) -> Array:
        """Return the gradient in the shape of the input, which was saved."""
        return d_output.reshape(saved)


class Reshape(WeightlessLayer):
    """Give each sample another shape, with its numbers in the same order.

    Parameters
    ----------
    target_shape : sequence of int
        Shape of a sample of the output. One size may be -1: it follows from the others.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If a size is not a positive integer or -1, or two are -1.

    Notes
    -----
    The layer drops a mask, as in Keras: every step of its output counts. A warning says so.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Reshape
    >>> Reshape((-1, 4))(np.zeros((2, 24))).shape
    (2, 6, 4)
    """

    def __init__(
        self,
        target_shape: Sequence[int],
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        if isinstance(target_shape, int):
            raise TypeError(f"target_shape must be a tuple such as (-1, 4), got {target_shape!r}")
        self.target_shape = tuple(
            check_integer("every size of target_shape", size, -1) for size in target_shape
        )
        if 0 in self.target_shape or self.target_shape.count(-1) > 1:
            raise ValueError(
                "target_shape must have positive sizes, one of which may be -1, got "
                f"{self.target_shape}"
            )

    @property
    def mixes_time(self) -> bool:
        """True: the steps of the output are not those of the input."""
        return True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return B and the target shape, with None for an open -1; ValueError unless it fits."""
        if not input_shape:
            self._refuse_shape("(batch, ...)", input_shape)
        batch, *sizes = input_shape
        known_sizes = [size for size in self.target_shape if size != -1]
        if None in sizes:
            return (batch, *(None if size == -1 else size for size in self.target_shape))
        total, product = math.prod(size or 0 for size in sizes), math.prod(known_sizes)
        open_size, remainder = divmod(total, product)
        if remainder or (len(known_sizes) == len(self.target_shape) and open_size != 1):
            raise ValueError(
                f"layer {self.label!r}: samples of shape {tuple(sizes)} cannot have the shape "
                f"{self.target_shape}"
            )
        return (batch, *(open_size if size == -1 else size for size in self.target_shape))

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> None:
        """Return None: the steps of the output are not those of the input."""
        warn_of_dropped_mask(self, mask)

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return x with samples of the target shape."""
        check_flag("training", training)
        array = self._as_input(x)
        y = array.reshape([size or 0 for size in self.compute_output_shape(array.shape)])
        if training:
            self._set_tape(WeightlessTape(array.shape, y.shape))
        return y

    def input_gradient_of(self, saved: tuple[int, ...], d_output: Array) -> Array:
        """Return the gradient in the input's shape, which is what was saved."""
        return d_output.reshape(saved)


class Permute(WeightlessLayer):
    """Put the axes of each sample into another order: (2, 1) turns (B, T, I) into (B, I, T).

    Parameters
    ----------
    dims : sequence of int
        For each axis of the output, the number of that axis in the input; the axis after the
        batch axis has number 1.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If dims does not have each number from 1 to its length once.

    Notes
    -----
    The layer drops a mask, as in Keras: every step of its output counts. A warning says so.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Permute
    >>> Permute((2, 1))(np.zeros((2, 10, 8))).shape
    (2, 8, 10)
    """

    def __init__(
        self,
        dims: Sequence[int],
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        if isinstance(dims, int):
            raise TypeError(f"dims must be a tuple such as (2, 1), got {dims!r}")
        self.dims = tuple(check_integer("every number of dims", axis, 1) for axis in dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"dims must have each number from 1 to {len(self.dims)} once, got {self.dims}"
            )

    @property
    def mixes_time(self) -> bool:
        """True: the steps of the output are not those of the input."""
        return True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape in the new order; ValueError unless it has one axis for each of dims."""
        if len(input_shape) != len(self.dims) + 1:
            self._refuse_shape(f"(batch, ...) with {len(self.dims) + 1} axes", input_shape)
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> None:
        """Return None: the steps of the output are not those of the input."""
        warn_of_dropped_mask(self, mask)

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return x with its axes in the new order."""
        check_flag("training", training)
        array = self._as_input(x)
        self.compute_output_shape(array.shape)  # checks the shape
        y: Array = array.transpose(0, *self.dims)
        if training:
            self._set_tape(WeightlessTape(None, y.shape))
        return y

    def input_gradient_of(self, saved: None, d_output: Array) -> Array:
        """Return the gradient with its axes in the input's order."""
        order = [0, *(1 + axis for axis in np.argsort(self.dims).tolist())]
        d_x: Array = d_output.transpose(order)
        return d_x


class RepeatVector(WeightlessLayer):
    """Repeat a vector: (B, features) becomes (B, n, features).

    Parameters
    ----------
    n : int
        Number of time steps.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If n is not a positive integer.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import RepeatVector
    >>> RepeatVector(2)(np.array([[1.0, 5.0]]))
    array([[[1., 5.],
            [1., 5.]]], dtype=float32)
    """

    def __init__(
        self,
        n: int,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.n = check_integer("n", n, 1)

    @property
    def mixes_time(self) -> bool:
        """True: the output has a time axis that the input does not have."""
        return True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (B, n, features); ValueError unless the input is (B, features)."""
        if len(input_shape) != 2:
            self._refuse_shape("(batch, features)", input_shape)
        return (input_shape[0], self.n, input_shape[1])

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> None:
        """Return None: every step of the output counts."""

    def forward(self, x: npt.ArrayLike, *, training: bool = False) -> Array:
        """Return x of shape (B, features) repeated n times, of shape (B, n, features)."""
        check_flag("training", training)
        array = self._as_input(x)
        self.compute_output_shape(array.shape)  # checks the shape
        y = np.repeat(array[:, None], self.n, axis=1)
        if training:
            self._set_tape(WeightlessTape(None, y.shape))
        return y

    def input_gradient_of(self, saved: None, d_output: Array) -> Array:
        """Return the sum of the gradients of the time steps, (B, features)."""
        d_x: Array = d_output.sum(axis=1)
        return d_x
