"""Two recurrent layers that share their settings, and the ways to merge their outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array
from gru_c.common.attributes import assign
from gru_c.common.registry import lookup
from gru_c.layers.base.random_layer import DrawingLayer
from gru_c.layers.base.recurrent import Recurrent

Direction = TypeVar("Direction", bound=Recurrent)

MODES = ("concat", "sum", "mul", "ave")


class DirectionPair(DrawingLayer, Generic[Direction]):
    """Base of `Bidirectional`: settings, random generators and states of the two directions.

    Attributes
    ----------
    layer : Recurrent
        The settings that the directions share.
    forward_layer, backward_layer : Recurrent
    """

    layer: Direction
    forward_layer: Direction
    backward_layer: Direction

    @property
    def directions(self) -> tuple[Direction, Direction]:
        """The forward and the backward layer."""
        return self.forward_layer, self.backward_layer

    # ---- random generators ----

    def seed_from(self, rng: np.random.Generator) -> None:
        """Let both directions draw from `rng`, unless they have seeds."""
        super().seed_from(rng)
        self._seed_directions()

    def set_seed(self, seed: int | None) -> None:
        """Draw from a new generator with this seed; see `DrawingLayer`."""
        super().set_seed(seed)
        if seed is not None:
            self._seed_directions()

    def _seed_directions(self) -> None:
        # The directions may run at the same time, so each has its own generator: with a shared one
        # the draws would depend on which direction comes first.
        self.forward_layer.seed_from(self.rng)
        self.backward_layer.seed_from(self.rng.spawn(1)[0])

    # ---- settings ----

    @property
    def trainable(self) -> bool:
        """True if training changes the weights of a direction. Setting it sets both directions.

        ``layer.backward_layer.trainable = False`` freezes one of them. See `Layer.trainable`.
        """
        return any(layer.trainable for layer in self.directions)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self.directions:
            layer.trainable = value

    @property
    def trainable_parts(self) -> tuple[Direction, Direction]:
        """Both directions: each can be frozen."""
        return self.directions

    @property
    def return_sequences(self) -> bool:
        """True if the output of every step is returned."""
        return self.layer.return_sequences

    @property
    def return_state(self) -> bool:
        """True if the last states are returned, too."""
        return self.layer.return_state

    @property
    def time_major(self) -> bool:
        """True if input and output are (T, B, features)."""
        return self.layer.time_major

    @property
    def stateful(self) -> bool:
        """True if a batch begins with the states that the last one ended with."""
        return self.layer.stateful

    @property
    def mixes_time(self) -> bool:
        """True: the backward layer begins with the last step."""
        return True

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> Array | None:
        """Return the mask with ``return_sequences``, else None: the output has no time axis."""
        return self.forward_layer.compute_mask(x, mask)

    def hold_weights(self, hold: bool) -> None:
        """Let both directions keep packed weights, or drop them; see `GRU.hold_weights`."""
        for layer in self.directions:
            layer.hold_weights(hold)

    # ---- states ----

    def require_state_for(self, batch: int) -> None:
        """Raise ValueError if the layer holds the states of a batch of another size."""
        for layer in self.directions:
            layer.require_state_for(batch)

    def reset_states(self, states: Sequence[npt.ArrayLike | None] | None = None) -> None:
        """Set the states of a stateful layer, a pair; see `GRU.reset_states`."""
        given = by_direction("states", states, self.forward_layer.state_count)
        pair = zip(self.directions, given, strict=True)
        checked = [layer.checked_states(state) for layer, state in pair]
        for layer, state in zip(self.directions, checked, strict=True):
            assign(layer, state=state)

    reset_state = reset_states


def checked_pair(name: str, values: Any) -> tuple[Any, Any]:
    """Return the values for the forward and the backward layer; a pair of None for None."""
    if values is None:
        return None, None
    if not isinstance(values, (tuple, list)) or len(values) != 2:
        raise ValueError(
            f"{name} of a Bidirectional must be a pair, for the forward and the backward layer, "
            f"got {type(values).__name__}"
            + (f" of {len(values)}" if isinstance(values, (tuple, list)) else "")
        )
    return values[0], values[1]


def by_direction(name: str, values: Any, count: int) -> tuple[Any, Any]:
    """Return the states for each direction, which have `count` of them.

    They are a pair of such states or, as in Keras, those of both directions in one list.
    """
    if count > 1 and isinstance(values, (tuple, list)) and len(values) == 2 * count:
        return values[:count], values[count:]
    return checked_pair(name, values)


def new_direction(layer: Recurrent, prefix: str, go_backwards: bool) -> Recurrent:
    """Return a new layer with the settings of another, and `prefix` before its weights' names."""
    config = {**layer.get_config(), "go_backwards": go_backwards, "input_shape": None}
    config.pop("batch_size", None)
    config["zero_output_for_mask"] = layer.return_sequences  # as in Keras
    config["name"] = f"{prefix}_{layer.label}" if prefix else None
    direction: Recurrent = layer.plain_class(**config)
    assign(direction, prefix=f"{prefix}_" if prefix else "")
    return direction


# ---- merging ----


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
