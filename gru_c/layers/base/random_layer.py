"""The base class of layers that draw random numbers while training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.attributes import assign
from gru_c.common.validation import make_rng
from gru_c.layers.base.layer import Layer


def generators(layers: Iterable[Layer]) -> list[np.random.Generator]:
    """Return the random generators of layers and of their parts, without duplicates."""
    rngs = [
        part.rng
        for layer in layers
        for part in _with_parts(layer)
        if isinstance(part, DrawingLayer) and part.rng is not None
    ]
    return list({id(rng): rng for rng in rngs}.values())


def _with_parts(layer: Layer) -> Iterator[Layer]:
    """Yield a layer, its directions and the layers inside it."""
    yield layer
    yield from (part for part in getattr(layer, "directions", ()) if part is not layer)
    for inner in layer.inner_layers:
        yield from _with_parts(inner)


class DrawingLayer(Layer):
    """A layer that draws random numbers: from its own generator if it has a seed, else the model's.

    Attributes
    ----------
    seed : int or None
    rng : numpy.random.Generator
    """

    _advice: ClassVar = {**Layer._advice, "seed": "cannot be set: call set_seed(seed)"}
    _checks: ClassVar = {"rng": lambda value: _check_generator(value)}
    seed: int | None

    def set_seed(self, seed: int | None) -> None:
        """Draw from a new generator with this seed; with None, until a model passes its own."""
        assign(self, seed=seed)
        self.rng = make_rng(seed)

    def seed_from(self, rng: np.random.Generator) -> None:
        """Draw from `rng` from now on, unless the layer has a seed."""
        if self.seed is None:
            self.rng = rng

    def draw_mask(self, shape: tuple[int, ...], rate: float) -> Array:
        """Return factors for dropout: 0 with probability `rate`, else ``1 / (1 - rate)``."""
        dtype = np.dtype(self.dtype).type
        keep = self.rng.random(shape, dtype=dtype) >= rate
        mask: Array = keep * dtype(1 / (1 - rate))
        return mask


def _check_generator(value: object) -> np.random.Generator:
    if not isinstance(value, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {value!r}")
    return value
