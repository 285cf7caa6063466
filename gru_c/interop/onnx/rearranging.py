"""ONNX's operators that only rearrange or select the elements of an array.

Each function takes the node, the budget for its result, and the node's inputs, None for one that is
left out. Where an operator has taken an attribute in older versions and an input in newer ones,
both are read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.interop.onnx.proto import Node
from gru_c.interop.onnx.size_limit import ElementBudget

Operator = Callable[..., Any]
OpenShape = Sequence[int | None]

# Ends of a Slice that onnxruntime reads as the end in either direction.
_UP_TO_THE_END = (2**31 - 1, 2**63 - 1)

# By name, how ScatterElements combines an update with the element at its place.
REDUCTIONS: dict[str, np.ufunc | None] = {
    "none": None,
    "add": np.add,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
}


def axis_of(node: Node, default: int, axes: int) -> int:
    """Return the attribute ``axis``, for an array of `axes` axes, counted from the front."""
    axis: int = node.get("axis", default)
    if not -axes <= axis < axes:
        raise ValueError(f"axis is {axis}, for an array of {axes} axes")
    return axis % axes


def axes_of(node: Node, axes: Array | None) -> tuple[int, ...] | None:
    """Return the axes of an attribute or an input; None for all."""
    numbers = node.get("axes") if axes is None else axes.reshape(-1).tolist()
    return None if numbers is None else tuple(int(axis) for axis in numbers)


def places_of(axes: Sequence[int], count: int) -> tuple[int, ...]:
    """Return axes of an array of `count` axes, counted from the front, sorted, without repeats."""
    if any(not -count <= axis < count for axis in axes):
        raise ValueError(f"axes are {list(axes)}, for an array of {count} axes")
    return tuple(sorted({axis % count for axis in axes}))


def identity(node: Node, budget: ElementBudget, x: Array, *_: Any) -> Any:
    """Return x."""
    return x


def dropout(node: Node, budget: ElementBudget, x: Array, *_: Any) -> Any:
    """Return x and a mask that is all True; `load` refuses a node for training."""
    return (x, np.ones(x.shape, bool)) if len(node.outputs) > 1 else x


def expand(node: Node, budget: ElementBudget, x: Array, shape: Array) -> Any:
    """Return x broadcast to a shape."""
    broadcast = np.broadcast_shapes(x.shape, tuple(shape.tolist()))
    return np.broadcast_to(x, budget.require(broadcast))


def tile(node: Node, budget: ElementBudget, x: Array, repeats: Array) -> Any:
    """Return x repeated along each axis."""
    if repeats.shape != (x.ndim,):
        raise ValueError(f"there are {x.ndim} axes, and repeats of shape {repeats.shape}")
    times = repeats.tolist()
    budget.require(size * count for size, count in zip(x.shape, times, strict=True))
    return np.tile(x, times)


def concat(node: Node, budget: ElementBudget, *arrays: Array) -> Any:
    """Return arrays joined along an axis."""
    axis = axis_of(node, 0, arrays[0].ndim)
    shape = list(arrays[0].shape)
    shape[axis] = sum(array.shape[axis] for array in arrays)
    budget.require(shape)
    return np.concatenate(arrays, axis)


def unsqueeze(node: Node, budget: ElementBudget, x: Array, axes: Array | None = None) -> Any:
    """Return x with additional axes of length 1."""
    return np.expand_dims(x, axes_of(node, axes) or ())


def squeeze(node: Node, budget: ElementBudget, x: Array, axes: Array | None = None) -> Any:
    """Return x without axes of length 1."""
    places = axes_of(node, axes)
    require_some(places)
    return np.squeeze(x, places)


def require_some(axes: Sequence[int] | None) -> None:
    """Raise ValueError for an empty list of axes of a Squeeze."""
    if axes is not None and not axes:
        raise ValueError("its axes are an empty list, which some take for none and some for all")


def reshape(node: Node, budget: ElementBudget, x: Array, shape: Array) -> Any:
    """Return x in another shape."""
    return x.reshape(reshaped(shape.tolist(), x.shape, node.get("allowzero", 0)))


def reshaped(wanted: Sequence[int], shape: Sequence[int], allow_zero: int) -> list[int]:
    """Return the result's shape of a Reshape of `shape`; raise ValueError if there is none."""
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


def transpose(node: Node, budget: ElementBudget, x: Array) -> Any:
    """Return x with its axes in another order."""
    order = node.get("perm")
    if order is not None and sorted(order) != list(range(x.ndim)):
        raise ValueError(f"perm is {order}, for an array of {x.ndim} axes")
    return x.transpose(order)


def flatten(node: Node, budget: ElementBudget, x: Array) -> Any:
    """Return x as a matrix."""
    axis = node.get("axis", 1)
    if not -x.ndim <= axis <= x.ndim:
        raise ValueError(f"axis is {axis}, for an array of {x.ndim} axes")
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


def gather(node: Node, budget: ElementBudget, x: Array, indices: Array) -> Any:
    """Return the elements of x at these indices along an axis."""
    axis = axis_of(node, 0, x.ndim)
    budget.require((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))
    return x.take(indices, axis)


def slice_(
    node: Node,
    budget: ElementBudget,
    x: Array,
    starts: Array | None = None,
    ends: Array | None = None,
    axes: Array | None = None,
    steps: Array | None = None,
) -> Any:
    """Return every so many elements of x between a start and an end, along some axes."""
    first, last = (
        node.attributes[name] if array is None else array.tolist()
        for name, array in (("starts", starts), ("ends", ends))
    )
    strides = [1] * len(first) if steps is None else steps.tolist()
    index = [slice(None)] * x.ndim
    for axis, begin, end, step in sliced(first, last, axes_of(node, axes), strides, x.ndim):
        # Python's rules, except that backwards a start before the first element is the first.
        index[axis] = slice(max(begin, -x.shape[axis]) if step < 0 else begin, end, step)
    return x[tuple(index)]


def sliced(
    starts: Sequence[int],
    ends: Sequence[int],
    axes: Sequence[int] | None,
    steps: Sequence[int],
    count: int,
) -> list[tuple[int, int, int, int]]:
    """Return the axis, start, end and step of each cut of a Slice of an array of `count` axes."""
    where = list(range(len(starts))) if axes is None else list(axes)
    if not len(starts) == len(ends) == len(where) == len(steps):
        raise ValueError("starts, ends, axes and steps are not of one length")
    if len(places_of(where, count)) < len(where):
        raise ValueError(f"axes {where} name one of {count} axes twice")
    require_ends(ends, steps)
    places = [axis % count for axis in where]
    return list(zip(places, starts, ends, steps, strict=True))


def require_ends(ends: Sequence[int], steps: Sequence[int]) -> None:
    """Raise ValueError if a Slice has a step of 0, or goes backwards to the largest integer."""
    if 0 in steps:
        raise ValueError("it goes in steps of 0")
    for end, step in zip(ends, steps, strict=True):
        if step < 0 and end in _UP_TO_THE_END:
            raise ValueError(
                f"it goes backwards to {end}, which is nothing by ONNX's rules and everything by "
                "onnxruntime's: an end below minus the length takes everything in both"
            )


def reverse_sequence(node: Node, budget: ElementBudget, x: Array, lengths: Array) -> Any:
    """Return x with the first time steps of each row in the opposite order."""
    rows, time = node.get("batch_axis", 1), node.get("time_axis", 0)
    sequences = np.moveaxis(x, (rows, time), (0, 1))
    count, size = sequences.shape[:2]
    if lengths.shape != (count,):
        raise ValueError(f"there are {count} rows, and lengths of shape {lengths.shape}")
    if (lengths < 0).any() or (lengths > size).any():
        raise ValueError(f"lengths must be in [0, {size}], got {lengths[:20].tolist()}")
    steps = np.arange(*budget.require((size,)))
    backwards = lengths[:, None] - 1 - steps
    order = np.where(backwards >= 0, backwards, steps)
    places = order.reshape(*order.shape, *[1] * (x.ndim - 2))
    return np.moveaxis(np.take_along_axis(sequences, places, 1), (0, 1), (rows, time))


def scatter_elements(
    node: Node, budget: ElementBudget, x: Array, indices: Array, updates: Array
) -> Any:
    """Return x with some of its elements replaced by updates, or combined with them."""
    axis = axis_of(node, 0, x.ndim)
    require_scatter(axis, x.shape, indices.shape, updates.shape)
    places: list[Array] = list(np.indices(indices.shape, sparse=True))
    places[axis] = indices
    result = x.copy()
    combine = REDUCTIONS[node.get("reduction", "none")]
    if combine is None:
        result[tuple(places)] = updates
    else:
        combine.at(result, tuple(places), updates)
    return result


def require_scatter(axis: int, x: OpenShape, indices: OpenShape, updates: OpenShape) -> None:
    """Raise ValueError unless shapes of ScatterElements match; None is an open length."""
    fits = len(indices) == len(x) == len(updates)
    for place, sizes in enumerate(zip(x, indices, updates, strict=False)):
        limit, size, update_size = sizes
        fits = fits and (None in (size, update_size) or size == update_size)
        fits = fits and (place == axis or limit is None or size is None or size <= limit)
    if not fits:
        raise ValueError(
            f"indices of shape {tuple(indices)} and updates of shape {tuple(updates)} do not go "
            f"into an array of shape {tuple(x)}"
        )


def top_k(node: Node, budget: ElementBudget, x: Array, k: Array | None = None) -> Any:
    """Return the largest or smallest numbers along an axis, and their indices."""
    axis = axis_of(node, -1, x.ndim)
    count = node.attributes["k"] if k is None else k.item()
    size = x.shape[axis]
    if not 0 <= count <= size:
        raise ValueError(f"there are {size} values, and k is {count}")
    if node.get("largest", 1):  # equal numbers keep their order, as ONNX requires
        order = size - 1 - np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis)
    else:
        order = np.argsort(x, axis, kind="stable")
    first = np.moveaxis(np.moveaxis(order, axis, 0)[:count], 0, axis)
    return np.take_along_axis(x, first, axis), first.astype(np.int64)


# The operators that also rearrange labels: see `gru_c.interop.onnx.layer_walk`.
REARRANGING: dict[str, Operator] = {
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
