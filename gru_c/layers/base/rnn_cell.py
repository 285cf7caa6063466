"""The base class of recurrent cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape, as_real
from gru_c.common.attributes import assign
from gru_c.common.validation import check_flag, check_flags
from gru_c.layers.base import FIXED, Layer
from gru_c.layers.base.recurrent import Recurrent

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from gru_c.parameters import Source

_STATES = {
    1: "the states before the time step: an array (batch, units), or a list of it",
    2: "the states before the time step: a list of two arrays (batch, units), h and c",
}


class SequenceOptions(TypedDict, total=False):
    """Arguments of a recurrent layer that a cell does not have, or has with another value."""

    name: str | None
    input_shape: Sequence[int | None] | None
    batch_size: int | None
    trainable: bool
    activity_regularizer: object

    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: bool
    zero_output_for_mask: bool


class RNNCell(Layer):
    """Base of cells: the settings and weights of a recurrent layer, which computes their steps.

    A subclass sets `layer_class`, and `settings`, the arguments that both constructors have.

    Attributes
    ----------
    layer : Recurrent
        The layer that computes single time steps with the cell's weights.
    """

    layer_class: ClassVar[type[Any]]
    state_count: ClassVar[int] = 1  # 2 of an LSTM, h and c
    settings: ClassVar[tuple[str, ...]]
    _advice: ClassVar = {**Layer._advice, "layer": FIXED}
    _named_in_errors = True
    layer: Recurrent
    units: int

    def _set(self, arguments: Mapping[str, Any]) -> None:
        """Make the layer with the arguments of the constructor, and set the attributes."""
        refuse_activity(self)
        settings = {name: arguments[name] for name in self.settings}
        self.layer = self.layer_class(**settings, dtype=self.dtype, return_state=True)
        for name in self.settings:
            assign(self, **{name: getattr(self.layer, name)})

    def _why_fixed(self, name: str) -> str | None:
        if name in self.settings:
            cell = type(self).__name__
            return f"cannot change after the cell was made: make a new {cell}({name}=...)"
        return super()._why_fixed(name)

    def sequence_layer(self, **options: Unpack[SequenceOptions]) -> Recurrent:
        """Return a layer with the settings of the cell, which `share_weights` gives its weights."""
        settings = {name: getattr(self, name) for name in self.settings}
        layer: Recurrent = self.layer_class(**settings, dtype=self.dtype, **options)
        return layer

    def share_weights(self, layer: Recurrent) -> None:
        """Give a layer of `sequence_layer` the weights of this cell, which is built."""
        assert self.built_shape is not None
        layer._take_parameters(self.parameters, self.dtype, (None, None, self.built_shape[-1]))

    @property
    def state_size(self) -> int | list[int]:
        """Number of units of the state; a list where there are several states."""
        return self.units if self.state_count == 1 else [self.units] * self.state_count

    @property
    def output_size(self) -> int:
        """Number of units of the output."""
        return self.units

    def get_initial_state(self, batch_size: int) -> list[Array]:
        """Return states of zero for a batch."""
        shape = batch_size, self.units
        return [np.zeros(shape, self.dtype or "float32") for _ in range(self.state_count)]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (B, units) for (B, features)."""
        if len(input_shape) != 2 or not input_shape[1]:
            self._refuse_shape("(batch, features)", input_shape)
        return (input_shape[0], self.units)

    def weight_shapes(self, input_shape: Shape) -> dict[str, tuple[int, ...]]:
        """Return the names and shapes of the weights."""
        shapes = self.layer.weight_shapes((None, None, input_shape[-1]))
        return {self.prefix + name: shape for name, shape in shapes.items()}

    def build(self, input_shape: Shape, rng: Source = None) -> None:
        """Make the weights for input (B, features); see `Layer.build`."""
        if self.built:
            raise ValueError(f"layer {self.label!r} is built already")
        self.compute_output_shape(input_shape)  # checks the shape
        builder = self.sequence_layer()
        builder.take_dtype(self.dtype or "float32")
        builder.build((None, None, input_shape[-1]), self._source_of_weights(rng, input_shape))
        for parameter in builder.parameters:
            parameter.name = self.prefix + parameter.name
        self._take_parameters(builder.parameters, builder.dtype, input_shape)
        assign(self.layer, prefix=self.prefix)
        self.share_weights(self.layer)

    def open_shape(self, shape: tuple[int, ...]) -> Shape:
        """Return (None, features)."""
        return (None, *shape[1:])

    def __call__(  # type: ignore[override]
        self, x: npt.ArrayLike, states: Any = None, *, training: bool = False
    ) -> tuple[Array, Any]:
        """Return the output and the new states of one time step. The first call builds the cell.

        Parameters
        ----------
        x : array_like of shape (B, features)
            Input.
        states : array_like of shape (B, units), or list of it
            States before the step; by default zeros. The new states are returned in this form.
        training : bool
            Apply dropout, and keep what `backward` needs.
        """
        array = as_real("x", x)
        if not self.built:
            self.build(self.open_shape(array.shape))
        if states is None:
            states = self.get_initial_state(len(array))
        return self.forward(array, states, training=training)

    def forward(  # type: ignore[override]
        self, x: npt.ArrayLike, states: Any, *, training: bool = False
    ) -> tuple[Array, Any]:
        """Return the output and the new states of one time step; see `__call__`."""
        check_flag("training", training)
        array = self._as_input(x)
        self.compute_output_shape(array.shape)  # checks the shape
        in_list, count = isinstance(states, (list, tuple)), self.state_count
        if len(states if in_list else [states]) != count:
            got = f"{len(states)} arrays" if in_list else type(states).__name__
            raise ValueError(f"states of {self.label!r} must be {_STATES[count]}, got {got}")
        state = states[0] if in_list and count == 1 else states
        h, *after = self.layer.forward(array[:, None], initial_state=state, training=training)
        if training:
            assign(self, tape=self.layer.tape)
        after[0] = h
        return h, after if in_list else h

    def backward(
        self,
        d_output: npt.ArrayLike,
        *,
        d_states: Sequence[npt.ArrayLike | None] | None = None,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
    ) -> tuple[Array | None, list[Array]]:
        """Write the weights' gradients; return those of the input and of the states before.

        `d_output` is the gradient of the output, which is also the first new state. `d_states` are
        gradients of the new states in addition, such as that of an LSTM's c: a list with an array
        or None for each of them.
        """
        check_flags(accumulate=accumulate, input_gradient=input_gradient, keep_tape=keep_tape)
        if d_states is not None and len(d_states) != self.state_count:
            raise ValueError(f"d_states must be {self.state_count} arrays, got {len(d_states)}")
        only_one = d_states is not None and self.state_count == 1
        d_x, d_before = self.layer.backward(
            d_output,
            d_state=d_states[0] if d_states is not None and only_one else d_states,
            tape=self._take_tape(tape),
            accumulate=accumulate,
            input_gradient=input_gradient,
            keep_tape=keep_tape,
        )
        before = [d_before] if self.state_count == 1 else list(d_before)
        return (d_x if d_x is None else d_x[:, 0]), before


def refuse_activity(cell: Layer) -> None:
    """Raise ValueError if a cell has a penalty on its output."""
    if cell.activity_regularizer is not None:
        raise ValueError("a cell takes no activity_regularizer: give it to the RNN")
