"""Layers that merge several inputs into one output."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_flag, check_flags, check_integer
from gru_c.layers.base import Layer, LayerOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack

Masks = Sequence[Array | None]


class MergingLayer(Layer):
    """Base of layers without weights that take a list of inputs.

    A subclass defines `merge_shapes`, `merge` and `gradients`.
    """

    takes_several = takes_mask = True
    fewest, most = 2, 1_000_000  # inputs

    def merge_shapes(self, shapes: list[Shape]) -> Shape:
        """Return the shape of the output for shapes of the inputs."""
        raise NotImplementedError

    def merge(self, inputs: list[Array], masks: Masks) -> tuple[Array, Any]:
        """Return the output, and the value that `gradients` needs."""
        raise NotImplementedError

    def gradients(self, saved: Any, d_output: Array) -> list[Array]:
        """Return the gradients of the inputs."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the shape of the output for a list of shapes of the inputs.

        Raises
        ------
        ValueError
            If there are too few or too many inputs, or their shapes cannot be merged.
        """
        shapes = [tuple(shape) for shape in input_shape if isinstance(shape, (tuple, list))]
        if len(shapes) != len(input_shape) or not self.fewest <= len(shapes) <= self.most:
            count = self.fewest if self.fewest == self.most else f"at least {self.fewest}"
            raise ValueError(
                f"layer {self.label!r} merges a list of {count} inputs, got "
                f"{len(shapes) or 'one'}: of shape {self._text(input_shape)}"
            )
        return self.merge_shapes(shapes)

    def _text(self, shapes: Any) -> str:
        return " and ".join(map(str, shapes)) if isinstance(shapes, list) else str(shapes)

    def _refuse(self, shapes: list[Shape], reason: str) -> ValueError:
        return ValueError(
            f"layer {self.label!r} cannot merge inputs of the shapes {self._text(shapes)}: {reason}"
        )

    def read_input(self, x: Any) -> Any:
        """Return the list of inputs as arrays."""
        if not isinstance(x, (list, tuple)):
            raise ValueError(
                f"layer {self.label!r} merges a list of inputs, got {type(x).__name__}"
            )
        return _Inputs(super(MergingLayer, self).read_input(item) for item in x)

    def open_shape(self, shape: Any) -> Any:
        """Return the shapes to build for."""
        return list(shape)

    def compute_mask(self, x: Any, mask: Any = None) -> Array | None:
        """Return the mask of the output: a step counts if it counts in one of the inputs.

        None if one of the inputs has no mask.
        """
        if mask is None or any(item is None for item in mask):
            return None
        return reduce(np.logical_or, mask)

    def forward(self, x: Any, *, training: bool = False, mask: Masks | None = None) -> Array:
        """Return the output for a list of inputs.

        Parameters
        ----------
        x : list of array_like
        training : bool
            Store ``self.tape`` for `backward`.
        mask : list of ndarray of bool or None, optional
            The masks of the inputs.
        """
        check_flag("training", training)
        inputs = [np.asarray(item, self.dtype or "float32") for item in x]
        self.compute_output_shape([array.shape for array in inputs])  # checks the shapes
        y, saved = self.merge(inputs, mask or [None] * len(inputs))
        if training:
            self._set_tape((saved, y.shape))
        return y

    def backward(
        self,
        d_output: npt.ArrayLike,
        *,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
    ) -> list[Array] | None:
        """Return the list of the inputs' gradients; see `Layer.backward`."""
        check_flags(accumulate=accumulate, input_gradient=input_gradient, keep_tape=keep_tape)
        saved, shape = self._take_tape(tape)
        d = self._as_gradient(d_output, shape)
        return self.gradients(saved, d) if input_gradient else None


class _Inputs(list[Array]):
    """Arrays with the list of their shapes."""

    @property
    def shape(self) -> list[tuple[int, ...]]:
        return [array.shape for array in self]


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
        masks = [
            np.ones(np.shape(array), bool)
            if item is None
            else np.broadcast_to(_beside(item, np.ndim(array)), np.shape(array))
            for array, item in zip(x, mask, strict=True)
        ]
        merged: Array = np.concatenate(masks, axis=self.axis).any(axis=-1)
        return merged

    def merge(self, inputs: list[Array], masks: Masks) -> tuple[Array, Any]:
        """Return the arrays side by side, and the places where they meet."""
        places = np.cumsum([array.shape[self.axis] for array in inputs])[:-1]
        return np.concatenate(inputs, axis=self.axis), places

    def gradients(self, saved: Any, d_output: Array) -> list[Array]:
        """Return the parts of the gradient."""
        parts = np.split(d_output, saved, axis=self.axis)
        return [np.ascontiguousarray(part) for part in parts]


def _beside(mask: Array, axes: int) -> Array:
    """Return a mask with axes of length 1 behind its own, for an array of more axes."""
    return mask.reshape(*mask.shape, *[1] * (axes - mask.ndim))


class ElementwiseMerging(MergingLayer):
    """Base of layers that merge inputs of one shape, number by number; sizes of 1 are repeated."""

    def merge_shapes(self, shapes: list[Shape]) -> Shape:
        """Return the shape to which all inputs are broadcast, with their batch axis."""
        merged: Shape = shapes[0][1:]
        for shape in shapes[1:]:
            other = shape[1:]
            axes = min(len(merged), len(other))
            longer = merged if len(merged) >= len(other) else other
            tail = []
            for a, b in zip(merged[len(merged) - axes :], other[len(other) - axes :], strict=True):
                if None not in (a, b) and a != b and 1 not in (a, b):
                    raise self._refuse(shapes, f"sizes {a} and {b} of an axis differ")
                tail.append(b if a == 1 else a if b == 1 or b is None else b if a is None else a)
            merged = (*longer[: len(longer) - axes], *tail)
        return (next((s[0] for s in shapes if s[0] is not None), None), *merged)

    def merge(self, inputs: list[Array], masks: Masks) -> tuple[Array, Any]:
        """Return the output and what the gradients need; inputs have as many axes as the output."""
        axes = max(array.ndim for array in inputs)
        wide = [_with_axes(array, axes) for array in inputs]
        y, saved = self.combine(wide, masks)
        return y, (saved, [array.shape for array in inputs], [array.shape for array in wide])

    def gradients(self, saved: Any, d_output: Array) -> list[Array]:
        """Return the gradients of the inputs, summed where an input was repeated."""
        of_layer, shapes, wide = saved
        parts = self.partial(of_layer, d_output, len(shapes))
        return [
            _summed(part, wide_shape).reshape(shape)
            for part, wide_shape, shape in zip(parts, wide, shapes, strict=True)
        ]

    def combine(self, inputs: list[Array], masks: Masks) -> tuple[Array, Any]:
        """Return the output for inputs with as many axes, and what `partial` needs."""
        raise NotImplementedError

    def partial(self, saved: Any, d: Array, count: int) -> list[Array]:
        """Return the gradients of the inputs in the shape of the output."""
        raise NotImplementedError


def _with_axes(array: Array, axes: int) -> Array:
    """Return an array with axes of length 1 behind the batch axis."""
    return array.reshape(array.shape[:1] + (1,) * (axes - array.ndim) + array.shape[1:])


def _summed(d: Array, shape: tuple[int, ...]) -> Array:
    """Return the gradient of an array that was repeated to the shape of `d`."""
    repeated = tuple(
        i for i, (size, whole) in enumerate(zip(shape, d.shape, strict=True)) if size != whole
    )
    return d.sum(axis=repeated, keepdims=True) if repeated else d


class Add(ElementwiseMerging):
    """Add the inputs, number by number.

    Parameters
    ----------
    name, dtype, input_shape, trainable
        See `Layer`.
    """

    def combine(self, inputs: list[Array], masks: Masks) -> tuple[Array, Any]:
        """Return the sum."""
        return reduce(np.add, inputs), None

    def partial(self, saved: Any, d: Array, count: int) -> list[Array]:
        """Return the gradient, for each input."""
        return [d] * count


class Average(Add):
    """Return the mean of the inputs, number by number.

    Parameters
    ----------
    name, dtype, input_shape, trainable
        See `Layer`.
    """

    def combine(self, inputs: list[Array], masks: Masks) -> tuple[Array, Any]:
        """Return the mean."""
        total = reduce(np.add, inputs)
        return total / total.dtype.type(len(inputs)), None

    def partial(self, saved: Any, d: Array, count: int) -> list[Array]:
        """Return a share of the gradient, for each input."""
        return [d / d.dtype.type(count)] * count


class Subtract(ElementwiseMerging):
    """Subtract the second of two inputs from the first.

    Parameters
    ----------
    name, dtype, input_shape, trainable
        See `Layer`.
    """

    most = 2

    def combine(self, inputs: list[Array], masks: Masks) -> tuple[Array, Any]:
        """Return the difference."""
        return inputs[0] - inputs[1], None

    def partial(self, saved: Any, d: Array, count: int) -> list[Array]:
        """Return the gradient, and its negative."""
        return [d, -d]


class Multiply(ElementwiseMerging):
    """Multiply the inputs, number by number.

    As in Keras, inputs count as 1 in time steps outside their masks; the product is 0 where no
    input counts.

    Parameters
    ----------
    name, dtype, input_shape, trainable
        See `Layer`.
    """

    def combine(self, inputs: list[Array], masks: Masks) -> tuple[Array, Any]:
        """Return the product."""
        wide = [None if m is None else _beside(m, inputs[0].ndim) for m in masks]
        factors = [
            array if mask is None else np.where(mask, array, array.dtype.type(1))
            for array, mask in zip(inputs, wide, strict=True)
        ]
        y = reduce(np.multiply, factors)
        counts = None
        if all(mask is not None for mask in wide):
            counts = reduce(np.logical_or, [mask for mask in wide if mask is not None])
            y = np.where(counts, y, y.dtype.type(0))
        return y, (factors, wide, counts)

    def partial(self, saved: Any, d: Array, count: int) -> list[Array]:
        """Return the gradient times the other factors, for each input."""
        factors, masks, counts = saved
        if counts is not None:
            d = np.where(counts, d, d.dtype.type(0))
        parts = []
        for i, mask in enumerate(masks):
            others = [factor for number, factor in enumerate(factors) if number != i]
            part = reduce(np.multiply, others, d)
            parts.append(part if mask is None else np.where(mask, part, part.dtype.type(0)))
        return parts


class Maximum(ElementwiseMerging):
    """Return the largest of the inputs, number by number.

    As in Keras, time steps outside the mask of an input take the value of the other inputs. Where
    several are the largest, each gets a share of the gradient.

    Parameters
    ----------
    name, dtype, input_shape, trainable
        See `Layer`.
    """

    _pick: Any = staticmethod(np.maximum)

    def combine(self, inputs: list[Array], masks: Masks) -> tuple[Array, Any]:
        """Return the largest numbers."""
        y, mask = inputs[0], masks[0] if masks else None
        steps: list[Any] = []
        for x, other in zip(inputs[1:], masks[1:], strict=True):
            taken = x if other is None else np.where(_beside(other, x.ndim), x, y)
            kept = y if mask is None else np.where(_beside(mask, y.ndim), y, taken)
            result = self._pick(kept, taken)
            steps.append((kept, taken, result, mask, other))
            y = result
            mask = None if mask is None or other is None else mask | other
        return y, steps

    def partial(self, saved: Any, d: Array, count: int) -> list[Array]:
        """Return the gradient where an input was picked, for each input."""
        zero = d.dtype.type(0)
        parts: list[Array] = []
        for kept, taken, result, mask, other in reversed(saved):
            first, second = kept == result, taken == result
            share = d / (first.astype(d.dtype) + second)
            d_kept, d_taken = np.where(first, share, zero), np.where(second, share, zero)
            if mask is not None:
                counts = _beside(mask, d.ndim)
                d_taken = d_taken + np.where(counts, zero, d_kept)
                d_kept = np.where(counts, d_kept, zero)
            if other is not None:
                counts = _beside(other, d.ndim)
                d_kept = d_kept + np.where(counts, zero, d_taken)
                d_taken = np.where(counts, d_taken, zero)
            parts.insert(0, d_taken)
            d = d_kept
        return [d, *parts]


class Minimum(Maximum):
    """Return the smallest of the inputs, number by number; see `Maximum`.

    Parameters
    ----------
    name, dtype, input_shape, trainable
        See `Layer`.
    """

    _pick = staticmethod(np.minimum)


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
