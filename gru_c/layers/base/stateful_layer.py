"""The base class of layers that can keep their states from batch to batch."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from gru_c.common.arrays import Array, as_real, as_states
from gru_c.common.attributes import assign
from gru_c.common.owners import names_owner
from gru_c.layers.base.random_layer import DrawingLayer
from gru_c.recurrence.cell import IN_WORDS, Cell


def owners_in_errors(layer: StatefulLayer, *_: Any, **__: Any) -> dict[str, str]:
    """Return the layer and its cell as `names_owner` takes them."""
    label = repr(layer.label)
    kind = layer.cell.kind
    return {label: f"layer {label}", kind: IN_WORDS[kind]}


class StatefulLayer(DrawingLayer):
    """A layer with states. With ``stateful=True`` the next batch begins with the last states.

    Attributes
    ----------
    units : int
    stateful : bool
    state : ndarray of shape (B, units) or None
        State after the last batch, if stateful; of an `LSTM` (B, 2 units), h and behind it c. It is
        never changed in place: each forward pass makes a new array.
    """

    _advice: ClassVar = {
        **DrawingLayer._advice,
        "state": "is kept by a stateful layer: set it with reset_states(states)",
    }
    _named_in_errors = True
    cell: Cell
    units: int
    stateful: bool
    state: Array | None = None
    state_count: ClassVar[int] = 1  # of an LSTM 2

    def require_state_for(self, batch: int) -> None:
        """Raise ValueError if a stateful layer holds the states of a batch of another size."""
        if self.state is not None and len(self.state) != batch:
            raise ValueError(
                f"layer {self.label!r} is stateful and holds the states of {len(self.state)} "
                f"sequences, got a batch of {batch}: call reset_states() before batches of another "
                "size"
            )

    @names_owner(owners_in_errors)
    def reset_states(self, states: Any = None) -> None:
        """Set the state with which a stateful layer begins its next batch.

        Parameters
        ----------
        states : array_like of shape (B, H), optional
            The state or a list of it, of an `LSTM` the pair of h and c; by default zeros, for a
            batch of any size.

        Raises
        ------
        ValueError
            If the layer is not stateful, or the shape does not fit.
        TypeError
            If the states are not real numbers.
        """
        assign(self, state=self.checked_states(states))

    reset_state = reset_states

    def as_states(self, name: str, states: Any, batch: int) -> Array | None:
        """Return states of a batch as an array (B, H), of an LSTM (B, 2H), or None for None."""
        if states is None:
            return None
        given = self._without_list(states)
        return as_states(name, given, (batch, self.units), self.dtype, self.state_count)

    def _without_list(self, states: Any) -> Any:
        """Return the state in a list of one array, as Keras hands on states; others unchanged."""
        listed = isinstance(states, (list, tuple)) and len(states) == self.state_count == 1
        return states[0] if listed and np.ndim(states[0]) == 2 else states

    def checked_states(self, states: Any) -> Array | None:
        """Return a copy of the argument of `reset_states`, or raise an exception if it is wrong."""
        if not self.stateful:
            raise ValueError(f"layer {self.label!r} is not stateful: it keeps no states")
        if states is None:
            return None
        if self.state_count > 1:
            parts = states if isinstance(states, (tuple, list)) else ()
            batch = next((len(as_real("states", part)) for part in parts if np.ndim(part)), 0)
            return self.as_states("states", states, batch)
        given = self._without_list(states)
        state = np.array(as_real("states", given), self.dtype, order="C")
        if state.ndim != 2 or state.shape[1] != self.units:
            raise ValueError(f"states must have shape (batch, {self.units}), got {state.shape}")
        return state
