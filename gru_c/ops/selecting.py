"""Functions that join arrays, and that take parts of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_integer
from gru_c.ops import shapes
from gru_c.ops.dtypes import as_array
from gru_c.ops.operation import ARRAYS, RULES, Rule, apply

__all__ = [
    "concatenate",
    "diagonal",
    "get_item",
    "hstack",
    "one_hot",
    "slice",
    "split",
    "stack",
    "take",
    "take_along_axis",
    "tril",
    "triu",
    "unstack",
    "vstack",
]

_slice = slice


def concatenate(xs: Sequence[Any], axis: int = 0) -> Any:
    """Return arrays joined along an axis that they have."""
    return apply("concatenate", tuple(xs), axis=int(axis))


def stack(x: Sequence[Any], axis: int = 0) -> Any:
    """Return arrays of one shape joined along a new axis."""
    return apply("stack", tuple(x), axis=int(axis))


def hstack(xs: Sequence[Any]) -> Any:
    """Return arrays joined along the second axis, or the first if they have one."""
    return concatenate(xs, axis=0 if len(np.shape(xs[0])) < 2 else 1)


def vstack(xs: Sequence[Any]) -> Any:
    """Return arrays joined along the first axis; those with one axis are rows."""
    if len(np.shape(xs[0])) < 2:
        return stack(xs, axis=0)
    return concatenate(xs, axis=0)


def get_item(x: Any, key: Any) -> Any:
    """Return ``x[key]``; `key` is NumPy's, of integers, slices, None, "..." and arrays."""
    return apply("get_item", (x,), key=_checked_key(key))


def _checked_key(key: Any) -> Any:
    for part in key if isinstance(key, tuple) else (key,):
        if getattr(part, "_record", None) is not None:
            raise TypeError(
                "an index that is computed in the same function is for ops.take(x, indices, "
                "axis) or ops.take_along_axis; for a condition use ops.where(condition, x, other)"
            )
    return key


def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """Return the parts of an array along an axis: so many equal ones, or those between indices."""
    shape = np.shape(x)
    axis = shapes.axis_of(axis, len(shape))
    if isinstance(indices_or_sections, (int, np.integer)):
        count, size = int(indices_or_sections), shape[axis]
        if size is None or size % count:
            raise ValueError(f"split: axis {axis} of shape {shape} has no {count} equal parts")
        places = [i * size // count for i in range(1, count)]
    else:
        places = list(map(int, indices_or_sections))
    ends = zip([None, *places], [*places, None], strict=True)
    before = (_slice(None),) * axis
    return [get_item(x, (*before, _slice(start, end))) for start, end in ends]


def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Any]:
    """Return the parts of an array along an axis, without that axis."""
    shape = np.shape(x)
    axis = shapes.axis_of(axis, len(shape))
    if num is not None and shape[axis] not in (None, num):
        raise ValueError(f"unstack: axis {axis} has {shape[axis]} parts, got num={num}")
    size = num if shape[axis] is None else shape[axis]
    if size is None:
        raise ValueError(f"unstack: give num=, since the size of axis {axis} is not known")
    return [get_item(x, (*(_slice(None),) * axis, i)) for i in range(size)]


def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Return the elements, or parts along an axis, of the given indices."""
    if axis is None:
        x, axis = apply("reshape", (x,), newshape=(-1,)), 0
    return apply("take", (x, indices), axis=int(axis))


def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Return for each place of `indices` the element of x with that index along the axis."""
    if axis is None:
        x, axis = apply("reshape", (x,), newshape=(-1,)), 0
    return apply("take_along_axis", (x, indices), axis=int(axis))


def slice(inputs: Any, start_indices: Sequence[int], shape: Sequence[int]) -> Any:
    """Return the part of an array that begins at some indices and has a shape."""
    sizes = np.shape(inputs)
    if not len(sizes) == len(start_indices) == len(shape):
        raise ValueError(
            f"slice: an array of shape {sizes} takes {len(sizes)} start indices and sizes, got "
            f"{len(start_indices)} and {len(shape)}"
        )
    starts, lengths = list(map(int, start_indices)), list(map(int, shape))
    for start, length, size in zip(starts, lengths, sizes, strict=True):
        if start < 0 or (size is not None and start + length > size):
            raise ValueError(f"slice: {start_indices} and {shape} reach out of shape {sizes}")
    pairs = zip(starts, lengths, strict=True)
    return get_item(inputs, tuple(_slice(start, start + length) for start, length in pairs))


def one_hot(
    x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Any:
    """Return 1 at the index that each element of x names along a new axis, and 0 elsewhere.

    Elements outside the range of the classes give zeros alone.
    """
    if sparse:
        raise ValueError("one_hot: sparse=True is not possible: arrays are dense here")
    return apply(
        "one_hot",
        (x,),
        num_classes=check_integer("num_classes", num_classes, 1),
        axis=int(axis),
        dtype=np.dtype(np.float32 if dtype is None else dtype).name,
    )


def tril(x: Any, k: int = 0) -> Any:
    """Return matrices with zeros above a diagonal."""
    return apply("tril", (x,), k=int(k))


def triu(x: Any, k: int = 0) -> Any:
    """Return matrices with zeros below a diagonal."""
    return apply("triu", (x,), k=int(k))


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Return the diagonal of two axes, which becomes the last axis."""
    return apply("diagonal", (x,), offset=int(offset), axis1=int(axis1), axis2=int(axis2))


# ---- rules ----


def _concatenate_gradient(i: int, d: Array, y: Array, *inputs: Array, axis: int) -> Array:
    axis = axis % d.ndim
    start = sum(x.shape[axis] for x in inputs[:i])
    return d[(_slice(None),) * axis + (_slice(start, start + inputs[i].shape[axis]),)]


def _concatenate_shape(*several: Shape, axis: int) -> Shape:
    axis = shapes.axis_of(axis, len(several[0]))
    sizes: list[int | None] = list(several[0])
    for shape in several[1:]:
        if len(shape) != len(sizes):
            raise ValueError(f"concatenate: shapes {', '.join(map(str, several))} do not fit")
        for i, size in enumerate(shape):
            if i == axis:
                before = sizes[i]
                sizes[i] = None if size is None or before is None else before + size
            elif None not in (size, sizes[i]) and size != sizes[i]:
                raise ValueError(
                    f"concatenate along axis {axis}: shapes {', '.join(map(str, several))} differ "
                    f"in axis {i}"
                )
            elif sizes[i] is None:
                sizes[i] = size
    return tuple(sizes)


def _stack_shape(*several: Shape, axis: int) -> Shape:
    sizes = shapes.broadcast(*several)
    if any(len(shape) != len(sizes) for shape in several):
        raise ValueError(f"stack: shapes {', '.join(map(str, several))} differ")
    axis = shapes.axis_of(axis, len(sizes) + 1)
    return (*sizes[:axis], len(several), *sizes[axis:])


def _get_item_gradient(d: Array, y: Array, x: Array, key: Any) -> Array:
    gradient = np.zeros(x.shape, d.dtype)
    parts = key if isinstance(key, tuple) else (key,)
    if all(p is None or p is Ellipsis or isinstance(p, (int, np.integer, _slice)) for p in parts):
        gradient[key] = d
    else:
        np.add.at(gradient, key, d)
    return gradient


def _get_item_shape(shape: Shape, key: Any) -> Shape:
    # An unknown size stays unknown if its axis is kept as a slice; two guesses show which are.
    guesses = [
        np.broadcast_to(0, [g if s is None else s for s in shape])[key].shape for g in (8191, 8209)
    ]
    return tuple(a if a == b else None for a, b in zip(*guesses, strict=True))


def _take_gradient(d: Array, y: Array, x: Array, indices: Array, axis: int) -> Array:
    axis = axis % x.ndim
    gradient = np.zeros(x.shape, d.dtype)
    places = tuple(range(axis, axis + indices.ndim))
    rows = np.moveaxis(d, places, range(indices.ndim))
    np.add.at(np.moveaxis(gradient, axis, 0), indices, rows)
    return gradient


def _take_shape(shape: Shape, indices: Shape, axis: int) -> Shape:
    axis = shapes.axis_of(axis, len(shape))
    return (*shape[:axis], *indices, *shape[axis + 1 :])


def _along_gradient(d: Array, y: Array, x: Array, indices: Array, axis: int) -> Array:
    axis = axis % x.ndim
    full = np.broadcast_to(indices, d.shape)
    gradient = np.zeros(
        [n if i == axis else m for i, (n, m) in enumerate(zip(x.shape, d.shape, strict=True))],
        d.dtype,
    )
    places = list(np.ogrid[tuple(_slice(size) for size in d.shape)])
    places[axis] = full
    np.add.at(gradient, tuple(places), d)
    return gradient


def _along(x: Array, indices: Array, axis: int) -> Array:
    axis = axis % x.ndim
    pairs = list(zip(x.shape, indices.shape, strict=True))
    wide = [n if i == axis else max(n, m) for i, (n, m) in enumerate(pairs)]
    many = [m if i == axis else max(n, m) for i, (n, m) in enumerate(pairs)]
    return np.take_along_axis(np.broadcast_to(x, wide), np.broadcast_to(indices, many), axis)


def _along_shape(shape: Shape, indices: Shape, axis: int) -> Shape:
    axis = shapes.axis_of(axis, len(shape))
    without = [tuple(1 if i == axis else n for i, n in enumerate(s)) for s in (shape, indices)]
    sizes = list(shapes.broadcast(*without))
    sizes[axis] = indices[axis]
    return tuple(sizes)


def _array_and_indices(inputs: Any) -> list[Array]:
    x, indices = as_array(inputs[0]), as_array(inputs[1])
    if indices.dtype.kind == "b" or (indices.dtype.kind == "f" and (indices % 1).any()):
        raise TypeError(f"indices must be whole numbers, got dtype {indices.dtype}")
    return [x, indices.astype(np.int64, copy=False)]


def _one_hot(x: Array, num_classes: int, axis: int, dtype: str) -> Any:
    classes = np.arange(num_classes)
    axis = shapes.axis_of(axis, x.ndim + 1)
    places = classes.reshape([-1 if i == axis else 1 for i in range(x.ndim + 1)])
    return (np.expand_dims(x, axis) == places).astype(dtype)


def _one_hot_shape(shape: Shape, num_classes: int, axis: int, dtype: str) -> Shape:
    axis = shapes.axis_of(axis, len(shape) + 1)
    return (*shape[:axis], num_classes, *shape[axis:])


def _diagonal_gradient(d: Array, y: Array, x: Array, offset: int, axis1: int, axis2: int) -> Array:
    gradient = np.zeros(x.shape, d.dtype)
    i = np.arange(d.shape[-1])
    view = np.moveaxis(gradient, (axis1, axis2), (-2, -1))
    view[..., i + max(-offset, 0), i + max(offset, 0)] = d
    return gradient


def _diagonal_shape(shape: Shape, offset: int, axis1: int, axis2: int) -> Shape:
    axes = shapes.axes_of((axis1, axis2), len(shape))
    rows, columns = shape[axes[0]], shape[axes[1]]
    length = None
    if rows is not None and columns is not None:
        length = max(0, min(rows - max(-offset, 0), columns - max(offset, 0)))
    return (*(n for i, n in enumerate(shape) if i not in axes), length)


def _add_rules() -> None:
    RULES["concatenate"] = Rule(
        lambda *xs, axis: np.concatenate(xs, axis), _concatenate_gradient, _concatenate_shape
    )
    RULES["stack"] = Rule(
        lambda *xs, axis: np.stack(xs, axis),
        lambda i, d, y, *xs, axis: np.take(d, i, axis),
        _stack_shape,
    )
    RULES["get_item"] = Rule(lambda x, key: x[key], (_get_item_gradient,), _get_item_shape, ARRAYS)
    RULES["take"] = Rule(
        lambda x, indices, axis: np.take(x, indices, axis),
        (_take_gradient, None),
        _take_shape,
        _array_and_indices,
    )
    RULES["take_along_axis"] = Rule(
        _along, (_along_gradient, None), _along_shape, _array_and_indices
    )
    RULES["one_hot"] = Rule(_one_hot, (None,), _one_hot_shape, ARRAYS)
    RULES["tril"] = Rule(np.tril, (lambda d, y, x, k: np.tril(d, k),), shapes.same, ARRAYS)
    RULES["triu"] = Rule(np.triu, (lambda d, y, x, k: np.triu(d, k),), shapes.same, ARRAYS)
    RULES["diagonal"] = Rule(np.diagonal, (_diagonal_gradient,), _diagonal_shape, ARRAYS)


_add_rules()
