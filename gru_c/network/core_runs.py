"""Runs of neighbouring layers that the core takes over whole sequences in one call."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeGuard, TypeVar

import numpy as np

from gru_c import _core
from gru_c.common.arrays import Array, Shape
from gru_c.common.weight_memory import Watch, derived
from gru_c.common.weights_lock import weights_lock
from gru_c.layers import RNN, Dense, Layer
from gru_c.layers.base.recurrent import Recurrent
from gru_c.layers.time_distributed import TimeDistributed, head_of
from gru_c.network.core_stage import (
    ONLY_IN_TRAINING,
    dense_stage,
    has_time,
    is_plain,
    recurrent_stage,
    weights_of,
)
from gru_c.runtime.blas_threads import BLAS
from gru_c.runtime.threads import team_threads


class Run(Protocol):
    """Neighbouring layers that the core takes in one call."""

    @property
    def layers(self) -> int:
        """Their number."""

    def __call__(self, x: Array) -> Array | None:
        """Return the output for x; None for an array that the core cannot read."""


AnyRun = TypeVar("AnyRun", bound=Run)


class CoreRun(NamedTuple):
    """Neighbouring layers with a copy of their weights.

    Attributes
    ----------
    layers : int
        Their number.
    predictor : _core.Predictor
    activation : callable or None
        The activation of the last layer, if the core does not compute it.
    dtype : dtype
        Of the input.
    axes : int
        Number of axes of the input.
    """

    layers: int
    predictor: _core.Predictor
    activation: Callable[[Array], Array] | None
    dtype: np.dtype[Any]
    axes: int

    def __call__(self, x: Array) -> Array | None:
        """Return the output for x; None for an array that the core cannot read."""
        if x.ndim != self.axes:  # the core takes one sequence, too
            return None
        y: Array | None = self.predictor.run(x, None, team_threads())
        if y is None and x.dtype.kind == "f":
            x = np.ascontiguousarray(x, self.dtype)
            y = self.predictor.run(x, None, team_threads())
        return y if y is None or self.activation is None else self.activation(y)


class CoreRuns(dict[int, CoreRun]):
    """Runs by the number of their first layers."""


NO_RUNS = CoreRuns()


class CurrentRuns:
    """The runs of a network, for as long as its weights and settings do not change.

    There are none in the first call after a change: for one call, packing the weights again is not
    worth while. There are also none while an array is lent through which they can change at any
    time. A copy begins without runs.
    """

    __slots__ = ("_held", "_look")

    def __init__(self) -> None:
        self._look = _Look([])  # replaced as a whole, because several threads may use it
        self._held: CoreRuns | None = None

    def current(self, layers: list[Layer], input_shape: Shape | None) -> CoreRuns:
        """Return the runs with the current weights."""
        if self._held is not None:
            return self._held
        look = self._look
        if not look.holds(layers):
            self._look = _Look(layers)
            return NO_RUNS
        runs = None if look.runs is None else look.runs()
        if runs is None:
            runs = _make(look, input_shape)
            if not look.holds(layers):  # another thread has changed them meanwhile
                return NO_RUNS
            look.runs = weakref.ref(runs)
        return runs

    def confirmed(self, runs: CoreRuns, layers: list[Layer]) -> CoreRuns:
        """Return the runs if they have the weights of this moment, otherwise none."""
        look = self._look
        if runs is self._held or not runs:
            return runs
        same = look.runs is not None and look.runs() is runs and look.holds(layers)
        return runs if same else NO_RUNS

    def hold(self, layers: list[Layer], input_shape: Shape | None) -> None:
        """Make the runs for good, with weights that do not change any more."""
        self._held = core_runs(layers, input_shape or (), copy=False)

    def __reduce__(self) -> tuple[type[CurrentRuns], tuple[()]]:
        return CurrentRuns, ()


class _Look:
    """A look at layers, with the runs that are made of them as long as they do not change.

    Attributes
    ----------
    layers : list of Layer
        The layers.
    runs : weak reference to CoreRuns, or None
        The runs, once they are made.
    """

    __slots__ = ("_changes", "_forwards", "_weights", "layers", "runs")

    def __init__(self, layers: list[Layer]) -> None:
        self._changes = Layer.changes  # first, so that a later change is noticed
        self.layers = list(layers)
        self._forwards = [type(layer).forward for layer in layers]
        self._weights = Watch([item for layer in layers for item in layer.parameters])
        self.runs: weakref.ref[CoreRuns] | None = None

    def holds(self, layers: list[Layer]) -> bool:
        """Return True if these are the layers, as they were then."""
        return (
            self._changes == Layer.changes
            and self.layers == layers
            and self._weights.unchanged
            and self._forwards == [type(layer).forward for layer in layers]
        )

    def settings(self) -> tuple[object, ...]:
        """Return the settings' state, by which runs differ besides the weights."""
        return self._changes, self._forwards


def _make(look: _Look, input_shape: Shape | None) -> CoreRuns:
    """Return new runs, which the memory of the weights keeps until a weight may change."""
    weights = [item for layer in look.layers for item in layer.parameters]
    if not weights or input_shape is None:
        return NO_RUNS
    place = ("runs", tuple(map(id, look.layers)))
    with weights_lock.reading(look.layers):
        return derived(weights, place, lambda: core_runs(look.layers, input_shape), look.settings())


def core_runs(layers: Sequence[Layer], input_shape: Shape, *, copy: bool = True) -> CoreRuns:
    """Return all runs of a network's layers, each as long as possible.

    Parameters
    ----------
    layers : sequence of Layer
    input_shape : tuple of int or None
        Of the first layer, batch axis first.
    copy : bool
        Copy the weights. False is for weights that do not change any more.
    """
    return CoreRuns(runs_by_first(layers, input_shape, partial(_run_from, copy=copy)))


def runs_by_first(
    layers: Sequence[Layer],
    input_shape: Shape,
    run_from: Callable[[Sequence[Layer], Shape, bool], AnyRun | None],
) -> dict[int, AnyRun]:
    """Return runs by the number of their first layers.

    `run_from` returns the run that begins with the first of some layers, or None, given the shape
    of their input and whether that has a time axis.
    """
    runs: dict[int, AnyRun] = {}
    number, shape, timed = 0, input_shape, has_time(layers, input_shape)
    while number < len(layers):
        run = run_from(layers[number:], shape, timed) if len(shape) == 2 + timed else None
        count = 1 if run is None else run.layers
        if run is not None:
            runs[number] = run
        for layer in layers[number : number + count]:
            shape = layer.compute_output_shape(shape)
            timed = timed and not (
                isinstance(layer, (Recurrent, RNN)) and not layer.return_sequences
            )
        number += count
    return runs


def _run_from(layers: Sequence[Layer], shape: Shape, timed: bool, copy: bool) -> CoreRun | None:
    """Return the longest run that begins with the first layer, whose input has that shape."""
    stages: list[tuple[object, ...]] = []
    activation, count, is_sequence = None, 0, timed
    for layer in layers:
        if not computes_as(layer, ONLY_IN_TRAINING):
            if is_core_recurrent(layer) and is_sequence:
                stages.append(_recurrent_stage(layer, copy))
                is_sequence = layer.return_sequences
            elif is_core_dense(layer):
                stage, activation = _dense_stage(head_of(layer), copy)
                stages.append(stage)
            else:
                break
        count += 1
        if activation is not None:
            break
    if not stages:
        return None
    fixed_time = shape[1] if timed else None
    steps = -1 if fixed_time is None else fixed_time
    dtype = np.dtype(layers[0].dtype)
    return CoreRun(count, _core.Predictor(stages, timed, steps), activation, dtype, 2 + timed)


def _recurrent_stage(layer: Recurrent, copy: bool) -> tuple[object, ...]:
    kernel, recurrent_kernel, bias = _arrays(layer, copy)
    last_step = not layer.return_sequences
    return (recurrent_stage(layer), kernel, recurrent_kernel, bias, last_step, layer.go_backwards)


def _dense_stage(
    layer: Layer, copy: bool
) -> tuple[tuple[object, ...], Callable[[Array], Array] | None]:
    """Return a stage, and the activation if the core does not compute it."""
    stage, activation = dense_stage(layer)
    kernel, _, bias = _arrays(layer, copy)
    return (stage, kernel, None, bias, False, False), activation


def _arrays(layer: Layer, copy: bool) -> list[Array | None]:
    """Return kernel, recurrent kernel and bias; None for what the layer does not have."""
    weights = weights_of(layer)
    arrays = (weights.get(name) for name in ("kernel", "recurrent_kernel", "bias"))
    return [array.copy() if copy and array is not None else array for array in arrays]


def is_core_recurrent(layer: Layer) -> TypeGuard[Recurrent]:
    """Return True for a recurrent layer whose only result is the output for its input."""
    if not (isinstance(layer, Recurrent) and computes_as(layer, (Recurrent,))):
        return False
    plain = not (layer.stateful or layer.return_state or layer.time_major)
    return plain and (layer.inference_weights != "float32" or _core.auto_engine() != BLAS)


def is_core_dense(layer: Layer) -> bool:
    """Return True for a Dense, also in `TimeDistributed`."""
    while isinstance(layer, TimeDistributed):
        if not computes_as(layer, (TimeDistributed,)):
            return False
        layer = layer.layer
    return computes_as(layer, (Dense,))


def computes_as(layer: Layer, kinds: tuple[type[Layer], ...]) -> bool:
    """Return True for a layer that computes as one of some classes, and has no penalty."""
    if layer.activity_regularizer is not None or {"forward", "compute_mask"} & set(vars(layer)):
        return False
    return any(
        is_plain(layer, kind) and type(layer).compute_mask is kind.compute_mask for kind in kinds
    )
