"""The recurrent layer that is made of cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape
from gru_c.common.attributes import assign
from gru_c.common.validation import check_flag, check_flags
from gru_c.layers.base import FIXED, Layer, LayerOptions
from gru_c.layers.base.layer_table import cell_of
from gru_c.layers.base.random_layer import DrawingLayer
from gru_c.layers.base.recurrent import Recurrent
from gru_c.layers.base.rnn_cell import RNNCell
from gru_c.layers.rnn_cells import StackedRNNCells, checked_cell

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from gru_c.parameters import Source

_FLAGS = ("return_sequences", "return_state", "go_backwards", "stateful", "zero_output_for_mask")


class _RNNTape(NamedTuple):
    tapes: list[Any]  # tapes of the cells' layers
    given_states: bool


class RNN(DrawingLayer):
    """Run cells over sequences: ``RNN(GRUCell(50))`` computes what ``GRU(50)`` computes.

    Each cell is a whole layer inside, with its speed. The weights are those of the cells.

    Parameters
    ----------
    cell : GRUCell, LSTMCell, SimpleRNNCell, StackedRNNCells, or list of cells
        A list stands for a stack of cells.
    return_sequences : bool
        Return the output of every time step instead of the last one.
    return_state : bool
        Return the last state of each cell, too, after the output: of an LSTMCell h and c, which
        are a list if there are several cells.
    go_backwards : bool
        Process the time steps from the last to the first.
    stateful : bool
        Begin each batch with the last states of the one before; see `GRU`.
    zero_output_for_mask : bool
        Return zeros for time steps that do not count, instead of the output before.
    name, dtype, input_shape, trainable, batch_size, activity_regularizer, weights
        See `Layer`.

    Raises
    ------
    TypeError
        If `cell` is not a cell of gru_c.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import GRUCell, RNN
    >>> RNN([GRUCell(4), GRUCell(3)], return_sequences=True)(np.zeros((2, 10, 8))).shape
    (2, 10, 3)
    """

    takes_mask = takes_sequences = True
    _advice: ClassVar = {
        **DrawingLayer._advice,
        **dict.fromkeys(("cell", "cells", "directions", *_FLAGS), FIXED),
        "state": "is kept by a stateful layer: set it with reset_states(states)",
    }
    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: bool
    zero_output_for_mask: bool

    def __init__(
        self,
        cell: RNNCell | StackedRNNCells | Sequence[RNNCell],
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        *,
        zero_output_for_mask: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        arguments = locals()
        super().__init__(**options)
        assign(self, **{name: check_flag(name, arguments[name]) for name in _FLAGS}, seed=None)
        self.cell = _checked(cell)
        self.cells = self.cell.cells if isinstance(self.cell, StackedRNNCells) else [self.cell]
        if isinstance(self.cell, RNNCell):
            assign(self.cell, part_of=type(self).__name__)
        last = len(self.cells) - 1
        self.directions: tuple[Recurrent, ...] = tuple(
            each.sequence_layer(
                return_sequences=self.return_sequences if number == last else True,
                return_state=True,
                go_backwards=self.go_backwards and number == 0,
                stateful=self.stateful,
                zero_output_for_mask=self.zero_output_for_mask and number == last,
            )
            for number, each in enumerate(self.cells)
        )
        for each, layer in zip(self.cells, self.directions, strict=True):
            assign(layer, prefix=each.prefix, part_of=type(self).__name__)
        if not self._trainable:
            self.trainable = False
        self.set_seed(None)

    def as_layer(self) -> Recurrent:
        """Return a new layer with the settings of this one and of its only cell, such as a `GRU`.

        Raises
        ------
        ValueError
            If there are several cells, or there are weights already.
        """
        if len(self.cells) != 1:
            raise ValueError(f"layer {self.label!r} has {len(self.cells)} cells, wanted one")
        if self.cells[0].built:
            raise ValueError(f"layer {self.label!r} has weights already, wanted a new one")
        return self.cells[0].sequence_layer(
            **{name: getattr(self, name) for name in _FLAGS},
            name=self.name,
            input_shape=self.input_shape,
            batch_size=self.batch_size,
            trainable=self.cells[0].trainable,
            activity_regularizer=self.activity_regularizer,
        )

    # ---- parts and settings ----

    @property
    def inner_layers(self) -> tuple[Layer, ...]:
        """The cells."""
        return tuple(self.cells)

    @property
    def trainable_parts(self) -> tuple[Layer, ...]:
        """The cells: each can be frozen."""
        return tuple(self.cells)

    @property
    def trainable(self) -> bool:
        """True if training changes the weights of a cell. Setting it sets all cells."""
        return any(cell.trainable for cell in self.cells)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for cell in self.cells:
            cell.trainable = value

    def seed_from(self, rng: np.random.Generator) -> None:
        """Let the cells draw from `rng`, unless they have seeds."""
        super().seed_from(rng)
        for layer in self.directions:
            layer.seed_from(rng)

    def fits_dtype(self, dtype: str) -> bool:
        """Return True if all cells can be part of a model of this dtype."""
        return super().fits_dtype(dtype) and all(cell.fits_dtype(dtype) for cell in self.cells)

    def take_dtype(self, dtype: str) -> None:
        """Adopt the dtype of the model that the layer becomes part of; it fits."""
        super().take_dtype(dtype)
        for part in (*self.cells, *self.directions, *(cell.layer for cell in self.cells)):
            part.take_dtype(dtype)

    def hold_weights(self, hold: bool) -> None:
        """Keep packed weights of all cells, or drop them; see `GRU.hold_weights`."""
        for layer in self.directions:
            layer.hold_weights(hold)

    @property
    def stepwise(self) -> bool:
        """True, with the states kept from step to step, unless the last step comes first."""
        return not self.go_backwards

    @property
    def mixes_time(self) -> bool:
        """True if the steps are processed from the last to the first."""
        return self.go_backwards

    # ---- shapes and weights ----

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (B, T, H) or (B, H); ValueError unless the input is (B, T, features)."""
        self._require_sequences(input_shape)
        units = self.cells[-1].units
        return (*input_shape[:2], units) if self.return_sequences else (input_shape[0], units)

    def _cell_shapes(self, input_shape: Shape) -> list[Shape]:
        """Return the shape of the input (B, features) of each cell."""
        features = [input_shape[2], *(cell.units for cell in self.cells[:-1])]
        return [(None, size) for size in features]

    def weight_shapes(self, input_shape: Shape) -> dict[str, tuple[int, ...]]:
        """Return the names and shapes of the weights, cell by cell."""
        return {
            name: shape
            for cell, cell_shape in zip(self.cells, self._cell_shapes(input_shape), strict=True)
            for name, shape in cell.weight_shapes(cell_shape).items()
        }

    def build(self, input_shape: Shape, rng: Source = None) -> None:
        """Make the weights of the cells that have none; see `Layer.build`."""
        if self.built:
            raise ValueError(f"layer {self.label!r} is built already")
        self.compute_output_shape(input_shape)  # checks the shape
        source = self._source_of_weights(rng, input_shape)
        self.take_dtype(self.dtype or self.cells[0].dtype or "float32")
        shapes = self._cell_shapes(input_shape)
        for cell, layer, shape in zip(self.cells, self.directions, shapes, strict=True):
            if not cell.built:
                cell.build(shape, source)
            cell.share_weights(layer)
        parameters = [item for cell in self.cells for item in cell.parameters]
        self._take_parameters(parameters, self.dtype, input_shape)

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> Array | None:
        """Return the mask with ``return_sequences``, else None; see `GRU.compute_mask`."""
        return mask if self.return_sequences else None

    # ---- states ----

    def require_state_for(self, batch: int) -> None:
        """Raise ValueError if the layer holds the states of a batch of another size."""
        for layer in self.directions:
            layer.require_state_for(batch)

    def reset_states(self, states: Any = None) -> None:
        """Set the states of a stateful layer, one for each cell; by default zeros."""
        pairs = list(zip(self.directions, self._per_cell("states", states), strict=True))
        checked = [layer.checked_states(state) for layer, state in pairs]
        for layer, state in zip(self.directions, checked, strict=True):
            assign(layer, state=state)

    reset_state = reset_states

    def _per_cell(self, name: str, values: Any) -> list[Any]:
        """Return one value for each cell, from a list or, for a single cell, from its own value."""
        if values is None:
            return [None] * len(self.cells)
        count = self.cells[0].state_count
        if len(self.cells) == 1 and count > 1 and np.size(values, 0) == count:
            return [list(values)]
        if not isinstance(values, (list, tuple)):
            values = [values]
        if len(values) != len(self.cells):
            raise ValueError(f"{name} must be {len(self.cells)} arrays, got {len(values)}")
        return list(values)

    # ---- computing ----

    def forward(
        self,
        x: npt.ArrayLike,
        *,
        initial_state: Any = None,
        training: bool = False,
        mask: npt.ArrayLike | None = None,
    ) -> Any:
        """Run the cells over a batch of sequences.

        Parameters
        ----------
        x : array_like of shape (B, T, features)
            Input; with ``training=True`` it must not be changed before the backward pass.
        initial_state : list of array_like of shape (B, H), optional
            States of the cells before the first step, for an LSTMCell a pair of h and c; zeros by
            default.
        training : bool
            Store ``self.tape`` for `backward`.
        mask : array_like of bool, shape (B, T), optional
            True for the steps that count.

        Returns
        -------
        ndarray, or tuple of ndarray
            The output, (B, T, H) or (B, H); with ``return_state`` also the last state of each cell.
        """
        check_flag("training", training)
        y = self._as_input(x)
        states: list[Any] = []
        tapes = []
        initial_states = self._per_cell("initial_state", initial_state)
        for layer, state in zip(self.directions, initial_states, strict=True):
            y, *last = layer.forward(y, initial_state=state, training=training, mask=mask)
            states.append(last if len(last) > 1 else last[0])
            tapes.append(layer.tape)
            if layer.go_backwards and mask is not None:  # the next one gets the steps in this order
                mask = np.asarray(mask)[:, ::-1]
        if training:
            self.tape = _RNNTape(tapes, initial_state is not None)
        if len(self.cells) == 1 and self.cells[0].state_count > 1:
            states = states[0]
        return (y, *states) if self.return_state else y

    def backward(
        self,
        d_output: npt.ArrayLike | None = None,
        *,
        d_state: Any = None,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
    ) -> Any:
        """Write the weights' gradients and return that of the input.

        Parameters
        ----------
        d_output : array_like, optional
            Gradient with respect to the output, of its shape; zeros by default.
        d_state : list of array_like of shape (B, H), optional
            Gradients with respect to the last states of the cells, in addition.
        tape, accumulate, input_gradient, keep_tape
            See `Layer.backward`.

        Returns
        -------
        ndarray of shape (B, T, features), or tuple
            The gradient of x (None without ``input_gradient``). If the forward pass was given
            initial states, a pair with the list of their gradients.
        """
        check_flags(accumulate=accumulate, input_gradient=input_gradient, keep_tape=keep_tape)
        saved: _RNNTape = self._take_tape(tape)
        d: Any = d_output
        d_initial: list[Any] = []
        parts = zip(self.directions, self._per_cell("d_state", d_state), saved.tapes, strict=True)
        for number, (layer, d_last, layer_tape) in reversed(list(enumerate(parts))):
            d = layer.backward(
                d,
                d_state=d_last,
                tape=layer_tape,
                accumulate=accumulate,
                input_gradient=input_gradient or number > 0,
                keep_tape=keep_tape,
            )
            d, d_first = d if layer_tape.given_state else (d, None)
            d_initial.insert(0, d_first)
        if not keep_tape:
            self.tape = None
        if len(self.cells) == 1 and isinstance(d_initial[0], tuple):
            d_initial = list(d_initial[0])
        return (d, d_initial) if saved.given_states else d


def _checked(cell: object) -> RNNCell | StackedRNNCells:
    """Return one cell or stacked cells, which a list or a dict may describe."""
    if isinstance(cell, (list, tuple)):
        return StackedRNNCells(list(cell))
    if isinstance(cell, dict):
        cell = cell_of(cell)
    return cell if isinstance(cell, StackedRNNCells) else checked_cell(cell)


def recurrent_layers(layers: Iterable[Layer]) -> list[Recurrent]:
    """Return the layers that run over the time steps, those of the cells of an `RNN` among them."""
    return [
        part for layer in layers if isinstance(layer, (Recurrent, RNN)) for part in layer.directions
    ]
