"""Optimizers whose step is NumPy on pieces of the flat vectors that stay in the cache."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

import numpy as np

from gru_c.common.arrays import Array
from gru_c.optimizers.base import Optimizer, Slots, StepSettings

_LENGTH = 8192  # numbers of a piece: with its slots and scratch 256 KB in float32


class Piece(NamedTuple):
    """A piece of the flat vectors, and memory of the same length.

    Attributes
    ----------
    w : ndarray
        Weights, after their decay.
    g : ndarray
        Scaled and clipped gradients; a copy that may be changed.
    slots : dict of str to ndarray
        State of these weights.
    a, b : ndarray
        Scratch memory.
    """

    w: Array
    g: Array
    slots: Slots
    a: Array
    b: Array


class Method(Protocol):
    """The part of an optimizer that `update_by_pieces` needs."""

    def scratch(self, dtype: np.dtype[Any], length: int) -> Array:
        """Return memory of the shape (3, length)."""

    def update_piece(self, piece: Piece, rate: float) -> None:
        """Change the weights and slots of a piece in place."""


class PiecewiseOptimizer(Optimizer):
    """Base of the optimizers here; a subclass defines `update_piece`."""

    def _update(
        self, values: Array, gradients: Array, slots: Slots, settings: StepSettings
    ) -> None:
        update_by_pieces(self, values, gradients, slots, settings)

    def update_piece(self, piece: Piece, rate: float) -> None:
        """Change the weights and slots of a piece in place."""
        raise NotImplementedError


def update_by_pieces(
    optimizer: Method, values: Array, gradients: Array, slots: Slots, settings: StepSettings
) -> None:
    """Take a step of an optimizer's method on a part of the flat vectors."""
    scratch = optimizer.scratch(values.dtype, min(_LENGTH, len(values)))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # it shows in the weights
        for start in range(0, len(values), _LENGTH):
            part = slice(start, start + _LENGTH)
            w = values[part]
            g, a, b = scratch[:, : len(w)]
            np.multiply(gradients[part], settings.scale, out=g)
            if settings.clip < math.inf:
                np.clip(g, -settings.clip, settings.clip, out=g)
            if settings.decay:
                np.multiply(w, settings.decay, out=a)
                w -= a
            piece = Piece(w, g, {name: slot[part] for name, slot in slots.items()}, a, b)
            optimizer.update_piece(piece, settings.rate)


def blend(mean: Array, new: Array, share: float) -> None:
    """Move a running mean by a share of its distance from `new`, which is overwritten."""
    new -= mean
    new *= share
    mean += new
