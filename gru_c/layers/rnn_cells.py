"""Recurrent cells: one time step of a recurrent layer, for `RNN`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape, as_real
from gru_c.common.attributes import assign
from gru_c.common.validation import check_flag, check_flags
from gru_c.layers.base import FIXED, Layer, LayerOptions
from gru_c.layers.base.layer_table import cell_of
from gru_c.layers.gru import GRU
from gru_c.recurrence.cell import ActivationLike

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from gru_c.parameters import Source

_INITIAL = "the states before the time step: an array (batch, units), or a list of it"


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

    Attributes
    ----------
    layer : GRU
        The layer that computes single time steps with the cell's weights.
    """

    layer: GRU
    units: int

    def sequence_layer(self, **options: Unpack[SequenceOptions]) -> GRU:
        """Return a layer with the settings of the cell, which `share_weights` gives its weights."""
        raise NotImplementedError

    def share_weights(self, layer: GRU) -> None:
        """Give a layer of `sequence_layer` the weights of this cell, which is built."""
        assert self.built_shape is not None
        layer._take_parameters(self.parameters, self.dtype, (None, None, self.built_shape[-1]))

    @property
    def state_size(self) -> int:
        """Number of units of the state."""
        return self.units

    @property
    def output_size(self) -> int:
        """Number of units of the output."""
        return self.units

    def get_initial_state(self, batch_size: int) -> list[Array]:
        """Return states of zero for a batch."""
        return [np.zeros((batch_size, self.units), self.dtype or "float32")]

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
        in_list = isinstance(states, (list, tuple))
        if in_list and len(states) != 1:
            raise ValueError(f"states must be {_INITIAL}, got {len(states)} arrays")
        state = states[0] if in_list else states
        h, _ = self.layer.forward(array[:, None], initial_state=state, training=training)
        if training:
            assign(self, tape=self.layer.tape)
        return h, [h] if in_list else h

    def backward(
        self,
        d_output: npt.ArrayLike,
        *,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
    ) -> tuple[Array | None, list[Array]]:
        """Write the weights' gradients; return those of the input and of the states before.

        `d_output` is the gradient of the output, which is also the new state.
        """
        check_flags(accumulate=accumulate, input_gradient=input_gradient, keep_tape=keep_tape)
        d_x, d_state = self.layer.backward(
            d_output,
            tape=self._take_tape(tape),
            accumulate=accumulate,
            input_gradient=input_gradient,
            keep_tape=keep_tape,
        )
        return (d_x if d_x is None else d_x[:, 0]), [d_state]


class GRUCell(RNNCell):
    """One time step of a `GRU`: ``h, [h] = cell(x, [h])``.

    The weights and their names are those of a `GRU`. ``RNN(GRUCell(50))`` is as fast as
    ``GRU(50)``; a loop over single steps is not.

    Parameters
    ----------
    units, activation, recurrent_activation, use_bias, reset_after, dropout, recurrent_dropout, seed
        See `GRU`. In a loop over single steps, dropout draws a new mask for each step.
    kernel_initializer, recurrent_initializer, bias_initializer
        See `GRU`; so are the regularizers and constraints.
    name, dtype, input_shape, trainable, batch_size, activity_regularizer, weights
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import GRUCell
    >>> cell = GRUCell(4)
    >>> h, states = cell(np.zeros((2, 3)), cell.get_initial_state(2))
    >>> h.shape, len(states)
    ((2, 4), 1)
    """

    def __init__(
        self,
        units: int,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: object = "glorot_uniform",
        recurrent_initializer: object = "orthogonal",
        bias_initializer: object = "zeros",
        kernel_regularizer: object = None,
        recurrent_regularizer: object = None,
        bias_regularizer: object = None,
        kernel_constraint: object = None,
        recurrent_constraint: object = None,
        bias_constraint: object = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        arguments = locals()
        settings = {name: arguments[name] for name in _GRU_SETTINGS}
        super().__init__(**options)
        _refuse_activity(self)
        self.layer = GRU(**settings, dtype=self.dtype, return_state=True)
        for name in _GRU_SETTINGS:
            assign(self, **{name: getattr(self.layer, name)})

    _advice: ClassVar = {**Layer._advice, "layer": FIXED}

    def _why_fixed(self, name: str) -> str | None:
        if name in _GRU_SETTINGS:
            return f"cannot change after the cell was made: make a new GRUCell({name}=...)"
        return super()._why_fixed(name)

    def sequence_layer(self, **options: Unpack[SequenceOptions]) -> GRU:
        """Return a `GRU` with the settings of the cell; see `RNNCell.sequence_layer`."""
        settings = {name: getattr(self, name) for name in _GRU_SETTINGS}
        return GRU(**settings, dtype=self.dtype, **options)


_GRU_SETTINGS = (
    *("units", "activation", "recurrent_activation", "use_bias"),
    *(f"{weight}_initializer" for weight in ("kernel", "recurrent", "bias")),
    *(f"{weight}_regularizer" for weight in ("kernel", "recurrent", "bias")),
    *(f"{weight}_constraint" for weight in ("kernel", "recurrent", "bias")),
    *("dropout", "recurrent_dropout", "reset_after", "seed"),
)


class StackedRNNCells(Layer):
    """A stack of cells for `RNN`: each takes the output of the one below.

    Parameters
    ----------
    cells : list of GRUCell
        At least one.
    name, dtype, input_shape, trainable, batch_size, activity_regularizer, weights
        See `Layer`.

    Raises
    ------
    TypeError
        If one of them is not a cell of gru_c.
    ValueError
        If there are none, or one occurs twice.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import GRUCell, RNN, StackedRNNCells
    >>> RNN(StackedRNNCells([GRUCell(4), GRUCell(3)]))(np.zeros((2, 10, 8))).shape
    (2, 3)
    """

    _advice: ClassVar = {**Layer._advice, "cells": FIXED}

    def __init__(self, cells: Sequence[RNNCell], **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        _refuse_activity(self)
        if isinstance(cells, RNNCell) or not isinstance(cells, (list, tuple)) or not cells:
            raise TypeError(f"cells must be a list of cells such as GRUCell(50), got {cells!r}")
        self.cells = [checked_cell(cell) for cell in cells]
        if len(set(map(id, self.cells))) < len(cells):
            raise ValueError("a cell occurs twice: make a new one for each place")
        for number, cell in enumerate(self.cells):
            prefix = f"cell_{number}_"
            if (cell.built or cell.part_of) and cell.prefix != prefix:
                raise ValueError(
                    f"cell {number} has weights or another place already: make a new one, and give "
                    "it the weights with set_weights"
                )
            assign(cell, prefix=prefix, part_of=type(self).__name__)

    @property
    def inner_layers(self) -> tuple[Layer, ...]:
        """The cells."""
        return tuple(self.cells)

    @property
    def state_size(self) -> list[int]:
        """Number of units of each cell's state."""
        return [cell.units for cell in self.cells]

    @property
    def output_size(self) -> int:
        """Number of units of the last cell."""
        return self.cells[-1].units

    def get_initial_state(self, batch_size: int) -> list[Array]:
        """Return states of zero for a batch, one for each cell."""
        return [state for cell in self.cells for state in cell.get_initial_state(batch_size)]

    def __call__(  # type: ignore[override]
        self, x: npt.ArrayLike, states: Sequence[npt.ArrayLike] | None = None
    ) -> tuple[Array, list[Array]]:
        """Return the output of the last cell and the new states of all, after one time step.

        The first call builds the cells. To train them, put them into an `RNN`.
        """
        array = as_real("x", x)
        before = self.get_initial_state(len(array)) if states is None else list(states)
        if len(before) != len(self.cells):
            raise ValueError(f"states must be {len(self.cells)} arrays, got {len(before)}")
        after = []
        for cell, state in zip(self.cells, before, strict=True):
            array, new_state = cell(array, state)
            after.append(new_state)
        return array, after


def checked_cell(cell: object) -> RNNCell:
    """Return a cell, which a dict may describe; TypeError for other objects."""
    if isinstance(cell, dict):
        cell = cell_of(cell)
    if isinstance(cell, RNNCell):
        return cell
    if isinstance(cell, type):
        raise TypeError(f"wanted a cell, got the class {cell.__name__}: write {cell.__name__}(...)")
    raise TypeError(
        f"{type(cell).__name__} is not a cell of gru_c, which computes all time steps in compiled "
        "code: give a GRUCell(units), or derive a layer from gru_c.layers.Layer, with forward and "
        "backward over whole sequences"
    )


def _refuse_activity(cell: Layer) -> None:
    if cell.activity_regularizer is not None:
        raise ValueError("a cell takes no activity_regularizer: give it to the RNN")
