"""Layers that merge several inputs into one output, and functions that apply them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_flag, check_integer
from gru_c.layers.base import LayerOptions
from gru_c.layers.base.merging_layer import Masks, MergingLayer, beside

if TYPE_CHECKING:
    from typing_extensions import Unpack

from gru_c.layers.elementwise_merging import (
    Add,
    Average,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
)


class Concatenate(MergingLayer):
    """Put the inputs side by side along an axis: (B, T, 3) and (B, T, 5) become (B, T, 8).

    Parameters
    ----------
    axis : int
        The axis, along which the inputs may differ in size.
    name, dtype, input_shape, trainable
        See `Layer`.

    Notes
    -----
    The mask is Keras's: inputs without one count in all steps, and a step of the output counts if
    one of its features comes from a step that counts.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c.layers import Concatenate
    >>> Concatenate()([np.zeros((2, 3)), np.ones((2, 5))]).shape
    (2, 8)
    """

    fewest = 1

    def __init__(self, axis: int = -1, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.axis = check_integer("Concatenate: axis", axis, None)

    def merge_shapes(self, shapes: list[Shape]) -> Shape:
        """Return the shape with the sum of the sizes along the axis."""
        axes = len(shapes[0])
        if not -axes <= self.axis < axes or self.axis in (0, -axes):
            raise self._refuse(shapes, f"axis={self.axis} is not one of their axes after the first")
        axis = self.axis % axes
        sizes = [shape[axis] if len(shape) == axes else None for shape in shapes]
        merged = list(shapes[0])
        for shape in shapes[1:]:
            if len(shape) != axes:
                raise self._refuse(shapes, "they differ in the number of their axes")
            for i, size in enumerate(shape):
                if i != axis and None not in (size, merged[i]) and size != merged[i]:
                    raise self._refuse(shapes, f"they may differ in axis {axis} alone")
                if i != axis and merged[i] is None:
                    merged[i] = size
        merged[axis] = None if None in sizes else sum(size or 0 for size in sizes)
        return tuple(merged)

    def compute_mask(self, x: Any, mask: Any = None) -> Array | None:
        """Return the mask of the output; see the notes of the class."""
        if mask is None or all(item is None for item in mask):
            return None
        masks: list[Any] = [
            np.ones(np.shape(array), bool)
            if item is None
            else np.broadcast_to(beside(item, np.ndim(array)), np.shape(array))
            for array, item in zip(x, mask, strict=True)
        ]
        return np.asarray(np.concatenate(masks, axis=self.axis).any(axis=-1))

    def merge(self, inputs: list[Array], masks: Masks) -> tuple[Array, Any]:
        """Return the arrays side by side, and the places where they meet."""
        places = np.cumsum([array.shape[self.axis] for array in inputs])[:-1]
        return np.concatenate(inputs, axis=self.axis), places

    def gradients(self, saved: Any, d_output: Array) -> list[Array]:
        """Return the parts of the gradient."""
        parts = np.split(d_output, saved, axis=self.axis)
        return [np.ascontiguousarray(part) for part in parts]


class Dot(MergingLayer):
    """Multiply two inputs as matrices, sample by sample: (B, 3, 5) and (B, 7, 5) become (B, 3, 7).

    Parameters
    ----------
    axes : int or pair of int
        The axis of each input over which the products are summed: ``axes=2`` in the example.
    normalize : bool
        Divide the vectors along these axes by their lengths first: the result is the cosine of the
        angle between them.
    name, dtype, input_shape, trainable
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c.layers import Dot
    >>> Dot(axes=2)([np.ones((2, 3, 5)), np.ones((2, 7, 5))]).shape
    (2, 3, 7)
    """

    most = 2

    def __init__(self, axes: Any, normalize: bool = False, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        pair = isinstance(axes, (list, tuple))
        if pair and len(axes) != 2:
            raise ValueError(f"Dot: axes must be an int or a pair of int, got {axes!r}")
        numbers = [check_integer("Dot: axes", axis, None) for axis in (axes if pair else [axes])]
        self.axes = tuple(numbers) if pair else numbers[0]
        self.normalize = check_flag("normalize", normalize)

    def _axes_for(self, shapes: Sequence[Sequence[Any]]) -> tuple[int, int]:
        axes = self.axes if isinstance(self.axes, tuple) else (self.axes, self.axes)
        pair = []
        for axis, shape in zip(axes, shapes, strict=True):
            if not -len(shape) < axis < len(shape) or not axis:
                reason = f"axes={self.axes} must name an axis behind the first of each"
                raise self._refuse([tuple(s) for s in shapes], reason)
            pair.append(axis % len(shape))
        return pair[0], pair[1]

    def merge_shapes(self, shapes: list[Shape]) -> Shape:
        """Return the other axes of the first input, then those of the second."""
        a, b = self._axes_for(shapes)
        x, y = shapes
        if None not in (x[a], y[b]) and x[a] != y[b]:
            raise self._refuse(shapes, f"axis {a} has {x[a]} numbers and axis {b} {y[b]}")
        batch = x[0] if x[0] is not None else y[0]
        shape = (batch, *x[1:a], *x[a + 1 :], *y[1:b], *y[b + 1 :])
        return shape if len(shape) > 1 else (batch, 1)

    def compute_mask(self, x: Any, mask: Any = None) -> None:
        """Return None: the output has other axes."""

    def merge(self, inputs: list[Array], masks: Masks) -> tuple[Array, Any]:
        """Return the products."""
        axes = self._axes_for([array.shape for array in inputs])
        scaled = [
            _normalized(array, axis) if self.normalize else (array, None)
            for array, axis in zip(inputs, axes, strict=True)
        ]
        x, y = (_last(array, axis) for (array, _), axis in zip(scaled, axes, strict=True))
        product = x @ y.swapaxes(1, 2)
        shape = self.merge_shapes([array.shape for array in inputs])
        return product.reshape([size or 0 for size in shape]), (inputs, axes, scaled, x, y)

    def gradients(self, saved: Any, d_output: Array) -> list[Array]:
        """Return the gradients of both inputs."""
        inputs, axes, scaled, x, y = saved
        d = d_output.reshape(len(x), x.shape[1], y.shape[1])
        gradients = []
        for array, axis, (unit, length), part in zip(
            inputs, axes, scaled, (d @ y, d.swapaxes(1, 2) @ x), strict=True
        ):
            rest = [*array.shape[:axis], *array.shape[axis + 1 :], array.shape[axis]]
            d_unit = np.moveaxis(part.reshape(rest), -1, axis)
            if length is not None:
                along = (d_unit * unit).sum(axis=axis, keepdims=True)
                d_unit = (d_unit - unit * along) / length
            gradients.append(np.ascontiguousarray(d_unit))
        return gradients


def _last(array: Array, axis: int) -> Array:
    """Return (B, N, size) with the axis last and all other ones in one."""
    moved = np.moveaxis(array, axis, -1)
    return moved.reshape(len(moved), int(np.prod(moved.shape[1:-1])), moved.shape[-1])


def _normalized(array: Array, axis: int) -> tuple[Array, Array]:
    """Return vectors of length 1, and the lengths that they had."""
    squares = np.square(array).sum(axis=axis, keepdims=True)
    length = np.sqrt(np.maximum(squares, array.dtype.type(1e-12)))
    return array / length, length


def concatenate(inputs: Any, axis: int = -1, **options: Any) -> Any:
    """Return `Concatenate` of a list of inputs."""
    return Concatenate(axis, **options)(inputs)


def add(inputs: Any, **options: Any) -> Any:
    """Return `Add` of a list of inputs."""
    return Add(**options)(inputs)


def subtract(inputs: Any, **options: Any) -> Any:
    """Return `Subtract` of two inputs."""
    return Subtract(**options)(inputs)


def multiply(inputs: Any, **options: Any) -> Any:
    """Return `Multiply` of a list of inputs."""
    return Multiply(**options)(inputs)


def average(inputs: Any, **options: Any) -> Any:
    """Return `Average` of a list of inputs."""
    return Average(**options)(inputs)


def maximum(inputs: Any, **options: Any) -> Any:
    """Return `Maximum` of a list of inputs."""
    return Maximum(**options)(inputs)


def minimum(inputs: Any, **options: Any) -> Any:
    """Return `Minimum` of a list of inputs."""
    return Minimum(**options)(inputs)


def dot(inputs: Any, axes: Any = -1, **options: Any) -> Any:
    """Return `Dot` of two inputs."""
    return Dot(axes, **options)(inputs)
