"""Functions that make arrays, and that tell the shape of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gru_c.common.arrays import Array, Shape
from gru_c.ops import shapes
from gru_c.ops.dtypes import FLOAT, as_array
from gru_c.ops.operation import ARRAYS, RULES, Rule, apply

__all__ = [
    "arange",
    "convert_to_numpy",
    "convert_to_tensor",
    "eye",
    "full",
    "full_like",
    "linspace",
    "ndim",
    "ones",
    "ones_like",
    "shape",
    "size",
    "zeros",
    "zeros_like",
]


def shape(x: Any) -> Shape:
    """Return the shape of an array or a tensor; None stands for a size that is not known yet."""
    return tuple(np.shape(x))


def ndim(x: Any) -> int:
    """Return the number of axes."""
    return len(np.shape(x))


def size(x: Any) -> int | None:
    """Return the number of elements."""
    return shapes.product(np.shape(x))


def _full_like(x: Any, value: Any, dtype: Any) -> Any:
    name = None if dtype is None else np.dtype(dtype).name
    return apply("full_like", (x,), fill_value=value, dtype=name)


def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Return zeros in the shape of x."""
    return _full_like(x, 0, dtype)


def ones_like(x: Any, dtype: Any = None) -> Any:
    """Return ones in the shape of x."""
    return _full_like(x, 1, dtype)


def full_like(x: Any, fill_value: float, dtype: Any = None) -> Any:
    """Return a number in each place of the shape of x."""
    return _full_like(x, fill_value, dtype)


def zeros(shape: int | Sequence[int], dtype: Any = None) -> Array:
    """Return an array of zeros, by default of float32."""
    return np.zeros(shape, FLOAT if dtype is None else dtype)


def ones(shape: int | Sequence[int], dtype: Any = None) -> Array:
    """Return an array of ones, by default of float32."""
    return np.ones(shape, FLOAT if dtype is None else dtype)


def full(shape: int | Sequence[int], fill_value: float, dtype: Any = None) -> Array:
    """Return an array with a number in each place, by default of float32."""
    return np.full(shape, fill_value, FLOAT if dtype is None else dtype)


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Array:
    """Return a matrix with ones on a diagonal, by default of float32."""
    return np.eye(N, M, k, FLOAT if dtype is None else dtype)


def arange(
    start: float, stop: float | None = None, step: float | None = None, dtype: Any = None
) -> Any:
    """Return numbers from start, below stop, in steps: int32 of integers, float32 of others."""
    if dtype is None:
        numbers = [n for n in (start, stop, step) if n is not None]
        whole = all(isinstance(n, (int, np.integer)) for n in numbers)
        dtype = np.int32 if whole else FLOAT
    first, last = (0, start) if stop is None else (start, stop)
    arange_of: Any = np.arange  # whose overloads do not know a dtype in a variable
    return arange_of(first, last, 1 if step is None else step, dtype)


def linspace(
    start: float,
    stop: float,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Return numbers from start to stop in equal distances, by default of float32."""
    linspace_of: Any = np.linspace
    return linspace_of(start, stop, num, endpoint, retstep, FLOAT if dtype is None else dtype, axis)


def convert_to_tensor(x: Any, dtype: Any = None) -> Any:
    """Return an array; a tensor is returned itself, or cast."""
    if dtype is not None:
        return apply("cast", (x,), dtype=np.dtype(dtype).name)
    return x if hasattr(x, "_record") else as_array(x)


def convert_to_numpy(x: Any) -> Array:
    """Return an array; TypeError for a tensor, whose value is known only when it is computed."""
    return as_array(x)


RULES["full_like"] = Rule(
    lambda x, fill_value, dtype: np.full(x.shape, fill_value, dtype or x.dtype),
    (None,),
    shapes.same,
    ARRAYS,
)
