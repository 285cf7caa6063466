"""The base class of layers that can keep their states from batch to batch."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, as_real
from gru_c.common.attributes import assign
from gru_c.layers.base.random_layer import DrawingLayer


class StatefulLayer(DrawingLayer):
    """A layer with states. With ``stateful=True`` the next batch begins with the last states.

    Attributes
    ----------
    units : int
    stateful : bool
    state : ndarray of shape (B, units) or None
        State after the last batch, if stateful. It is never changed in place: each forward pass
        makes a new array.
    """

    _advice: ClassVar = {
        **DrawingLayer._advice,
        "state": "is kept by a stateful layer: set it with reset_states(states)",
    }
    units: int
    stateful: bool
    state: Array | None = None

    def require_state_for(self, batch: int) -> None:
        """Raise ValueError if a stateful layer holds the states of a batch of another size."""
        if self.state is not None and len(self.state) != batch:
            raise ValueError(
                f"layer {self.label!r} is stateful and holds the states of {len(self.state)} "
                f"sequences, got a batch of {batch}: call reset_states() before batches of another "
                "size"
            )

    def reset_states(self, states: npt.ArrayLike | None = None) -> None:
        """Set the state with which a stateful layer begins its next batch.

        Parameters
        ----------
        states : array_like of shape (B, H), optional
            The state; by default zeros, for a batch of any size.

        Raises
        ------
        ValueError
            If the layer is not stateful, or the shape does not fit.
        TypeError
            If the states are not real numbers.
        """
        assign(self, state=self.checked_states(states))

    reset_state = reset_states

    def checked_states(self, states: npt.ArrayLike | None) -> Array | None:
        """Return a copy of the argument of `reset_states`, or raise an exception if it is wrong."""
        if not self.stateful:
            raise ValueError(f"layer {self.label!r} is not stateful: it keeps no states")
        if states is None:
            return None
        state = np.array(as_real("states", states), self.dtype, order="C")
        if state.ndim != 2 or state.shape[1] != self.units:
            raise ValueError(f"states must have shape (batch, {self.units}), got {state.shape}")
        return state
