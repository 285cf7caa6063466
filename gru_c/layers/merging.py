"""How two outputs become one, and the gradient of that."""

from __future__ import annotations

import numpy as np

from gru_c._names import lookup
from gru_c.arrays import Array

MODES = ("concat", "sum", "mul", "ave")


def check_mode(mode: str) -> str:
    """Return the mode as it is written here; an exception when there is no such."""
    return lookup("merge_mode", mode, {name: name for name in MODES})


def merge(mode: str, a: Array, b: Array) -> Array:
    """Put two arrays side by side, or take their sum, product or mean."""
    if mode == "concat":
        return np.concatenate([a, b], axis=-1)
    merged: Array = a * b if mode == "mul" else a + b
    if mode == "ave":
        merged *= merged.dtype.type(0.5)
    return merged


def merged_shape(mode: str, a: Array, b: Array) -> tuple[int, ...]:
    """Return the shape of what `merge` gives."""
    return (*a.shape[:-1], a.shape[-1] + b.shape[-1]) if mode == "concat" else a.shape


def split(mode: str, d: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """Return the gradients of `a` and `b`, given that of what `merge` made of them."""
    if mode == "concat":
        return d[..., : a.shape[-1]], d[..., a.shape[-1] :]
    if mode == "mul":
        return d * b, d * a
    d = d * d.dtype.type(0.5) if mode == "ave" else d
    return d, d
