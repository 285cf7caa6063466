"""Sums, means, extremes and other reductions over axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.ops import shapes
from gru_c.ops.dtypes import promoted
from gru_c.ops.operation import ARRAYS, FLOATS, RULES, Rule, apply
from gru_c.ops.shapes import Axes

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "logsumexp",
    "max",
    "mean",
    "min",
    "norm",
    "normalize",
    "prod",
    "std",
    "sum",
    "var",
]


def as_axes(axis: Axes) -> int | tuple[int, ...] | None:
    return axis if axis is None or isinstance(axis, (int, np.integer)) else tuple(axis)


def _reduce(name: str, x: Any, axis: Axes, keepdims: bool, **more: Any) -> Any:
    return apply(name, (x,), axis=as_axes(axis), keepdims=bool(keepdims), **more)


def sum(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return the sum over axes, or over all of them."""
    return _reduce("sum", x, axis, keepdims)


def mean(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return the mean over axes, or over all of them."""
    return _reduce("mean", x, axis, keepdims)


def max(x: Any, axis: Axes = None, keepdims: bool = False, initial: float | None = None) -> Any:
    """Return the largest element over axes; with `initial` at least that number."""
    y = _reduce("max", x, axis, keepdims)
    return y if initial is None else apply("maximum", (y, initial))


def min(x: Any, axis: Axes = None, keepdims: bool = False, initial: float | None = None) -> Any:
    """Return the smallest element over axes; with `initial` at most that number."""
    y = _reduce("min", x, axis, keepdims)
    return y if initial is None else apply("minimum", (y, initial))


def amax(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return the largest element over axes."""
    return _reduce("max", x, axis, keepdims)


def amin(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return the smallest element over axes."""
    return _reduce("min", x, axis, keepdims)


def prod(x: Any, axis: Axes = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """Return the product over axes, or over all of them."""
    x = x if dtype is None else apply("cast", (x,), dtype=np.dtype(dtype).name)
    return _reduce("prod", x, axis, keepdims)


def var(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return the variance over axes, the mean squared distance from the mean."""
    return _reduce("var", x, axis, keepdims)


def std(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return the standard deviation over axes; its gradient is 0 where it is 0."""
    return _reduce("std", x, axis, keepdims)


def any(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return True where an element over the axes is not zero."""
    return _reduce("any", x, axis, keepdims)


def all(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return True where no element over the axes is zero."""
    return _reduce("all", x, axis, keepdims)


def count_nonzero(x: Any, axis: Axes = None) -> Any:
    """Return the number of elements over the axes that are not zero."""
    return _reduce("count_nonzero", x, axis, False)


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Return the index of the largest element along an axis, or in the flat array."""
    return _reduce("argmax", x, axis, keepdims)


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Return the index of the smallest element along an axis, or in the flat array."""
    return _reduce("argmin", x, axis, keepdims)


def logsumexp(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return log(sum(exp(x))) over axes, without overflow."""
    return _reduce("logsumexp", x, axis, keepdims)


def norm(x: Any, ord: float | str | None = None, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return the norm of vectors along an axis, or of all elements.

    Parameters
    ----------
    x : array_like
    ord : number or "fro", optional
        The power p of the vector norm ``sum(abs(x)**p)**(1 / p)``; by default 2.
    axis : int or tuple of int, optional
        One axis, or for the default norm any axes; by default all.
    keepdims : bool

    Raises
    ------
    ValueError
        For norms of matrices other than the root of the sum of squares.
    """
    axis = as_axes(axis)
    ndim = len(np.shape(x))
    several = ndim if axis is None else (1 if isinstance(axis, (int, np.integer)) else len(axis))
    if (ord not in (None, "fro", 2) and several != 1) or (ord == 2 and several > 1):
        raise ValueError(f"norm: ord={ord!r} is for vectors: give one axis, got axis={axis!r}")
    if ord == "fro" and several != 2:
        raise ValueError(f"norm: ord='fro' is for two axes, got axis={axis!r}")
    power = 2.0 if ord in (None, "fro") else float(ord)
    return _reduce("norm", x, axis, keepdims, power=power)


def normalize(x: Any, axis: int = -1, order: float = 2, epsilon: float | None = None) -> Any:
    """Return x divided by its norm along an axis, which counts as at least `epsilon`, 1e-7."""
    length = norm(x, ord=order, axis=axis, keepdims=True)
    return apply("divide", (x, apply("maximum", (length, 1e-7 if epsilon is None else epsilon))))


# ---- rules ----


def _spread(d: Array, x: Array, axis: Axes, keepdims: bool) -> Array:
    """Return the gradient of a reduction's output with axes of length 1 for the lost ones."""
    if keepdims:
        return d
    axes = set(shapes.axes_of(axis, x.ndim))
    return d.reshape([1 if i in axes else size for i, size in enumerate(x.shape)])


def _count(x: Array, axis: Axes) -> int:
    return int(np.prod([x.shape[a] for a in shapes.axes_of(axis, x.ndim)], dtype=np.int64))


def summable(inputs: Any) -> list[Array]:
    """Return an array whose sum has Keras's dtype: 32 bits for smaller integers."""
    (x,) = promoted(inputs)
    return [x.astype(np.int32)] if x.dtype.kind in "biu" and x.dtype.itemsize < 4 else [x]


def _sum(x: Array, axis: Axes, keepdims: bool) -> Any:
    return np.sum(x, axis=axis, keepdims=keepdims, dtype=x.dtype)


def _extreme_gradient(d: Array, y: Array, x: Array, axis: Axes, keepdims: bool) -> Array:
    """Return the gradient of max or min, in equal parts for equal elements."""
    at = (x == _spread(y, x, axis, keepdims)).astype(d.dtype)
    share: Array = at / at.sum(axis=axis, keepdims=True)
    return _spread(d, x, axis, keepdims) * share


def _product_gradient(d: Array, y: Array, x: Array, axis: Axes, keepdims: bool) -> Any:
    """Return d times the products of the other elements, right if some of them are zero."""
    axes = shapes.axes_of(axis, x.ndim)
    last = tuple(range(x.ndim - len(axes), x.ndim))
    moved = np.moveaxis(x, axes, last)
    flat = moved.reshape(*moved.shape[: x.ndim - len(axes)], -1)
    before, after = np.ones_like(flat), np.ones_like(flat)
    np.cumprod(flat[..., :-1], axis=-1, out=before[..., 1:])
    after[..., :-1] = np.cumprod(flat[..., :0:-1], axis=-1)[..., ::-1]
    others = np.moveaxis((before * after).reshape(moved.shape), last, axes)
    return _spread(d, x, axis, keepdims) * others


def _var_gradient(d: Array, y: Array, x: Array, axis: Axes, keepdims: bool) -> Any:
    distance = x - x.mean(axis=axis, keepdims=True)
    return 2 * _spread(d, x, axis, keepdims) * distance / _count(x, axis)


def _std_gradient(d: Array, y: Array, x: Array, axis: Axes, keepdims: bool) -> Any:
    return _var_gradient(np.where(y > 0, d / (2 * y), 0), y, x, axis, keepdims)


def _logsumexp(x: Array, axis: Axes, keepdims: bool) -> Any:
    largest = x.max(axis=axis, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0)
    y = np.log(np.exp(x - largest).sum(axis=axis, keepdims=True)) + largest
    return y if keepdims else y.reshape(shapes.reduced(x.shape, axis))


def _norm(x: Array, axis: Axes, keepdims: bool, power: float) -> Any:
    a = np.abs(x)
    if power == np.inf:
        return a.max(axis=axis, keepdims=keepdims)
    if power == -np.inf:
        return a.min(axis=axis, keepdims=keepdims)
    if power == 0:
        return (a != 0).astype(x.dtype).sum(axis=axis, keepdims=keepdims)
    if power == 2:
        return np.sqrt(np.square(x).sum(axis=axis, keepdims=keepdims))
    return np.power(np.power(a, power).sum(axis=axis, keepdims=keepdims), 1 / power)


def _norm_gradient(d: Array, y: Array, x: Array, axis: Axes, keepdims: bool, power: float) -> Array:
    if power == 0:
        return np.zeros_like(x)
    if np.isinf(power):
        return np.sign(x) * _extreme_gradient(d, y, np.abs(x), axis, keepdims)
    length = _spread(y, x, axis, keepdims)
    slope = x if power == 2 else np.sign(x) * np.power(np.abs(x), power - 1)
    slope = np.where(length == 0, 0, slope / np.power(length, power - 1))
    return _spread(d, x, axis, keepdims) * slope


def indices_of(function: Any) -> Any:
    return lambda x, **arguments: np.asarray(function(x, **arguments)).astype(np.int32)


def _add_rules() -> None:
    extreme, reduced = (_extreme_gradient,), shapes.reduced
    RULES["sum"] = Rule(
        _sum,
        (lambda d, y, x, axis, keepdims: np.broadcast_to(_spread(d, x, axis, keepdims), x.shape),),
        reduced,
        summable,
    )
    RULES["mean"] = Rule(
        np.mean,
        (
            lambda d, y, x, axis, keepdims: np.broadcast_to(
                _spread(d / _count(x, axis), x, axis, keepdims), x.shape
            ),
        ),
        reduced,
        FLOATS,
    )
    RULES["max"], RULES["min"] = Rule(np.max, extreme, reduced), Rule(np.min, extreme, reduced)
    RULES["prod"] = Rule(
        lambda x, axis, keepdims: np.prod(x, axis=axis, keepdims=keepdims, dtype=x.dtype),
        (_product_gradient,),
        reduced,
        summable,
    )
    RULES["var"] = Rule(np.var, (_var_gradient,), reduced, FLOATS)
    RULES["std"] = Rule(np.std, (_std_gradient,), reduced, FLOATS)
    RULES["logsumexp"] = Rule(
        _logsumexp,
        (
            lambda d, y, x, axis, keepdims: (
                _spread(d, x, axis, keepdims) * np.exp(x - _spread(y, x, axis, keepdims))
            ),
        ),
        reduced,
        FLOATS,
    )
    RULES["norm"] = Rule(_norm, (_norm_gradient,), reduced, FLOATS)
    RULES["any"] = Rule(np.any, (None,), reduced, ARRAYS)
    RULES["all"] = Rule(np.all, (None,), reduced, ARRAYS)
    for name, function in {
        "count_nonzero": np.count_nonzero,
        "argmax": np.argmax,
        "argmin": np.argmin,
    }.items():
        RULES[name] = Rule(indices_of(function), (None,), reduced, ARRAYS)


_add_rules()
