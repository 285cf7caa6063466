"""Conversion of arguments to arrays that the core can read, and checks of their values."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c import _core

Array = npt.NDArray[Any]
Shape = tuple[int | None, ...]  # of a batch; None stands for any size

CACHE_LINE = 64  # bytes


def past_line(memory: Array) -> int:
    """Return the distance in bytes from the start of a cache line to the start of an array."""
    return int(memory.ctypes.data % CACHE_LINE)


def copied_past_line(content: Array, past: int) -> Array:
    """Return a copy of bytes that starts `past` bytes after the start of a cache line."""
    memory = np.empty(content.size + CACHE_LINE, np.uint8)
    first = (past - past_line(memory)) % CACHE_LINE
    copied = memory[first : first + content.size]
    copied[...] = content
    return copied


def as_real(name: str, value: npt.ArrayLike, dtype: npt.DTypeLike | None = None) -> Array:
    """Return `value` as an array of real numbers; with `dtype`, aligned and of that dtype.

    It is copied only if necessary. Raises TypeError for complex, string, object and other arrays
    that do not hold real numbers.
    """
    if value is None:
        raise TypeError(f"{name} must be an array of real numbers, got None")
    refuse_masked(name, value)
    try:
        array = np.asarray(value)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{name} is not an array of numbers: {error}") from None
    except (TypeError, RuntimeError) as error:
        raise unreadable(name, value, error) from None
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise TypeError(
            f"{name} must hold real numbers (floats up to float64, integers or booleans), "
            f"got dtype {array.dtype}"
        )
    return array if dtype is None else array.astype(dtype, copy=not array.flags.aligned)


def refuse_masked(name: str, value: object) -> None:
    """Raise TypeError for a masked array with masked entries, which would count as numbers.

    NumPy forgets the mask where it makes an array of it. A list may hold such arrays, too.
    """
    if type(value) is np.ndarray or "numpy.ma" not in sys.modules:  # NumPy imports it late
        return
    if isinstance(value, (list, tuple)):
        kinds = {type(item) for item in value}
        if any(issubclass(kind, (list, tuple, np.ma.MaskedArray)) for kind in kinds):
            for i, item in enumerate(value):
                refuse_masked(f"{name}[{i}]", item)
    elif isinstance(value, np.ma.MaskedArray):
        masked = np.count_nonzero(np.ma.getmaskarray(value))
        if masked:
            raise TypeError(
                f"{name} is a masked array with {masked} entries masked, which would count as "
                "numbers: fill them, as .filled(0.0) does, and where steps of sequences do not "
                "count, say so with mask= or lengths="
            )


def unreadable(name: str, value: Any, error: Exception) -> TypeError:
    """Return the exception for a value that NumPy cannot read, with advice for tensors."""
    item = value
    while isinstance(item, (list, tuple)) and item:
        item = item[0]
    if not hasattr(item, "detach"):
        return TypeError(f"{name} is not an array of numbers: {error}")
    calls = (
        (item.requires_grad, ".detach()"),
        (item.device.type != "cpu", ".cpu()"),
        ("sparse" in str(item.layout), ".to_dense()"),
        ("bfloat16" in str(item.dtype) or "float8" in str(item.dtype), ".float()"),
    )
    needed = "".join(call for is_needed, call in calls if is_needed)
    advice = f"give tensor{needed}.numpy() instead of the tensor" if needed else str(error)
    holds = "is" if item is value else "holds"
    return TypeError(
        f"{name} {holds} a tensor of PyTorch ({item.dtype}) that NumPy cannot read: {advice}"
    )


def as_indices(owner: str, kind: str, name: str, array: Array, count: int) -> npt.NDArray[np.intp]:
    """Return `array` as integers of NumPy's index type, copied only if necessary.

    Raises ValueError if an entry is not an integer from 0 to `count` - 1. For the message, `owner`
    is the owner of the array, `kind` the kind of its entries, and `name` the user's name for it.
    """
    bad = ~((array >= 0) & (array < count))  # true for NaN, too
    if array.dtype.kind == "f":
        bad |= array != np.floor(array)
    if bad.any():
        value, place = first_bad(name, array, bad)
        raise ValueError(f"{owner}: {kind} {value} {place} is not an integer in [0, {count})")
    return array.astype(np.intp, copy=False)


def first_bad(name: str, array: Array, bad: Array) -> tuple[Any, str]:
    """Return the first entry where `bad` is True, and a text that says where it is."""
    index = tuple(int(i) for i in np.argwhere(bad)[0])
    return array[index].item(), f"of sample {index[0]} ({name}[{', '.join(map(str, index))}])"


# Below these sums of squares every number of an array is finite in a dtype.
_LIMITS = {"f": float(np.finfo(np.float32).max) ** 2, "d": math.inf}


def is_finite(array: Array, dtype: np.dtype[Any]) -> bool:
    """Return True if all numbers of an array are finite in `dtype`, float32 or float64.

    The core's sum of squares tells, in a tenth of NumPy's time for a short array.
    """
    source, flags = array.dtype, array.flags
    if source.char in "fd" and source.isnative and flags.c_contiguous and flags.aligned:
        if _core.sum_squares(array) < _LIMITS[dtype.char]:
            return True
    elif source.kind != "f":
        return True
    return not not_finite(array, dtype).any()


def not_finite(array: Array, dtype: np.dtype[Any]) -> Array:
    """Return a mask of the numbers that are NaN, infinite, or too large for `dtype`."""
    with np.errstate(over="ignore"):
        bad: Array = ~np.isfinite(array.astype(dtype, copy=False))
    return bad


def as_sequences(name: str, value: npt.ArrayLike, dtype: npt.DTypeLike) -> Array:
    """Return `value` as a (B, T, features) array for the core, copied only if necessary."""
    array = as_real(name, value, dtype)
    if array.ndim != 3:
        raise ValueError(
            f"{name} must have 3 dimensions (batch, time, features), got shape {array.shape}"
        )
    itemsize = array.itemsize
    features_adjacent = array.shape[2] <= 1 or array.strides[2] == itemsize
    whole_strides = not (array.strides[0] % itemsize or array.strides[1] % itemsize)
    if features_adjacent and whole_strides:
        return array
    return np.ascontiguousarray(array)


def compute_dtype(**arrays: npt.ArrayLike | None) -> np.dtype[Any]:
    """Return float64 if one of the arrays has it, else float32."""
    # zip, because CPython 3.11 crashes when memory for an iterator over items() cannot be had
    named = zip(arrays, arrays.values(), strict=True)
    dtypes = [as_real(name, value).dtype for name, value in named if value is not None]
    # kind and size: a dtype of the other byte order is not equal to np.float64
    wide = any(dtype.kind == "f" and dtype.itemsize == 8 for dtype in dtypes)
    return np.dtype(np.float64 if wide else np.float32)


def as_state(
    name: str, value: npt.ArrayLike | None, shape: tuple[int, int], dtype: npt.DTypeLike | None
) -> Array | None:
    """Return `value` as a contiguous (B, H) array, or None for None."""
    if value is None:
        return None
    state = np.ascontiguousarray(as_real(name, value, dtype))
    if state.shape != shape:
        raise ValueError(f"{name} must have shape (B, H) = {shape}, got {state.shape}")
    return state


def as_states(
    name: str,
    value: Any,
    shape: tuple[int, int],
    dtype: npt.DTypeLike | None,
    count: int,
) -> Array | None:
    """Return the states of a cell as a contiguous array (B, H), or None for None.

    With a `count` of 2, `value` is the pair of an LSTM's h and c (each may be None, for zeros), and
    the array is (B, 2H): h, then c.
    """
    if count == 1:
        return as_state(name, value, shape, dtype)
    if value is None:
        return None
    if not isinstance(value, (tuple, list)) or len(value) != count:
        got = f"{len(value)} arrays" if isinstance(value, (tuple, list)) else type(value).__name__
        raise ValueError(f"{name} of an LSTM must be a pair of arrays (B, H), h and c, got {got}")
    states = np.zeros((shape[0], count * shape[1]), dtype)
    for i, part in enumerate(value):
        checked = as_state(f"{name}[{i}]", part, shape, dtype)
        if checked is not None:
            states[:, i * shape[1] : (i + 1) * shape[1]] = checked
    return states


def split_states(states: Array, count: int) -> Any:
    """Return the states (B, H), or with a `count` of 2 a pair of new arrays for h and c."""
    if count == 1:
        return states
    units = states.shape[1] // count
    return states[:, :units].copy(), states[:, units:].copy()


def check_features(features: int, kernel: Array, name: str) -> None:
    """Raise ValueError unless the kernel has a row for each feature."""
    if features != len(kernel):
        raise ValueError(
            f"{name} has {features} features, but the kernel of shape {kernel.shape} "
            f"is made for {len(kernel)}"
        )
