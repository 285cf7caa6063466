"""Shapes of the outputs of operations. None stands for a size that is not known yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gru_c.common.arrays import Shape

Axes = int | Sequence[int] | None


def same(shape: Shape, *others: Any, **arguments: Any) -> Shape:
    """Return the first shape."""
    return shape


def broadcast(*shapes: Shape, **arguments: Any) -> Shape:
    """Return the shape that NumPy's broadcasting gives; ValueError if there is none.

    Examples
    --------
    >>> broadcast((None, 1, 3), (4, 1))
    (None, 4, 3)
    """
    ndim = max(map(len, shapes), default=0)
    sizes: list[int | None] = []
    for place in range(-ndim, 0):
        several = {shape[place] for shape in shapes if len(shape) >= -place}
        known = {size for size in several if size is not None and size != 1}
        if len(known) > 1:
            raise ValueError(f"shapes {', '.join(map(str, shapes))} cannot be broadcast together")
        sizes.append(known.pop() if known else (None if None in several else 1))
    return tuple(sizes)


def axis_of(axis: int, ndim: int) -> int:
    """Return an axis counted from the first one; ValueError if there is no such axis."""
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} does not exist in an array with {ndim} axes")
    return axis % ndim


def axes_of(axis: Axes, ndim: int) -> tuple[int, ...]:
    """Return axes counted from the first one; None stands for all of them."""
    if axis is None:
        return tuple(range(ndim))
    several = (axis,) if isinstance(axis, int) else tuple(axis)
    return tuple(axis_of(int(a), ndim) for a in several)


def reduced(shape: Shape, axis: Axes = None, keepdims: bool = False, **arguments: Any) -> Shape:
    """Return the shape after a reduction over axes."""
    axes = set(axes_of(axis, len(shape)))
    if keepdims:
        return tuple(1 if i in axes else size for i, size in enumerate(shape))
    return tuple(size for i, size in enumerate(shape) if i not in axes)


def product(sizes: Sequence[int | None]) -> int | None:
    """Return the product of sizes, None if one of them is not known."""
    total = 1
    for size in sizes:
        if size is None:
            return None
        total *= size
    return total
