"""Checks of targets and sample weights, shared by losses and metrics.

Targets have the shape of the output, or lack its last axis if that has length 1. Labels have the
shape of the output without its last axis, or with a last axis of length 1. Nothing else is
broadcast. `owner` is what the messages call the loss or metric, such as ``loss 'mse'``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, as_indices, first_bad, refuse_masked, unreadable

Shape = tuple[int, ...]


def real_array(owner: str, what: str, values: npt.ArrayLike) -> Array:
    """Return `values` as an array of bools, integers or floats; TypeError for other values."""
    array = values if type(values) is np.ndarray else _as_array(f"{owner}: {what}", values)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{owner} expects {what} of bools, integers or floats, got dtype {array.dtype}"
        )
    return array


def _as_array(name: str, values: npt.ArrayLike) -> Array:
    """Return `values` as an array; TypeError with advice if NumPy cannot read them."""
    refuse_masked(name, values)
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
    """Return `shape` as a tuple; ValueError unless it is (samples, ..., outputs)."""
    if len(shape) < 2:
        raise ValueError(f"{owner} expects y_pred of shape (samples, ..., outputs), got {shape}")
    return tuple(shape)


def value_shapes(output: Shape) -> tuple[Shape, ...]:
    """Return the shapes that targets with one number for each output may have."""
    return (output, output[:-1]) if output[-1] == 1 else (output,)


def label_shapes(output: Shape) -> tuple[Shape, ...]:
    """Return the shapes that integer labels may have."""
    return (output[:-1], (*output[:-1], 1))


def fit_shape(owner: str, y: Array, shapes: tuple[Shape, ...], hint: str = "") -> Array:
    """Return `y` as a view with the first of `shapes`; ValueError if it fits none of them."""
    if y.shape == shapes[0]:
        return y
    if y.shape not in shapes:
        wanted = " or ".join(map(str, shapes))
        raise ValueError(f"{owner} expects y of shape {wanted}, got {y.shape}{hint}")
    return y.reshape(shapes[0])


def labels(owner: str, y: Array, classes: int) -> npt.NDArray[np.intp]:
    """Return class labels as integers; ValueError unless all are integers from 0 to classes - 1."""
    return as_indices(owner, "label", "y", y, classes)


def check_unit_interval(owner: str, y: Array) -> None:
    """Raise ValueError if a target is outside [0, 1] or NaN."""
    bad = ~((y >= 0) & (y <= 1))
    if bad.any():
        target, place = first_bad("y", y, bad)
        signs = (np.abs(y) == 1).all()
        hint = ": of targets -1 and 1, (y + 1) / 2 makes 0 and 1" if signs else ""
        raise ValueError(f"{owner}: target {target} {place} is not in [0, 1]{hint}")


class PairingError(ValueError):
    """An operation would have broadcast targets (n,) against predictions (n, 1)."""


class _Guarded(np.ndarray[Any, np.dtype[Any]]):
    """Targets (n, ...) for a user's function that also gets predictions (n, ..., 1).

    NumPy would broadcast one against the other to (n, ..., n): a number for each pair of samples.
    Here that raises ValueError. Results computed from these targets are plain arrays.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Apply a function of NumPy to plain arrays, unless it would pair all samples."""
        plain = [x.view(np.ndarray) if isinstance(x, _Guarded) else x for x in inputs]
        if method == "__call__" and len(plain) == 2 and ufunc.signature is None:
            short, long = sorted(map(np.shape, plain), key=len)
            if long == (*short, 1) and math.prod(short) > 1:
                raise PairingError(
                    f"targets and predictions of shapes {short} and {long} would be paired, each "
                    "with all others: write y_true[..., None] or y_pred[..., 0], or give y a last "
                    "axis of 1"
                )
        if "out" in options:
            outs = (x.view(np.ndarray) if isinstance(x, _Guarded) else x for x in options["out"])
            options["out"] = tuple(outs)
        return getattr(ufunc, method)(*plain, **options)


def read_only(array: Array) -> Array:
    """Return a read-only view of an array, for a user's function."""
    view: Array = array.view()
    view.flags.writeable = False
    return view


def for_function(y: Array, y_pred: Array) -> tuple[Array, Array]:
    """Return read-only targets and predictions for a user's function.

    An operation that broadcasts targets (n,) against predictions (n, 1) raises ValueError.
    """
    paired = y_pred.shape == (*y.shape, 1)
    return read_only(y.view(_Guarded) if paired else y), read_only(y_pred)


def number(owner: str, value: Any) -> float:
    """Return the result of a user's function as a float; TypeError if it is not a number."""
    try:
        if getattr(getattr(value, "dtype", None), "kind", "") != "c":  # NumPy would only warn
            return float(value)
    except (TypeError, ValueError):
        pass
    raise TypeError(f"{owner} must return a number, got {value!r}")


def real_result(owner: str, values: npt.ArrayLike) -> Array:
    """Return the result of a user's function as an array; TypeError unless of real numbers."""
    array = _as_array(f"{owner}: the result", values)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{owner} must return real numbers, got dtype {array.dtype}")
    return array


def fit_weights(
    owner: str, sample_weight: npt.ArrayLike, shape: Shape, of_elements: Shape | None = None
) -> Array:
    """Return weights of shape (n,) or `shape`, which is the shape of per-sample values.

    One number is the weight of all samples. `of_elements` is another shape that weights may have.
    """
    weight = real_array(owner, "sample_weight", sample_weight)
    if not weight.ndim:
        return np.broadcast_to(weight, shape[:1])
    if weight.shape == of_elements:
        return weight
    shapes = dict.fromkeys([shape[:1], shape])
    if weight.shape not in shapes and weight.shape[-1:] == (1,) and weight.shape[:-1] in shapes:
        weight = weight[..., 0]  # as in Keras
    if weight.shape not in shapes:
        wanted = " or ".join(map(str, shapes))
        raise ValueError(f"{owner} expects sample_weight of shape {wanted}, got {weight.shape}")
    return weight


def require_several_weights(owner: str, sample_weight: npt.ArrayLike) -> None:
    """Raise ValueError if one number is given as the weight of all samples."""
    if not np.ndim(sample_weight):
        raise ValueError(
            f"{owner} with reduction='mean_with_sample_weight' divides by the sum of the weights: "
            f"give sample_weight a number for each sample, got one for all: {sample_weight!r}"
        )


def counting(owner: str, mask: npt.ArrayLike, *arrays: Array) -> tuple[Array, ...]:
    """Return the rows of arrays (n, ..., outputs) where the mask (n, ...) is True.

    Raises ValueError if an array does not begin with the axes of the mask.
    """
    mask = np.asarray(mask)
    for array in arrays:
        if array.shape[: mask.ndim] != mask.shape:
            raise ValueError(
                f"{owner}: a mask of shape {mask.shape} does not go with values of shape "
                f"{array.shape}"
            )
    return tuple(array[mask] for array in arrays)


def check_finite_weights(owner: str, weight: Array) -> None:
    """Raise ValueError if a weight is infinite or NaN."""
    bad = ~np.isfinite(weight)
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"{owner}: sample_weight {weight[index]} of sample {index[0]} is not finite"
        )
