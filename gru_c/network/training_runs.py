"""Runs of neighbouring layers that the core trains in one call forward and one call back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import is_
from typing import Any, NamedTuple

import numpy as np

from gru_c import _core
from gru_c.activations import ACTIVATIONS, Activation
from gru_c.common.arrays import Array, Shape
from gru_c.layers import GRU, LSTM, Dense, Layer, SimpleRNN
from gru_c.layers.base.recurrent import Recurrent
from gru_c.layers.time_distributed import TimeDistributed, head_of
from gru_c.network.core_runs import is_core_dense, is_core_recurrent, runs_by_first
from gru_c.network.core_stage import CoreStage
from gru_c.recurrence.cell import IN_WORDS
from gru_c.runtime.blas_threads import BLAS
from gru_c.runtime.threads import team_threads


class BackwardOptions(NamedTuple):
    """Options of a network's backward pass; see `Network.backward`."""

    through_activation: bool = True
    keep_tape: bool = True
    after_layer: Callable[[Layer], None] | None = None
    activity_scale: float = 1.0


class TrainingRun:
    """Neighbouring layers, and what their last forward pass leaves for the backward pass.

    The core reads the weights as they are in each pass, and writes the gradients of the layers'
    parameters.

    Attributes
    ----------
    layers : int
        The number of layers.
    """

    __slots__ = ("_activation", "_core", "_kept", "_last", "_shape", "layers")

    def __init__(
        self,
        stages: list[tuple[object, ...]],
        timed: bool,
        activation: Activation | None,
        last: Layer,
    ) -> None:
        self.layers = len(stages)
        self._last = last
        self._shape: tuple[int, ...] = ()  # of the output
        self._core = _core.TrainingLayers(stages, timed)
        self._activation = activation  # of the last layer; None: it is linear
        self._kept: Array | None = None  # what the activation keeps

    def __call__(self, x: Array) -> Array | None:
        """Return the output for x; None for an array that the core cannot read."""
        y: Array | None = self._core.forward(x, team_threads())
        if y is None:
            return y
        self._shape = y.shape
        if self._activation is None:
            return y
        sums, y = y, self._activation.forward(y)
        self._kept = self._activation.keep(sums, y)
        return y

    def backward(
        self, d_output: Array, first: int, input_gradient: bool, options: BackwardOptions
    ) -> Array | None:
        """Write the gradients of the layers from number `first` on; return that of the input."""
        if not options.through_activation and isinstance(self._last, Recurrent):
            raise TypeError(
                f"through_activation=False is for a Dense or Activation as the last layer, layer "
                f"{self._last.label!r} is {IN_WORDS[self._last.cell_kind]}"
            )
        d_output = self._last._as_gradient(d_output, self._shape)
        if self._kept is not None and self._activation is not None and options.through_activation:
            d_output = self._activation.gradient(self._kept, d_output)
        d_output = np.ascontiguousarray(d_output, self._last.dtype).reshape(self._shape)
        d_x: Array | None = self._core.backward(d_output, first, input_gradient, options.keep_tape)
        return d_x


class TrainingRuns:
    """The runs of a network, and those of its last training pass. A copy begins without.

    Attributes
    ----------
    taken : dict
        The runs of the last forward pass, by the number of the layer behind them.
    """

    __slots__ = ("_runs", "_valid_for", "taken")

    def __init__(self) -> None:
        self._valid_for: tuple[object, ...] = ()
        self._runs: dict[int, TrainingRun] = {}
        self.taken: dict[int, TrainingRun] = {}

    def begin_pass(self, layers: list[Layer], input_shape: Shape | None) -> dict[int, TrainingRun]:
        """Return the runs of layers with their current settings, by their first layers' numbers."""
        self.taken = {}
        engine = _core.auto_engine()
        kinds = [type(layer) for layer in layers]
        valid_for = (
            *(Layer.changes, engine, input_shape),
            *layers,
            *[layer.parameters for layer in layers],
            *[kind.forward for kind in kinds],
            *[kind.backward for kind in kinds],
        )
        if not _same(valid_for, self._valid_for):
            shape = input_shape if engine != BLAS else None
            self._runs = {} if shape is None else runs_by_first(layers, shape, _run_from)
            self._valid_for = valid_for
        return self._runs

    def backward(
        self, layers: list[Layer], lowest: Layer | None, d_output: Array, options: BackwardOptions
    ) -> None:
        """Write the gradients of all layers from the last one to the `lowest`; None: of none."""
        first = len(layers) if lowest is None else layers.index(lowest)
        number = len(layers)
        while number > first:
            run = self.taken.get(number)
            end, number = number, number - (1 if run is None else run.layers)
            if run is None:
                d_output = _layer_backward(layers[number], d_output, number > first, options)
            else:
                d_output = run.backward(  # type: ignore[assignment]  # None below the last run
                    d_output, max(0, first - number), number > first, options
                )
            if not options.through_activation:  # of the last layer alone
                options = options._replace(through_activation=True)
            if options.after_layer is not None:
                for layer in reversed(layers[max(first, number) : end]):
                    options.after_layer(layer)
        if not options.keep_tape:
            self.taken = {}

    def __reduce__(self) -> tuple[type[TrainingRuns], tuple[()]]:
        return TrainingRuns, ()


def _layer_backward(
    layer: Layer, d_output: Array, input_gradient: bool, options: BackwardOptions
) -> Any:
    """Write the gradients of one layer; return that of its input."""
    if layer.activity_regularizer is not None:
        scale = d_output.dtype.type(options.activity_scale)
        d_output = d_output + layer.activity_gradient() * scale
    extra: dict[str, Any] = {} if options.through_activation else {"through_activation": False}
    return layer.backward(
        d_output, input_gradient=input_gradient, keep_tape=options.keep_tape, **extra
    )


def _same(some: Sequence[object], others: Sequence[object]) -> bool:
    """Return True if both hold the same objects."""
    return len(some) == len(others) and all(map(is_, some, others))


_LINEAR, _CORE_LINEAR = ACTIVATIONS["linear"], _core.ACTIVATIONS["linear"]
_BACKWARDS: dict[type[Layer], Callable[..., Any]] = {
    kind: kind.backward for kind in (GRU, LSTM, SimpleRNN, Dense, TimeDistributed)
}


def _run_from(layers: Sequence[Layer], shape: Shape, timed: bool) -> TrainingRun | None:
    """Return the longest run that begins with the first layer, whose input has that shape."""
    stages: list[tuple[object, ...]] = []
    activation, is_sequence = None, timed
    for layer in layers:
        if activation is not None or layer.dtype != layers[0].dtype or not _goes_back(layer):
            break
        if is_core_recurrent(layer) and is_sequence and _is_trained_plainly(layer):
            is_sequence = layer.return_sequences
            flags = not is_sequence, layer.go_backwards
            stages.append((_stage(layer, layer.cell), layer.parameters, *flags))
        elif is_core_dense(layer):
            function = head_of(layer).activation_function  # type: ignore[attr-defined]
            activation = None if function is _LINEAR else function
            stages.append((_stage(layer, _CORE_LINEAR), layer.parameters, False, False))
        else:
            break
    return TrainingRun(stages, timed, activation, layers[len(stages) - 1]) if stages else None


def _goes_back(layer: Layer) -> bool:
    """Return True if the layer has the weights and the backward pass of its kind."""
    while type(layer) is TimeDistributed:
        if type(layer).backward is not _BACKWARDS[TimeDistributed] or "backward" in vars(layer):
            return False
        layer = layer.layer
    backward = _BACKWARDS.get(type(layer))  # a subclass may have other weights
    return type(layer).backward is backward and "backward" not in vars(layer)


def _is_trained_plainly(layer: Recurrent) -> bool:
    """Return True if training computes as prediction does, and keeps the gates of all steps."""
    draws = layer.dropout or layer.recurrent_dropout or layer.zoneout
    return not draws and layer.checkpoint_every is None and layer.cell.is_trainable


def _stage(layer: Layer, cell: Any) -> CoreStage:
    """Return the stage of a layer that is built, without packed weights."""
    kernel = layer.parameters[0].array
    units = head_of(layer).units  # type: ignore[attr-defined]
    return CoreStage(not isinstance(layer, Recurrent), len(kernel), units, kernel.dtype.num, cell)
