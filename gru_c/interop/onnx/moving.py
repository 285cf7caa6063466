"""ONNX's operators that only move numbers, or make them of shapes: the values themselves stay.

Each function takes the node, the room for its result, and the node's inputs, None for one that is
left out. An operator that has changed its form between versions is read in every form: what was an
attribute once is an input later.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gru_c.interop.onnx.proto import Node
from gru_c.interop.onnx.size_limit import Room
from gru_c.utils.arrays import Array

Operator = Callable[..., Any]
OpenShape = Sequence[int | None]

# An end of a Slice that onnxruntime reads as that of either direction.
_UP_TO_THE_END = (2**31 - 1, 2**63 - 1)

# How ScatterElements joins what comes to one place.
REDUCTIONS: dict[str, np.ufunc | None] = {
    "none": None,
    "add": np.add,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
}


def axis_of(node: Node, default: int, axes: int) -> int:
    """Return the attribute ``axis`` of an array of so many axes, counted from the front."""
    axis: int = node.get("axis", default)
    if not -axes <= axis < axes:
        raise ValueError(f"axis is {axis}, for an array of {axes} axes")
    return axis % axes


def axes_of(node: Node, axes: Array | None) -> tuple[int, ...] | None:
    """Return the axes of an attribute or an input; None for all."""
    given = node.get("axes") if axes is None else axes.reshape(-1).tolist()
    return None if given is None else tuple(int(axis) for axis in given)


def places_of(axes: Sequence[int], count: int) -> tuple[int, ...]:
    """Return axes of an array that has so many, counted from the front, each of them once."""
    if any(not -count <= axis < count for axis in axes):
        raise ValueError(f"axes are {list(axes)}, for an array of {count} axes")
    return tuple(sorted({axis % count for axis in axes}))


def identity(node: Node, room: Room, x: Array, *_: Any) -> Any:
    """Return x."""
    return x


def dropout(node: Node, room: Room, x: Array, *_: Any) -> Any:
    """Return x, and that all of it is kept: a node for training does not get past `load`."""
    return (x, np.ones(x.shape, bool)) if len(node.outputs) > 1 else x


def expand(node: Node, room: Room, x: Array, shape: Array) -> Any:
    """Return x, repeated along axes of length 1."""
    together = np.broadcast_shapes(x.shape, tuple(shape.tolist()))
    return np.broadcast_to(x, room.require(together))


def tile(node: Node, room: Room, x: Array, repeats: Array) -> Any:
    """Return x, beside itself along each axis."""
    if repeats.shape != (x.ndim,):
        raise ValueError(f"there are {x.ndim} axes, and repeats of shape {repeats.shape}")
    times = repeats.tolist()
    room.require(size * count for size, count in zip(x.shape, times, strict=True))
    return np.tile(x, times)


def concat(node: Node, room: Room, *arrays: Array) -> Any:
    """Return arrays, one after the other."""
    axis = axis_of(node, 0, arrays[0].ndim)
    shape = list(arrays[0].shape)
    shape[axis] = sum(array.shape[axis] for array in arrays)
    room.require(shape)
    return np.concatenate(arrays, axis)


def unsqueeze(node: Node, room: Room, x: Array, axes: Array | None = None) -> Any:
    """Return x with more axes, of length 1."""
    return np.expand_dims(x, axes_of(node, axes) or ())


def squeeze(node: Node, room: Room, x: Array, axes: Array | None = None) -> Any:
    """Return x without axes of length 1."""
    places = axes_of(node, axes)
    require_some(places)
    return np.squeeze(x, places)


def require_some(axes: Sequence[int] | None) -> None:
    """Raise ValueError for an empty list of axes of a Squeeze."""
    if axes is not None and not axes:
        raise ValueError("its axes are an empty list, which some take for none and some for all")


def reshape(node: Node, room: Room, x: Array, shape: Array) -> Any:
    """Return x in another shape."""
    return x.reshape(reshaped(shape.tolist(), x.shape, node.get("allowzero", 0)))


def reshaped(wanted: Sequence[int], shape: Sequence[int], allow_zero: int) -> list[int]:
    """Return the shape that a Reshape makes of `shape`; ValueError where there is none."""
    sizes = list(wanted)
    if not allow_zero:
        if 0 in sizes[len(shape) :]:
            raise ValueError(f"the shape {sizes} takes over an axis that {shape} does not have")
        sizes = [shape[i] if size == 0 else size for i, size in enumerate(sizes)]
    count, known = math.prod(shape), math.prod(size for size in sizes if size != -1)
    open_axes = sizes.count(-1)
    fits = count == known if not open_axes else known and count % known == 0
    if open_axes > 1 or min(sizes, default=0) < -1 or not fits:
        raise ValueError(f"an array of shape {tuple(shape)} cannot have the shape {list(wanted)}")
    return [count // known if size == -1 else size for size in sizes]


def transpose(node: Node, room: Room, x: Array) -> Any:
    """Return x with its axes in another order."""
    order = node.get("perm")
    if order is not None and sorted(order) != list(range(x.ndim)):
        raise ValueError(f"perm is {order}, for an array of {x.ndim} axes")
    return x.transpose(order)


def flatten(node: Node, room: Room, x: Array) -> Any:
    """Return x with two axes."""
    axis = node.get("axis", 1)
    if not -x.ndim <= axis <= x.ndim:
        raise ValueError(f"axis is {axis}, for an array of {x.ndim} axes")
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


def gather(node: Node, room: Room, x: Array, indices: Array) -> Any:
    """Return parts of x along an axis."""
    axis = axis_of(node, 0, x.ndim)
    room.require((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))
    return x.take(indices, axis)


def slice_(
    node: Node,
    room: Room,
    x: Array,
    starts: Array | None = None,
    ends: Array | None = None,
    axes: Array | None = None,
    steps: Array | None = None,
) -> Any:
    """Return a part of x."""
    first, last = (
        node.attributes[name] if given is None else given.tolist()
        for name, given in (("starts", starts), ("ends", ends))
    )
    strides = [1] * len(first) if steps is None else steps.tolist()
    index = [slice(None)] * x.ndim
    for axis, begin, end, step in sliced(first, last, axes_of(node, axes), strides, x.ndim):
        # Python's rules but for one: backwards from before the first element is from the first.
        index[axis] = slice(max(begin, -x.shape[axis]) if step < 0 else begin, end, step)
    return x[tuple(index)]


def sliced(
    starts: Sequence[int],
    ends: Sequence[int],
    axes: Sequence[int] | None,
    steps: Sequence[int],
    count: int,
) -> list[tuple[int, int, int, int]]:
    """Return axis, start, end and step of each part of a Slice of an array of `count` axes."""
    where = list(range(len(starts))) if axes is None else list(axes)
    if not len(starts) == len(ends) == len(where) == len(steps):
        raise ValueError("starts, ends, axes and steps are not of one length")
    if len(places_of(where, count)) < len(where):
        raise ValueError(f"axes {where} name one of {count} axes twice")
    require_ends(ends, steps)
    places = [axis % count for axis in where]
    return list(zip(places, starts, ends, steps, strict=True))


def require_ends(ends: Sequence[int], steps: Sequence[int]) -> None:
    """Raise ValueError where a Slice goes nowhere, or backwards to the largest integer."""
    if 0 in steps:
        raise ValueError("it goes in steps of 0")
    for end, step in zip(ends, steps, strict=True):
        if step < 0 and end in _UP_TO_THE_END:
            raise ValueError(
                f"it goes backwards to {end}, which is nothing by ONNX's rules and everything by "
                "onnxruntime's: the end of everything is a number below minus the length"
            )


def reverse_sequence(node: Node, room: Room, x: Array, lengths: Array) -> Any:
    """Return x with the first steps of each row in the opposite order."""
    rows, time = node.get("batch_axis", 1), node.get("time_axis", 0)
    sequences = np.moveaxis(x, (rows, time), (0, 1))
    count, size = sequences.shape[:2]
    if lengths.shape != (count,):
        raise ValueError(f"there are {count} rows, and lengths of shape {lengths.shape}")
    if (lengths < 0).any() or (lengths > size).any():
        raise ValueError(f"lengths must be in [0, {size}], got {lengths[:20].tolist()}")
    steps = np.arange(*room.require((size,)))
    turned = lengths[:, None] - 1 - steps
    order = np.where(turned >= 0, turned, steps)
    places = order.reshape(*order.shape, *[1] * (x.ndim - 2))
    return np.moveaxis(np.take_along_axis(sequences, places, 1), (0, 1), (rows, time))


def scatter_elements(node: Node, room: Room, x: Array, indices: Array, updates: Array) -> Any:
    """Return x with some of its elements replaced, or joined with others."""
    axis = axis_of(node, 0, x.ndim)
    require_scatter(axis, x.shape, indices.shape, updates.shape)
    places: list[Array] = list(np.indices(indices.shape, sparse=True))
    places[axis] = indices
    result = x.copy()
    join = REDUCTIONS[node.get("reduction", "none")]
    if join is None:
        result[tuple(places)] = updates
    else:
        join.at(result, tuple(places), updates)
    return result


def require_scatter(axis: int, x: OpenShape, indices: OpenShape, updates: OpenShape) -> None:
    """Raise ValueError unless shapes of ScatterElements go together; None is an open length."""
    fits = len(indices) == len(x) == len(updates)
    for place, sizes in enumerate(zip(x, indices, updates, strict=False)):
        limit, size, given = sizes
        fits = fits and (None in (size, given) or size == given)
        fits = fits and (place == axis or limit is None or size is None or size <= limit)
    if not fits:
        raise ValueError(
            f"indices of shape {tuple(indices)} and updates of shape {tuple(updates)} do not go "
            f"into an array of shape {tuple(x)}"
        )


def top_k(node: Node, room: Room, x: Array, k: Array | None = None) -> Any:
    """Return the largest or smallest numbers, and where they are."""
    axis = axis_of(node, -1, x.ndim)
    count = node.attributes["k"] if k is None else k.item()
    size = x.shape[axis]
    if not 0 <= count <= size:
        raise ValueError(f"there are {size} values, and k is {count}")
    if node.get("largest", 1):  # of equal ones the first comes first, as ONNX wants it
        order = size - 1 - np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis)
    else:
        order = np.argsort(x, axis, kind="stable")
    first = np.moveaxis(np.moveaxis(order, axis, 0)[:count], 0, axis)
    return np.take_along_axis(x, first, axis), first.astype(np.int64)


# What may move labels: see `gru_c.interop.onnx.to_sequential`.
MOVING: dict[str, Operator] = {
    "Identity": identity,
    "Dropout": dropout,
    "Expand": expand,
    "Tile": tile,
    "Concat": concat,
    "Unsqueeze": unsqueeze,
    "Squeeze": squeeze,
    "Reshape": reshape,
    "Transpose": transpose,
    "Flatten": flatten,
    "Gather": gather,
    "Slice": slice_,
    "ReverseSequence": reverse_sequence,
}
