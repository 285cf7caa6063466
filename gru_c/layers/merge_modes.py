"""The ways to merge the outputs of two directions, and their gradients."""

from __future__ import annotations

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.registry import lookup

MODES = ("concat", "sum", "mul", "ave")


def check_mode(mode: str) -> str:
    """Return the mode in the spelling of `MODES`; TypeError or ValueError if it is unknown."""
    return lookup("merge_mode", mode, {name: name for name in MODES})


def merge(mode: str, a: Array, b: Array) -> Array:
    """Return two arrays side by side, or their sum, product or mean."""
    if mode == "concat":
        return np.concatenate([a, b], axis=-1)
    merged: Array = a * b if mode == "mul" else a + b
    if mode == "ave":
        merged *= merged.dtype.type(0.5)
    return merged


def merged_shape(mode: str, a: Array, b: Array) -> tuple[int, ...]:
    """Return the shape of the result of `merge`."""
    return (*a.shape[:-1], a.shape[-1] + b.shape[-1]) if mode == "concat" else a.shape


def split(mode: str, d: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """Return the gradients of `a` and `b`, given the gradient `d` of ``merge(mode, a, b)``."""
    if mode == "concat":
        return d[..., : a.shape[-1]], d[..., a.shape[-1] :]
    if mode == "mul":
        return d * b, d * a
    d = d * d.dtype.type(0.5) if mode == "ave" else d
    return d, d
