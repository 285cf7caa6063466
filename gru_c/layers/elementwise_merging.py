"""Layers that merge inputs of one shape, number by number."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from gru_c.common.arrays import Array, Shape
from gru_c.layers.base.merging_layer import Masks, MergingLayer, beside

if TYPE_CHECKING:
    pass


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
        wide = [None if m is None else beside(m, inputs[0].ndim) for m in masks]
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
            taken = x if other is None else np.where(beside(other, x.ndim), x, y)
            kept = y if mask is None else np.where(beside(mask, y.ndim), y, taken)
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
                counts = beside(mask, d.ndim)
                d_taken = d_taken + np.where(counts, zero, d_kept)
                d_kept = np.where(counts, d_kept, zero)
            if other is not None:
                counts = beside(other, d.ndim)
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
