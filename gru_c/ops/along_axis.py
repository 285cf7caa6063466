"""Functions along an axis whose output has the shape of the input: sums of first elements, order.

The softmax is such a function, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.ops import shapes
from gru_c.ops.operation import ARRAYS, FLOATS, RULES, Rule, apply
from gru_c.ops.reductions import as_axes, indices_of, summable
from gru_c.ops.shapes import Axes

__all__ = ["argsort", "cumprod", "cumsum", "log_softmax", "softmax", "sort"]


def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Return the sums of the first elements along an axis, or of the flat array."""
    return _along("cumsum", x, axis, dtype)


def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Return the products of the first elements along an axis, or of the flat array."""
    return _along("cumprod", x, axis, dtype)


def _along(name: str, x: Any, axis: int | None, dtype: Any) -> Any:
    if dtype is not None:
        x = apply("cast", (x,), dtype=np.dtype(dtype).name)
    if axis is None:
        x, axis = apply("reshape", (x,), newshape=(-1,)), 0
    return apply(name, (x,), axis=int(axis))


def softmax(x: Any, axis: Axes = -1) -> Any:
    """Return exp(x) divided by its sum over an axis or axes; None: over all."""
    return apply("softmax", (x,), axis=as_axes(axis))


def log_softmax(x: Any, axis: Axes = -1) -> Any:
    """Return the logarithm of the softmax."""
    return apply("log_softmax", (x,), axis=as_axes(axis))


def sort(x: Any, axis: int = -1) -> Any:
    """Return the elements along an axis in ascending order."""
    return apply("sort", (x,), axis=int(axis))


def argsort(x: Any, axis: int = -1) -> Any:
    """Return the indices that sort the elements along an axis; equal ones keep their order."""
    return apply("argsort", (x,), axis=int(axis))


# ---- rules ----


def _softmax(x: Array, axis: Axes) -> Array:
    y: Array = np.exp(x - x.max(axis=axis, keepdims=True))
    y /= y.sum(axis=axis, keepdims=True)
    return y


def _log_softmax(x: Array, axis: Axes) -> Array:
    y: Array = x - x.max(axis=axis, keepdims=True)
    y -= np.log(np.exp(y).sum(axis=axis, keepdims=True))
    return y


def _cumulated(d: Array, axis: int) -> Array:
    """Return the sums of the last elements along an axis."""
    total: Array = np.flip(np.cumsum(np.flip(d, axis), axis=axis), axis)
    return total


def _cumprod_gradient(d: Array, y: Array, x: Array, axis: int) -> Array:
    """Return the gradient of products of first elements, right if some elements are zero."""
    x, d = np.moveaxis(x, axis, -1), np.moveaxis(d, axis, -1)
    gradient = np.zeros_like(x)
    for i in range(x.shape[-1]):
        others = x.copy()
        others[..., i] = 1
        gradient[..., i] = (d * np.cumprod(others, axis=-1))[..., i:].sum(axis=-1)
    return np.moveaxis(gradient, -1, axis)


def _sort_gradient(d: Array, y: Array, x: Array, axis: int) -> Array:
    gradient = np.empty_like(d)
    order = np.argsort(x, axis=axis, kind="stable")
    np.put_along_axis(gradient, order, d, axis)
    return gradient


def _add_rules() -> None:
    RULES["argsort"] = Rule(
        indices_of(lambda x, axis: np.argsort(x, axis=axis, kind="stable")),
        (None,),
        shapes.same,
        ARRAYS,
    )
    RULES["sort"] = Rule(np.sort, (_sort_gradient,), shapes.same)
    RULES["softmax"] = Rule(
        _softmax,
        (lambda d, y, x, axis: y * (d - (d * y).sum(axis=axis, keepdims=True)),),
        shapes.same,
        FLOATS,
    )
    RULES["log_softmax"] = Rule(
        _log_softmax,
        (lambda d, y, x, axis: d - np.exp(y) * d.sum(axis=axis, keepdims=True),),
        shapes.same,
        FLOATS,
    )
    RULES["cumsum"] = Rule(
        lambda x, axis: np.cumsum(x, axis=axis, dtype=x.dtype),
        (lambda d, y, x, axis: _cumulated(d, axis),),
        shapes.same,
        summable,
    )
    RULES["cumprod"] = Rule(
        lambda x, axis: np.cumprod(x, axis=axis, dtype=x.dtype),
        (_cumprod_gradient,),
        shapes.same,
        summable,
    )


_add_rules()
