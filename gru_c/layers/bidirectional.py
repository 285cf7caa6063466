"""The layer that runs a recurrent layer in both directions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, Shape, as_sequences, split_states
from gru_c.common.attributes import assign
from gru_c.common.registry import Registry
from gru_c.common.validation import check_flag, check_flags
from gru_c.layers.base import FIXED, Layer
from gru_c.layers.base.direction_pair import (
    DirectionPair,
    by_direction,
    check_mode,
    checked_pair,
    merge,
    merged_shape,
    new_direction,
    split,
)
from gru_c.layers.base.random_layer import DrawingLayer
from gru_c.layers.base.recurrent import Recurrent
from gru_c.layers.gru import GRU
from gru_c.layers.lstm import LSTM
from gru_c.layers.rnn import RNN
from gru_c.layers.simple_rnn import SimpleRNN
from gru_c.recurrence.side_by_side import run_both
from gru_c.runtime.threads import get_num_threads, use_threads

if TYPE_CHECKING:
    from gru_c.parameters import Source

_SETTING_OF_DIRECTIONS = (
    "is a setting of the two layers, which keep theirs: make a new {cls}(GRU(..., {name}=...)), "
    "and give it the weights with set_weights"
)


def _own_arguments(cls: type) -> list[str]:
    """Return the arguments of a layer's constructor that not every layer has."""
    common = {*signature(Layer).parameters, "seed"}
    return [name for name in signature(cls).parameters if name not in common]


class _BidirectionalTape(NamedTuple):
    tapes: tuple[Any, Any]
    outputs: tuple[Array, Array]  # before the merge, in the order of time


class Bidirectional(DirectionPair[Recurrent]):
    """Run a recurrent layer forwards and another one backwards, and merge the outputs.

    Weights: those of the forward layer, then those of the backward layer, as in Keras.

    Parameters
    ----------
    layer : GRU, LSTM, SimpleRNN, or RNN of one cell
        Settings of the forward layer; the layer itself is not used. The backward layer has the
        same settings with the opposite ``go_backwards``. An `RNN` stands for the layer that
        computes the same.
    merge_mode : {"concat", "sum", "mul", "ave"} or None
        The operation that merges the two outputs; with None both are returned. The steps of the
        backward layer are returned in the order of time.
    backward_layer : GRU, LSTM, SimpleRNN or RNN, optional
        Other settings for the backward layer, which has the same cell. "sum", "mul" and "ave" need
        the same ``units`` in both directions.
    seed, name, dtype, input_shape, trainable, batch_size, activity_regularizer, weights
        See `GRU` and `Layer`. With ``trainable=False`` both directions are frozen; with True each
        direction has the ``trainable`` of its own settings.

    Attributes
    ----------
    forward_layer, backward_layer : Recurrent

    Raises
    ------
    TypeError
        If a layer is not a recurrent one.
    ValueError
        If a layer has weights already, or the settings of the two layers do not fit together.

    Notes
    -----
    If the layer has ``return_state=True``, the last states of both directions follow the output;
    `initial_state` is a pair, for the forward and for the backward layer; for `LSTM` each is a pair
    of h and c, or all four are one list, as in Keras. If there is work for more
    than one thread, the directions run at the same time; the results are identical to the bit.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import GRU, Bidirectional
    >>> layer = Bidirectional(GRU(4, return_sequences=True))
    >>> layer(np.zeros((2, 10, 8))).shape
    (2, 10, 8)
    """

    takes_mask = takes_sequences = True

    _advice: ClassVar = {
        **dict.fromkeys((*_own_arguments(GRU), *_own_arguments(LSTM)), _SETTING_OF_DIRECTIONS),
        **DrawingLayer._advice,
        **dict.fromkeys(("layer", "forward_layer", "backward_layer"), FIXED),
        "cell": FIXED,
        "state": "is kept by the stateful layers: set it with reset_states(states)",
    }
    _until_built = ("merge_mode",)

    def __init__(
        self,
        layer: Recurrent | RNN,
        merge_mode: str | None = "concat",
        backward_layer: Recurrent | RNN | None = None,
        *,
        seed: int | None = None,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
        input_shape: Sequence[int | None] | None = None,
        trainable: bool = True,
        batch_size: int | None = None,
        activity_regularizer: object = None,
        weights: Sequence[npt.ArrayLike] | None = None,
    ) -> None:
        layer = _checked_settings("layer", layer)
        other = None
        if backward_layer is not None:
            other = _checked_settings("backward_layer", backward_layer)
        super().__init__(
            name=name,
            dtype=layer.dtype if dtype is None else dtype,
            input_shape=layer.input_shape if input_shape is None else input_shape,
            batch_size=layer.batch_size if batch_size is None else batch_size,
            activity_regularizer=activity_regularizer,
            weights=weights,
        )
        self.merge_mode = None if merge_mode is None else check_mode(merge_mode)
        self.layer = layer
        self.forward_layer = new_direction(layer, "forward", layer.go_backwards)
        self.backward_layer = new_direction(other or layer, "backward", not layer.go_backwards)
        self._backward_settings = other
        self._check_settings()
        for part in (layer, other, *self.directions):
            if part is not None:
                assign(part, part_of=type(self).__name__)
        self.set_seed(seed)
        if not check_flag("trainable", trainable):
            self.trainable = False

    def _check_settings(self) -> None:
        """Raise ValueError if the settings of the two directions do not fit together."""
        a, b, other = self.forward_layer, self.backward_layer, self._backward_settings
        if a.cell_kind != b.cell_kind:
            kinds = f"{a.cell_kind} and {b.cell_kind}"
            raise ValueError(f"layer and backward_layer must be of one class, got {kinds}")
        if other is not None and other.go_backwards == self.layer.go_backwards:
            raise ValueError(
                f"backward_layer must go the other way than layer: both have "
                f"go_backwards={other.go_backwards}"
            )
        for setting in ("return_sequences", "return_state", "stateful", "time_major"):
            if getattr(a, setting) != getattr(b, setting):
                raise ValueError(f"layer and backward_layer differ in {setting}")
        if self.merge_mode in ("sum", "mul", "ave") and a.units != b.units:
            raise ValueError(
                f"merge_mode={self.merge_mode!r} needs as many units in both directions, got "
                f"{a.units} and {b.units}"
            )

    def _constructor_arguments(self) -> dict[str, Any]:
        return {**super()._constructor_arguments(), "backward_layer": self._backward_settings}

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; see `Configurable.get_config`."""
        config = super().get_config()
        forward, backward = (layer.trainable for layer in self.directions)
        config["layer"]["config"]["trainable"] = forward
        if self._backward_settings is None and forward == backward:
            config["backward_layer"] = None
        return config

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the shape of the merged output; with ``merge_mode=None`` a pair of shapes."""
        a, b = (layer.compute_output_shape(input_shape) for layer in self.directions)
        if self.merge_mode is None:
            return a, b
        units = self.forward_layer.units + self.backward_layer.units
        return (*a[:-1], units) if self.merge_mode == "concat" else a

    def weight_shapes(self, input_shape: Shape) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the forward layer's weights, then of the backward layer's."""
        return {
            layer.prefix + name: shape
            for layer in self.directions
            for name, shape in layer.weight_shapes(input_shape).items()
        }

    def build(self, input_shape: Shape, rng: Source = None) -> None:
        """Make the weights of both directions; see `Layer.build`."""
        if self.built:
            raise ValueError(f"layer {self.label!r} is built already")
        self.compute_output_shape(input_shape)  # checks the shape
        source = self._source_of_weights(rng, input_shape)
        # New layers make the weights, so that this layer is unchanged if an initializer raises.
        builders = [new_direction(layer, "", layer.go_backwards) for layer in self.directions]
        for builder in builders:
            assign(builder, dtype=self.dtype)
            builder.build(input_shape, source)
        for layer, builder in zip(self.directions, builders, strict=True):
            layer._take_parameters(builder.parameters, builder.dtype, input_shape)
            for parameter in layer.parameters:
                parameter.name = layer.prefix + parameter.name
        parameters = [item for layer in self.directions for item in layer.parameters]
        self._take_parameters(parameters, self.forward_layer.dtype, input_shape)

    # ---- computing ----

    def forward(
        self,
        x: npt.ArrayLike,
        *,
        initial_state: Sequence[Any] | None = None,
        training: bool = False,
        mask: npt.ArrayLike | None = None,
        lengths: npt.ArrayLike | None = None,
    ) -> Any:
        """Run both directions over a batch of sequences.

        Parameters
        ----------
        x : array_like of shape (B, T, I)
            Input; with ``training=True`` it must not be changed before the backward pass.
        initial_state : pair of array_like of shape (B, H), optional
            States before the first step of the forward and of the backward layer.
        training : bool
            Store ``self.tape`` for `backward`.
        mask, lengths
            The time steps that count, for both directions; see `GRU.forward`.

        Returns
        -------
        ndarray, or tuple of ndarray
            The merged output, or both outputs with ``merge_mode=None``; with ``return_state`` also
            both last states (B, H).
        """
        check_flag("training", training)
        array = as_sequences("x", self._as_input(x), np.dtype(self.dtype))
        B, T = array.shape[1::-1] if self.time_major else array.shape[:2]
        states = self._checked_states(initial_state, B)

        def run(i: int) -> Any:
            return self.directions[i].forward(
                array, initial_state=states[i], training=training, mask=mask, lengths=lengths
            )

        results = self._both(B, T, run)
        forward, backward = [result if self.return_state else (result,) for result in results]
        outputs = forward[0], self._reversed_steps(backward[0])
        if training:
            tapes = self.forward_layer.tape, self.backward_layer.tape
            self._set_tape(_BidirectionalTape(tapes, outputs))
        merged = self._merge(*outputs)
        states_after = (*forward[1:], *backward[1:])
        if self.merge_mode is None:
            return (*merged, *states_after)
        return (merged, *states_after) if states_after else merged

    def _checked_states(self, initial_state: Any, B: int) -> list[Any]:
        """Return both initial states, checked before either direction runs."""
        states: list[Any] = []
        count = self.forward_layer.state_count
        given = by_direction("initial_state", initial_state, count)
        for layer, state in zip(self.directions, given, strict=True):
            if state is None:
                layer.require_state_for(B)
            checked = layer.as_states("initial_state", state, B)
            states.append(None if checked is None else split_states(checked, count))
        return states

    def _reversed_steps(self, steps: Array) -> Array:
        """Turn the backward layer's steps from its own order into that of time, or vice versa."""
        if not self.return_sequences:
            return steps
        return steps[::-1] if self.time_major else steps[:, ::-1]

    def _merge(self, a: Array, b: Array) -> Any:
        if self.merge_mode is None:
            return a, np.ascontiguousarray(b)
        return merge(self.merge_mode, a, b)

    def _split(self, d_output: Any, outputs: tuple[Array, Array]) -> tuple[Any, Any]:
        """Return the gradients of both outputs, in the order of time."""
        if self.merge_mode is None:
            return checked_pair("d_output", d_output)
        if d_output is None:
            return None, None
        shape = merged_shape(self.merge_mode, *outputs)
        return split(self.merge_mode, self._as_gradient(d_output, shape), *outputs)

    def backward(
        self,
        d_output: Any = None,
        *,
        d_state: Sequence[Any] | None = None,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
    ) -> Any:
        """Write the weights' gradients and return the gradient of the input.

        Parameters
        ----------
        d_output : array_like, optional
            Gradient with respect to the output, of the same shape (a pair with
            ``merge_mode=None``).
        d_state : pair of array_like of shape (B, H), optional
            Gradients with respect to the last states, added to those of the output.
        tape, accumulate, input_gradient, keep_tape
            See `Layer.backward`.

        Returns
        -------
        ndarray of shape (B, T, I), or tuple
            The gradient of x (None without ``input_gradient``). If the forward pass had initial
            states, a pair of that and the pair of their gradients.
        """
        check_flags(accumulate=accumulate, input_gradient=input_gradient, keep_tape=keep_tape)
        saved: _BidirectionalTape = self._take_tape(tape)
        d_a, d_b = self._split(d_output, saved.outputs)
        d_outputs = d_a, d_b if d_b is None else self._reversed_steps(np.asarray(d_b))
        d_states = by_direction("d_state", d_state, self.forward_layer.state_count)
        B, T, _ = saved.tapes[0][0].x.shape
        results = self._both(
            B,
            T,
            lambda i: self.directions[i].backward(
                d_outputs[i],
                d_state=d_states[i],
                tape=saved.tapes[i],
                accumulate=accumulate,
                input_gradient=input_gradient,
                keep_tape=keep_tape,
            ),
        )
        if not keep_tape:
            self._set_tape(None)
        has_states = [bool(direction_tape[1]) for direction_tape in saved.tapes]
        (d_x, d_forward_state), (d_x_backward, d_backward_state) = (
            result if has_state else (result, None)
            for result, has_state in zip(results, has_states, strict=True)
        )
        if input_gradient:
            d_x += d_x_backward
        return (d_x, (d_forward_state, d_backward_state)) if any(has_states) else d_x

    def _both(self, B: int, T: int, run: Callable[[int], Any]) -> list[Any]:
        """Return [run(0), run(1)], computed at the same time if that is faster."""

        def with_threads(i: int, threads: int | None) -> Any:
            with use_threads(threads):
                return run(i)

        units = max(layer.units for layer in self.directions)
        weights = sum(item.array.size for item in self.parameters)
        return run_both(with_threads, B, T, units, weights, get_num_threads())


# The layers that may run in both directions, by their cells.
_CLASSES: dict[str, type[Any]] = {cls.cell_kind: cls for cls in (GRU, LSTM, SimpleRNN)}


def _checked_settings(argument: str, layer: object) -> Recurrent:
    """Return a new layer whose settings are used, which may come from a stored configuration."""
    if isinstance(layer, dict):
        table: dict[str, type[Layer]] = {**_CLASSES, "RNN": RNN}
        layer = Registry("layer", table, Layer).get(layer)
    if isinstance(layer, RNN):
        try:
            layer = layer.as_layer()
        except ValueError as error:
            raise ValueError(f"{argument} of a Bidirectional: {error}") from None
    if not isinstance(layer, Recurrent):
        raise TypeError(f"{argument} of a Bidirectional must be a recurrent layer, got {layer!r}")
    if layer.activity_regularizer is not None:
        raise ValueError(
            f"{argument} of a Bidirectional has an activity_regularizer: give it to the "
            "Bidirectional, where it is a penalty on the merged output"
        )
    if layer.built:
        raise ValueError(
            f"{argument} of a Bidirectional has weights already: give a new one, and the weights "
            "to set_weights"
        )
    return layer
