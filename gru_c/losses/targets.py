"""Checks of targets and sample weights, shared by losses and metrics.

The one rule of shapes: targets have the shape of the output, or lack its last axis where that has
length 1; labels have the shape of the output without its last axis, or with a last axis of length
1. Nothing else is broadcast. `owner` is what the messages call the loss or metric, such as ``loss
'mse'``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.utils.arrays import Array, as_indices, first_bad, unreadable

Shape = tuple[int, ...]


def real_array(owner: str, what: str, values: npt.ArrayLike) -> Array:
    """Return `values` as an array of bools, integers or floats; TypeError for anything else."""
    array = _as_array(f"{owner}: {what}", values)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{owner} expects {what} of bools, integers or floats, got dtype {array.dtype}"
        )
    return array


def _as_array(name: str, values: npt.ArrayLike) -> Array:
    try:
        return np.asarray(values)
    except (TypeError, RuntimeError) as error:
        raise unreadable(name, values, error) from None


def predictions(owner: str, y_pred: npt.ArrayLike) -> Array:
    """Return `y_pred` as an array of two or more axes: samples, ..., outputs."""
    array = real_array(owner, "y_pred", y_pred)
    output_shape(owner, array.shape)
    return array


def output_shape(owner: str, shape: Shape) -> Shape:
    """Return `shape` if it has the axes of an output: samples, ..., outputs."""
    if len(shape) < 2:
        raise ValueError(f"{owner} expects y_pred of shape (samples, ..., outputs), got {shape}")
    return tuple(shape)


def value_shapes(output: Shape) -> tuple[Shape, ...]:
    """Shapes that targets with one number an output may have; the first is the plain one."""
    return (output, output[:-1]) if output[-1] == 1 else (output,)


def label_shapes(output: Shape) -> tuple[Shape, ...]:
    """Shapes that integer labels may have; the first is the plain one."""
    return (output[:-1], (*output[:-1], 1))


def fit_shape(owner: str, y: Array, shapes: tuple[Shape, ...], hint: str = "") -> Array:
    """Return `y` in the first of `shapes`, as a view; ValueError if it has none of them."""
    if y.shape not in shapes:
        wanted = " or ".join(map(str, shapes))
        raise ValueError(f"{owner} expects y of shape {wanted}, got {y.shape}{hint}")
    return y.reshape(shapes[0])


def labels(owner: str, y: Array, classes: int) -> npt.NDArray[np.intp]:
    """Return class labels as integers; ValueError for one that is not a whole number < classes."""
    return as_indices(owner, "label", "y", y, classes)


def check_unit_interval(owner: str, y: Array) -> None:
    """Raise ValueError for a target outside [0, 1] or NaN."""
    bad = ~((y >= 0) & (y <= 1))
    if bad.any():
        target, place = first_bad("y", y, bad)
        signs = (np.abs(y) == 1).all()
        hint = ": of targets -1 and 1, (y + 1) / 2 makes 0 and 1" if signs else ""
        raise ValueError(f"{owner}: target {target} {place} is not in [0, 1]{hint}")


class _Guarded(np.ndarray[Any, np.dtype[Any]]):
    """Targets (n, ...) for a user's function that has predictions (n, ..., 1), too.

    NumPy would broadcast one against the other to (n, ..., n): a number from every pair of
    samples. Here that raises ValueError. What is computed of these targets is a plain array.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Apply a function of NumPy to plain arrays, unless it would pair every two samples."""
        plain = [x.view(np.ndarray) if isinstance(x, _Guarded) else x for x in inputs]
        if method == "__call__" and len(plain) == 2 and ufunc.signature is None:
            short, long = sorted(map(np.shape, plain), key=len)
            if long == (*short, 1) and math.prod(short) > 1:
                raise ValueError(
                    f"targets and predictions of shapes {short} and {long} would be paired, each "
                    "with all others: write y_true[..., None] or y_pred[..., 0], or give y a last "
                    "axis of 1"
                )
        if "out" in options:
            outs = (x.view(np.ndarray) if isinstance(x, _Guarded) else x for x in options["out"])
            options["out"] = tuple(outs)
        return getattr(ufunc, method)(*plain, **options)


def read_only(array: Array) -> Array:
    """Return a view for a user's function, which cannot change the array through it."""
    view: Array = array.view()
    view.flags.writeable = False
    return view


def for_function(y: Array, y_pred: Array) -> tuple[Array, Array]:
    """Return targets and predictions for a user's function.

    They are read-only, and a difference of targets (n,) and predictions (n, 1) will raise.
    """
    paired = y_pred.shape == (*y.shape, 1)
    return read_only(y.view(_Guarded) if paired else y), read_only(y_pred)


def number(owner: str, value: Any) -> float:
    """Return what a user's function gave as a float; TypeError where it is no number."""
    try:
        if getattr(getattr(value, "dtype", None), "kind", "") != "c":  # NumPy would only warn
            return float(value)
    except (TypeError, ValueError):
        pass
    raise TypeError(f"{owner} must return a number, got {value!r}")


def real_result(owner: str, values: npt.ArrayLike) -> Array:
    """Return what a user's function gave as an array; TypeError unless it holds real numbers."""
    array = _as_array(f"{owner}: the result", values)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{owner} must return real numbers, got dtype {array.dtype}")
    return array


def fit_weights(owner: str, sample_weight: npt.ArrayLike, shape: Shape) -> Array:
    """Return real weights of shape (n,) or `shape`, the shape of the per-sample values (n, ...)."""
    weight = real_array(owner, "sample_weight", sample_weight)
    shapes = dict.fromkeys([shape[:1], shape])
    if weight.shape not in shapes:
        wanted = " or ".join(map(str, shapes))
        raise ValueError(f"{owner} expects sample_weight of shape {wanted}, got {weight.shape}")
    return weight


def counting(owner: str, mask: npt.ArrayLike, *arrays: Array) -> tuple[Array, ...]:
    """Return what counts of arrays (n, ..., outputs): a row for each True of the mask (n, ...).

    Raises ValueError where an array does not begin with the mask's axes.
    """
    chosen = np.asarray(mask)
    for array in arrays:
        if array.shape[: chosen.ndim] != chosen.shape:
            raise ValueError(
                f"{owner}: a mask of shape {chosen.shape} does not go with values of shape "
                f"{array.shape}"
            )
    return tuple(array[chosen] for array in arrays)


def check_finite_weights(owner: str, weight: Array) -> None:
    """Raise ValueError for an infinite weight or NaN."""
    bad = ~np.isfinite(weight)
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"{owner}: sample_weight {weight[index]} of sample {index[0]} is not finite"
        )
