"""The dtypes of operations, by Keras's rules: floats win over integers, and Python's numbers adapt.

An array without axes adapts to arrays with axes, as a Python number does. Lists become float32 or
int32. Functions such as exp make float32 of integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gru_c.common.arrays import Array, refuse_masked

FLOAT = np.dtype(np.float32)
_SMALLER = {np.dtype(np.float64): FLOAT, np.dtype(np.int64): np.dtype(np.int32)}


def as_array(x: Any) -> Array:
    """Return an array of real numbers.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.
    """
    if type(x) is np.ndarray and x.dtype.kind in "fiub":
        return x
    if type(x) is float:
        return np.array(x, FLOAT)
    refuse_masked("x", x)
    array: Array = np.asanyarray(
        x
    )  # targets that a user's function gets are of a class of their own
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"functions of gru_c.ops take arrays of real numbers, got {type(x).__name__} of dtype "
            f"{array.dtype}"
        )
    if isinstance(x, (list, tuple, int)) and not _holds_arrays(x):
        smaller: Array = array.astype(_SMALLER.get(array.dtype, array.dtype))
        if array.dtype.kind == "f" or (smaller == array).all():
            return smaller
    return array


def _holds_arrays(x: Any) -> bool:
    while isinstance(x, (list, tuple)) and x:
        x = x[0]
    return isinstance(x, (np.ndarray, np.generic))


def as_arrays(inputs: Sequence[Any]) -> list[Array]:
    """Return each input as an array of its own dtype."""
    return [as_array(x) for x in inputs]


def common_dtype(arrays: Sequence[Array]) -> np.dtype[Any]:
    """Return the dtype in which arrays are computed together.

    Examples
    --------
    >>> common_dtype([np.ones(2, "int64"), np.ones(2, "float32")])
    dtype('float32')
    """
    strong = [a.dtype for a in arrays if a.ndim] or [a.dtype for a in arrays]
    floats = [dtype for dtype in strong if dtype.kind == "f"]
    if floats:
        return np.result_type(*floats)
    weak = {a.dtype.kind for a in arrays}
    if "f" in weak:
        return FLOAT
    integers = np.result_type(*strong)
    if integers.kind == "f":  # int64 and uint64
        return FLOAT
    return np.dtype(np.int32) if integers.kind == "b" and weak & set("iu") else integers


def promoted(inputs: Sequence[Any]) -> list[Array]:
    """Return the inputs as arrays of one dtype."""
    arrays = [as_array(x) for x in inputs]
    first = arrays[0].dtype
    if all(a.dtype == first for a in arrays):
        return arrays
    dtype = common_dtype(arrays)
    return [a.astype(dtype, copy=False) for a in arrays]


def promoted_to_float(inputs: Sequence[Any]) -> list[Array]:
    """Return the inputs as arrays of one floating dtype, float32 for integers."""
    arrays = promoted(inputs)
    if arrays[0].dtype.kind == "f":
        return arrays
    return [a.astype(FLOAT) for a in arrays]
