"""Functions that change the shape of an array, and the places of its elements."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from gru_c.common.arrays import Array, Shape
from gru_c.ops import shapes
from gru_c.ops.operation import ARRAYS, RULES, Rule, apply
from gru_c.ops.shapes import Axes

__all__ = [
    "broadcast_to",
    "cast",
    "expand_dims",
    "flip",
    "moveaxis",
    "pad",
    "ravel",
    "repeat",
    "reshape",
    "roll",
    "squeeze",
    "swapaxes",
    "tile",
    "transpose",
]


def reshape(x: Any, newshape: int | Sequence[int | None]) -> Any:
    """Return the elements in another shape; one size may be -1. None is -1, or the size of x there.

    None occurs in shapes whose size of the batch is not known yet.
    """
    sizes = (newshape,) if isinstance(newshape, (int, np.integer)) else tuple(newshape)
    return apply("reshape", (x,), newshape=sizes)


def ravel(x: Any) -> Any:
    """Return the elements in one axis."""
    return apply("reshape", (x,), newshape=(-1,))


def transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    """Return x with its axes in another order, by default the reverse one."""
    return apply("transpose", (x,), axes=None if axes is None else tuple(axes))


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Return x with two axes exchanged."""
    axes = list(range(len(np.shape(x))))
    i, j = shapes.axis_of(axis1, len(axes)), shapes.axis_of(axis2, len(axes))
    axes[i], axes[j] = axes[j], axes[i]
    return transpose(x, axes)


def moveaxis(x: Any, source: Axes, destination: Axes) -> Any:
    """Return x with axes at other places; the others keep their order."""
    ndim = len(np.shape(x))
    sources, targets = shapes.axes_of(source, ndim), shapes.axes_of(destination, ndim)
    order = [axis for axis in range(ndim) if axis not in sources]
    for target, axis in sorted(zip(targets, sources, strict=True)):
        order.insert(target, axis)
    return transpose(x, order)


def squeeze(x: Any, axis: Axes = None) -> Any:
    """Return x without axes of length 1: those given, or all."""
    axis = axis if axis is None or isinstance(axis, int) else tuple(axis)
    return apply("squeeze", (x,), axis=axis)


def expand_dims(x: Any, axis: int | Sequence[int]) -> Any:
    """Return x with new axes of length 1 at the given places of the output."""
    axis = int(axis) if isinstance(axis, (int, np.integer)) else tuple(axis)
    return apply("expand_dims", (x,), axis=axis)


def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Return each element so many times in succession along an axis, or of the flat array."""
    if axis is None:
        x, axis = ravel(x), 0
    counts = int(repeats) if np.ndim(repeats) == 0 else tuple(map(int, repeats))
    return apply("repeat", (x,), repeats=counts, axis=int(axis))


def tile(x: Any, repeats: int | Sequence[int]) -> Any:
    """Return x side by side so many times along its axes."""
    counts = (repeats,) if isinstance(repeats, (int, np.integer)) else tuple(repeats)
    return apply("tile", (x,), repeats=counts)


def flip(x: Any, axis: Axes = None) -> Any:
    """Return the elements in reverse order along axes, or all of them."""
    axis = axis if axis is None or isinstance(axis, int) else tuple(axis)
    return apply("flip", (x,), axis=axis)


def roll(x: Any, shift: int, axis: int | None = None) -> Any:
    """Return x with its elements moved along an axis; those at the end come to the beginning."""
    return apply("roll", (x,), shift=int(shift), axis=axis)


def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """Return x with more elements before and after those along each axis.

    Parameters
    ----------
    x : array_like
    pad_width : int or sequence
        The numbers before and after for each axis, ``[(1, 2), (0, 0)]``, or one for all.
    mode : {"constant"}
        The elements are one number.
    constant_values : number, optional
        That number, by default 0.
    """
    if mode != "constant":
        raise ValueError(f"pad: mode must be 'constant', got {mode!r}: concatenate slices instead")
    ndim = len(np.shape(x))
    widths = np.broadcast_to(np.asarray(pad_width, dtype=np.int64), (ndim, 2)).tolist()
    number = 0 if constant_values is None else constant_values
    return apply("pad", (x,), pad_width=tuple(map(tuple, widths)), constant_values=number)


def broadcast_to(x: Any, shape: Sequence[int]) -> Any:
    """Return x in a larger shape, in which its elements repeat."""
    return apply("broadcast_to", (x,), newshape=tuple(shape))


def cast(x: Any, dtype: Any) -> Any:
    """Return x in another dtype; its gradient passes between floating dtypes alone."""
    return apply("cast", (x,), dtype=np.dtype(dtype).name)


# ---- rules ----


def _new_sizes(shape: Shape, newshape: Sequence[int | None]) -> list[int | None]:
    """Return the sizes of `reshape` with -1 for the open one, and None for unknown ones."""
    sizes = [size if size is None else operator.index(size) for size in newshape]
    open_places = [i for i, size in enumerate(sizes) if size is None]
    if open_places and (-1 in sizes or len(open_places) > 1):
        for i in open_places:
            sizes[i] = shape[i] if i < len(shape) else -1
    elif open_places:
        sizes[open_places[0]] = -1
    return sizes


def _reshape(x: Array, newshape: Sequence[int | None]) -> Array:
    return x.reshape(_new_sizes(x.shape, newshape))


def _reshape_shape(shape: Shape, newshape: Sequence[int | None]) -> Shape:
    sizes = _new_sizes(shape, newshape)
    total = shapes.product(shape)
    if -1 not in sizes:
        if total is not None and shapes.product(sizes) not in (None, total):
            raise ValueError(f"reshape: {shape} has {total} elements, which {newshape} does not")
        return tuple(sizes)
    others = shapes.product([size for size in sizes if size != -1])
    if total is None or others is None:
        known = shapes.product([size for size in shape if size is not None])
        unknown = sum(size is None for size in shape)
        if unknown == 1 and sizes.count(None) == 1 and others is None:
            rest = shapes.product([size for size in sizes if size not in (-1, None)]) or 1
            return tuple((known or 0) // rest if size == -1 else size for size in sizes)
        return tuple(None if size == -1 else size for size in sizes)
    if not others or total % others:
        raise ValueError(f"reshape: {total} elements of {shape} do not go into {newshape}")
    return tuple(total // others if size == -1 else size for size in sizes)


def _transpose_gradient(d: Array, y: Array, x: Array, axes: Sequence[int] | None) -> Any:
    if axes is None:
        return d.transpose()
    return d.transpose(np.argsort([axis % x.ndim for axis in axes]))


def _transpose_shape(shape: Shape, axes: Sequence[int] | None) -> Shape:
    if axes is None:
        return shape[::-1]
    order = shapes.axes_of(axes, len(shape))
    if sorted(order) != list(range(len(shape))):
        raise ValueError(f"transpose: axes {axes} are not those of shape {shape}")
    return tuple(shape[axis] for axis in order)


def _squeeze_shape(shape: Shape, axis: Axes) -> Shape:
    if axis is None:
        return tuple(size for size in shape if size != 1)
    axes = shapes.axes_of(axis, len(shape))
    if any(shape[a] not in (1, None) for a in axes):
        raise ValueError(f"squeeze: axis {axis} of shape {shape} has not length 1")
    return tuple(size for i, size in enumerate(shape) if i not in axes)


def _expand_shape(shape: Shape, axis: int | Sequence[int]) -> Shape:
    several = 1 if isinstance(axis, int) else len(axis)
    axes = shapes.axes_of(axis, len(shape) + several)
    sizes = iter(shape)
    return tuple(1 if i in axes else next(sizes) for i in range(len(shape) + several))


def _repeat_gradient(d: Array, y: Array, x: Array, repeats: Any, axis: int) -> Any:
    axis = axis % x.ndim
    if isinstance(repeats, int):
        return d.reshape(*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :]).sum(axis=axis + 1)
    gradient = np.zeros(x.shape, d.dtype)
    at = np.repeat(np.arange(x.shape[axis]), repeats)
    np.add.at(np.moveaxis(gradient, axis, 0), at, np.moveaxis(d, axis, 0))
    return gradient


def _repeat_shape(shape: Shape, repeats: Any, axis: int) -> Shape:
    axis = shapes.axis_of(axis, len(shape))
    size = shape[axis]
    length = sum(repeats) if isinstance(repeats, tuple) else None
    if isinstance(repeats, int):
        length = None if size is None else size * repeats
    return (*shape[:axis], length, *shape[axis + 1 :])


def _tile_gradient(d: Array, y: Array, x: Array, repeats: Sequence[int]) -> Any:
    ndim = max(x.ndim, len(repeats))
    counts = (1,) * (ndim - len(repeats)) + tuple(repeats)
    sizes = (1,) * (ndim - x.ndim) + x.shape
    split = d.reshape([n for pair in zip(counts, sizes, strict=True) for n in pair])
    return split.sum(axis=tuple(range(0, 2 * ndim, 2))).reshape(x.shape)


def _tile_shape(shape: Shape, repeats: Sequence[int]) -> Shape:
    ndim = max(len(shape), len(repeats))
    counts = (1,) * (ndim - len(repeats)) + tuple(repeats)
    sizes = (1,) * (ndim - len(shape)) + tuple(shape)
    return tuple(None if s is None else s * n for s, n in zip(sizes, counts, strict=True))


def _pad_gradient(d: Array, y: Array, x: Array, pad_width: Any, constant_values: Any) -> Array:
    places = zip(pad_width, x.shape, strict=True)
    return d[tuple(slice(before, before + size) for (before, _), size in places)]


def _pad_shape(shape: Shape, pad_width: Any, constant_values: Any) -> Shape:
    return tuple(
        None if size is None else before + size + after
        for size, (before, after) in zip(shape, pad_width, strict=True)
    )


def _broadcast_shape(shape: Shape, newshape: Shape) -> Shape:
    if shapes.broadcast(shape, newshape) != tuple(newshape):
        raise ValueError(f"broadcast_to: {shape} cannot be broadcast to {newshape}")
    return tuple(newshape)


def _cast_gradient(d: Array, y: Array, x: Array, dtype: str) -> Array:
    return d if y.dtype.kind == "f" else np.zeros(x.shape, x.dtype)


def _add_rules() -> None:
    def define(name: str, compute: Any, gradient: Any, shape: Any = shapes.same) -> None:
        RULES[name] = Rule(compute, (gradient,), shape, ARRAYS)

    def to_shape_of(d: Array, y: Array, x: Array, **arguments: Any) -> Array:
        return d.reshape(x.shape)

    define("reshape", _reshape, to_shape_of, _reshape_shape)
    define("transpose", np.transpose, _transpose_gradient, _transpose_shape)
    define("squeeze", np.squeeze, to_shape_of, _squeeze_shape)
    define("expand_dims", np.expand_dims, to_shape_of, _expand_shape)
    define("repeat", np.repeat, _repeat_gradient, _repeat_shape)
    define("tile", lambda x, repeats: np.tile(x, repeats), _tile_gradient, _tile_shape)
    define("flip", np.flip, lambda d, y, x, axis: np.flip(d, axis))
    define("roll", np.roll, lambda d, y, x, shift, axis: np.roll(d, -shift, axis))
    define(
        "pad",
        lambda x, pad_width, constant_values: np.pad(x, pad_width, constant_values=constant_values),
        _pad_gradient,
        _pad_shape,
    )
    define(
        "broadcast_to",
        lambda x, newshape: np.broadcast_to(x, newshape),
        lambda d, y, x, newshape: d,
        _broadcast_shape,
    )
    define("cast", lambda x, dtype: x.astype(dtype, copy=False), _cast_gradient)


_add_rules()
