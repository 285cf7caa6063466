"""Recurrent cells: one time step of a recurrent layer, for `RNN`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy.typing as npt

from gru_c.common.arrays import Array, as_real
from gru_c.common.attributes import assign
from gru_c.layers.base import FIXED, Layer, LayerOptions
from gru_c.layers.base.layer_table import cell_of
from gru_c.layers.base.rnn_cell import RNNCell, refuse_activity
from gru_c.layers.gru import GRU
from gru_c.layers.lstm import LSTM
from gru_c.layers.simple_rnn import SimpleRNN
from gru_c.recurrence.cell import ActivationLike

if TYPE_CHECKING:
    from typing_extensions import Unpack

# Arguments of the layers of all cells that the cells have, too.
_ALL = (
    *("units", "activation", "use_bias", "dropout", "recurrent_dropout", "seed"),
    *(f"{weight}_initializer" for weight in ("kernel", "recurrent", "bias")),
    *(f"{weight}_regularizer" for weight in ("kernel", "recurrent", "bias")),
    *(f"{weight}_constraint" for weight in ("kernel", "recurrent", "bias")),
)


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

    layer_class = GRU
    settings = (*_ALL, "recurrent_activation", "reset_after")

    def __init__(
        self,
        units: int,
        activation: ActivationLike | None = "tanh",
        recurrent_activation: ActivationLike | None = "sigmoid",
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
        super().__init__(**options)
        self._set(locals())


class LSTMCell(RNNCell):
    """One time step of an `LSTM`: ``h, [h, c] = cell(x, [h, c])``.

    The weights and their names are those of an `LSTM`. ``RNN(LSTMCell(50))`` is as fast as
    ``LSTM(50)``; a loop over single steps is not.

    Parameters
    ----------
    units, activation, recurrent_activation, use_bias, dropout, recurrent_dropout, seed
        See `LSTM`. In a loop over single steps, dropout draws a new mask for each step.
    kernel_initializer, recurrent_initializer, bias_initializer, unit_forget_bias
        See `LSTM`; so are the regularizers and constraints.
    name, dtype, input_shape, trainable, batch_size, activity_regularizer, weights
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import LSTMCell
    >>> cell = LSTMCell(4)
    >>> h, states = cell(np.zeros((2, 3)), cell.get_initial_state(2))
    >>> h.shape, len(states)
    ((2, 4), 2)
    """

    layer_class = LSTM
    state_count = 2
    settings = (*_ALL, "recurrent_activation", "unit_forget_bias")

    def __init__(
        self,
        units: int,
        activation: ActivationLike | None = "tanh",
        recurrent_activation: ActivationLike | None = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: object = "glorot_uniform",
        recurrent_initializer: object = "orthogonal",
        bias_initializer: object = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: object = None,
        recurrent_regularizer: object = None,
        bias_regularizer: object = None,
        kernel_constraint: object = None,
        recurrent_constraint: object = None,
        bias_constraint: object = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self._set(locals())


class SimpleRNNCell(RNNCell):
    """One time step of a `SimpleRNN`: ``h, [h] = cell(x, [h])``.

    The weights and their names are those of a `SimpleRNN`. ``RNN(SimpleRNNCell(50))`` is as
    fast as ``SimpleRNN(50)``; a loop over single steps is not.

    Parameters
    ----------
    units, activation, use_bias, dropout, recurrent_dropout, seed
        See `SimpleRNN`. In a loop over single steps, dropout draws a new mask for each step.
    kernel_initializer, recurrent_initializer, bias_initializer
        See `SimpleRNN`; so are the regularizers and constraints.
    name, dtype, input_shape, trainable, batch_size, activity_regularizer, weights
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import SimpleRNNCell
    >>> cell = SimpleRNNCell(4)
    >>> h, states = cell(np.zeros((2, 3)), cell.get_initial_state(2))
    >>> h.shape, len(states)
    ((2, 4), 1)
    """

    layer_class = SimpleRNN
    settings = _ALL

    def __init__(
        self,
        units: int,
        activation: ActivationLike | None = "tanh",
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
        seed: int | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self._set(locals())


class StackedRNNCells(Layer):
    """A stack of cells for `RNN`: each takes the output of the one below.

    Parameters
    ----------
    cells : list of GRUCell, LSTMCell or SimpleRNNCell
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
        refuse_activity(self)
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
    def state_size(self) -> list[int | list[int]]:
        """Number of units of each cell's state; a list of them for a cell with several states."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """Number of units of the last cell."""
        return self.cells[-1].units

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """Return states of zero for a batch, one for each cell; of an LSTMCell a list of two."""
        states = [cell.get_initial_state(batch_size) for cell in self.cells]
        return [state if len(state) > 1 else state[0] for state in states]

    def __call__(  # type: ignore[override]
        self, x: npt.ArrayLike, states: Sequence[Any] | None = None
    ) -> tuple[Array, list[Any]]:
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
        "code: give a GRUCell(units), an LSTMCell or a SimpleRNNCell, or derive a layer from "
        "gru_c.layers.Layer, with forward and backward over whole sequences"
    )
