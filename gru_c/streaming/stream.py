"""`Stream`: a trained model that runs one time step at a time."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from gru_c import _core
from gru_c._version import __version__
from gru_c.common.arrays import Array, as_real, copied_past_line, past_line
from gru_c.common.attributes import Guarded
from gru_c.common.validation import check_integer
from gru_c.network.core_stage import CoreStage, has_time
from gru_c.network.network import Network
from gru_c.recurrence.cell import Cell
from gru_c.streaming.stages import Stage, stages_of

Rows = int | slice | Sequence[int] | Array

# Attributes that `_begin` makes for each copy.
_NOT_COPIED = ("_parts", "_stacks", "_fast_step", "_lock")


class Stream(Guarded):
    """A model that runs one time step after the other and keeps its states: `Sequential.stream`.

    `step` returns what `Sequential.predict` returns for the whole sequence so far: the output of
    this step if the last layer has ``return_sequences=True``, otherwise the output for a sequence
    that ends here. The results are identical to the bit wherever ``engine="auto"`` is the packed
    engine, on every CPU with fused multiply-adds; on others they agree to rounding.

    A stream keeps the weights that the model had when the stream was made: training the model or
    setting its weights does not change the stream. For new weights make a new stream, and set its
    state to that of the old one. Streams with the same weights share one packed copy, which the
    model keeps until its weights change, so making another stream takes microseconds. If the
    program holds an array of ``layer.value`` or ``model.parameters.values``, it can change the
    weights at any time, so they are compared whenever a stream is made. Changes that bypass
    NumPy's read-only flag, such as those through
    ``torch.from_numpy(layer.parameters[0].array)``, are not noticed: write to ``layer.value``.

    A stream begins with states of zero, even if a layer is ``stateful``. It does not change the
    states of the layers.

    Copies and pickles of a stream continue from its state, independently of each other:
    ``copy.copy(stream)`` lets a program try several continuations, and does not copy the weights. A
    pickle can be read by the same version of gru_c on a CPU with the same instruction set.

    Different streams may run in different Python threads; long steps release the GIL. Only one
    thread at a time may use a stream: meanwhile, calls from other threads raise RuntimeError.

    Parameters
    ----------
    model : Network
        A built model. Layers that mix time steps are refused: see `Layer.stepwise`.
    batch_size : int
        Number of sequences that are processed together.

    Attributes
    ----------
    batch_size : int
        Number of sequences that are processed together.
    state : list of ndarray
        States of the recurrent layers; an `LSTM` has two, h and c.

    Raises
    ------
    ValueError, TypeError
        As `Sequential.stream`.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import GRU, Sequential
    >>> stream = Sequential([GRU(3, input_shape=(None, 2))], seed=0).stream(batch_size=2)
    >>> y = stream.step(np.ones((2, 2)))
    >>> before = stream.state
    >>> after = stream.step(np.ones((2, 2)))
    >>> stream.state = before
    >>> bool((stream.step(np.ones((2, 2))) == after).all())
    True
    >>> stream.reset(rows=0)
    >>> stream.state[0][0]
    array([0., 0., 0.], dtype=float32)
    """

    _advice: ClassVar = dict.fromkeys(
        ("model", "batch_size", "dtype"),
        "cannot change after the stream was made: make a new one with model.stream(batch_size)",
    )

    def __init__(self, model: Network, batch_size: int = 1) -> None:
        self.batch_size = check_integer("batch_size", batch_size, 1)
        model.require_built("a stream")
        self._stages = list(stages_of(model))
        self._isa = _core.active_isa()
        self.dtype = np.dtype(model.dtype)
        sample = (model.input_shape or ())[2 if has_time(model.layers, model.input_shape) else 1 :]
        self._shape = (self.batch_size, *sample)
        self._states = [
            (stage.units, stage.cell.states)
            for stage in self._stages
            if isinstance(stage, CoreStage) and isinstance(stage.cell, Cell)
        ]
        self._begin()

    def _begin(self) -> None:
        """Make the core's stacks, with states of zero."""
        self._parts = list(_parts(self._stages, self.batch_size))
        self._stacks = [part for part in self._parts if isinstance(part, _core.Stack)]
        whole = len(self._parts) == len(self._stacks) == 1
        self._fast_step = self._parts[0].step if whole else _no_fast_step
        self._lock = threading.Lock()

    # ---- copies ----

    def __getstate__(self) -> dict[str, Any]:
        copied = {name: value for name, value in vars(self).items() if name not in _NOT_COPIED}
        return {**copied, "version": __version__, "state": self.state}

    def __setstate__(self, attributes: dict[str, Any]) -> None:
        version, state = attributes.pop("version"), attributes.pop("state")
        _check_packed(attributes["_isa"], version)
        vars(self).update(attributes)
        self._stages = [_aligned(stage) for stage in self._stages]
        self._begin()
        self.state = state

    def __copy__(self) -> Stream:
        return copy.deepcopy(self)  # its layers that run in Python may have a state, too

    # ---- steps ----

    def step(self, x_t: npt.ArrayLike, out: Array | None = None) -> Array:
        """Run the model for one time step.

        Parameters
        ----------
        x_t : array_like of shape (batch_size, features)
            Input of this time step. It is not copied if it is contiguous and has the model's dtype.
        out : ndarray of shape (batch_size, outputs), optional
            Contiguous array of the model's dtype for the output; by default a new array.

        Returns
        -------
        ndarray of shape (batch_size, outputs)

        Raises
        ------
        ValueError, TypeError
            If x_t or out does not fit; the stream is then unchanged.
        RuntimeError
            If another thread is using the stream.
        """
        y = self._fast_step(x_t, out)
        return self._step(x_t, out) if y is None else y

    def _step(self, x_t: npt.ArrayLike, out: Array | None) -> Array:
        """Run a step with arrays that must be converted, or with layers that run in Python."""
        x = as_real("x_t", x_t)
        self._check_shape(x)
        stepped: list[Any] = []
        with self._exclusive():
            try:
                y = self._run_parts(x, stepped)
                if out is not None:
                    _check_out(out, y)
            except BaseException:
                for stack in stepped:
                    stack.step_back()
                raise
        if out is None:
            return np.array(y, self.dtype) if np.may_share_memory(x, y) else y
        out[...] = y
        return out

    def _check_shape(self, x: Array) -> None:
        if x.ndim != len(self._shape) or any(
            wanted not in (None, size) for wanted, size in zip(self._shape, x.shape, strict=True)
        ):
            sizes = ", ".join("any" if size is None else str(size) for size in self._shape)
            raise ValueError(f"x_t must have shape ({sizes}), got {x.shape}")

    def _run_parts(self, x: Array, stepped: list[Any]) -> Array:
        """Return the output for x; append each stack whose state has changed to `stepped`."""
        for part in self._parts:
            if not isinstance(part, _core.Stack):
                x = np.asarray(part(x), self.dtype)
                continue
            y = part.step(np.ascontiguousarray(as_real("x_t", x, self.dtype)))
            if y is None:
                raise ValueError(
                    f"a layer gave an output of shape {x.shape}: the next cannot use it"
                )
            stepped.append(part)
            x = y
        return x

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Return a context for one thread; RuntimeError if another thread is in it."""
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("another thread is using this stream: give each thread its own")
        try:
            yield
        finally:
            self._lock.release()

    # ---- the state ----

    @property
    def state(self) -> list[Array]:
        """Copies of the states (batch_size, H) of the recurrent layers; may be set to such a list.

        An LSTM has two, h and c.
        """
        shapes = [(self.batch_size, count * units) for units, count in self._states]
        states = [np.empty(shape, self.dtype) for shape in shapes]
        with self._exclusive():
            for stack, part in self._by_stack(states):
                stack.get_states(part)
        counts = [count for _, count in self._states]
        if max(counts, default=1) == 1:
            return states
        return [
            np.ascontiguousarray(part)
            for state, count in zip(states, counts, strict=True)
            for part in np.split(state, count, axis=1)
        ]

    @state.setter
    def state(self, states: Sequence[npt.ArrayLike]) -> None:
        sizes = self._state_sizes
        wanted = f"{len(sizes)} arrays, one for each recurrent layer"
        if any(count > 1 for _, count in self._states):
            wanted += " and two for an LSTM, h and c"
        if isinstance(states, np.ndarray) or not isinstance(states, Sequence):
            raise TypeError(f"state must be a list of {wanted}, got {type(states).__name__}")
        if len(states) != len(sizes):
            raise ValueError(f"state must have {wanted}, got {len(states)}")
        arrays = []
        for i, (value, units) in enumerate(zip(states, sizes, strict=True)):
            array = np.ascontiguousarray(as_real(f"state[{i}]", value, self.dtype))
            if array.shape != (self.batch_size, units):
                raise ValueError(
                    f"state[{i}] must have shape {(self.batch_size, units)}, got {array.shape}"
                )
            arrays.append(array)
        parts = iter(arrays)
        joined = [
            next(parts) if count == 1 else np.concatenate([next(parts), next(parts)], axis=1)
            for _, count in self._states
        ]
        with self._exclusive():
            for stack, part in self._by_stack(joined):
                stack.set_states(part)

    @property
    def _state_sizes(self) -> list[int]:
        """The units of each array of `state`."""
        return [units for units, count in self._states for _ in range(count)]

    def _by_stack(self, states: list[Array]) -> Iterator[tuple[Any, list[Array]]]:
        """Yield each stack with the states of its layers."""
        first = 0
        for stack in self._stacks:
            count = len(stack.state_layers())
            yield stack, states[first : first + count]
            first += count

    def reset(self, rows: Rows | None = None) -> None:
        """Set states to zero, where a new sequence begins.

        Parameters
        ----------
        rows : int, slice, sequence of int or of bool, optional
            Rows of the batch in which a new sequence begins; by default all.

        Raises
        ------
        IndexError, TypeError
            If a row does not exist; the stream is then unchanged.
        """
        index = slice(None) if rows is None else _checked_rows(rows, self.batch_size)
        states = self.state
        for state in states:
            state[index] = 0
        self.state = states

    def __repr__(self) -> str:
        return f"<Stream of {self.batch_size} sequences, states of {self._state_sizes} units>"


def _check_packed(isa: str, version: str) -> None:
    """Raise ValueError if this version and CPU cannot read packed weights of another."""
    active_isa = _core.active_isa()
    if (isa, version) != (active_isa, __version__):
        raise ValueError(
            f"this stream's weights are packed for {isa} by gru_c {version}, which cannot be read "
            f"with {active_isa} by gru_c {__version__}: keep the model and stream.state, and make "
            "model.stream(batch_size) where it continues"
        )


def _aligned(stage: Stage) -> Stage:
    """Return the stage with packed weights that begin on a cache line, as the core requires."""
    if not isinstance(stage, CoreStage) or stage.packed is None or not past_line(stage.packed):
        return stage
    packed = copied_past_line(stage.packed, 0)
    packed.flags.writeable = False
    return stage._replace(packed=packed)


def _no_fast_step(x_t: object, out: object) -> None:
    """Return None; used instead of `_core.Stack.step` if the model is not a single stack."""


def _check_out(out: object, y: Array) -> None:
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be an array, got {type(out).__name__}")
    if out.shape != y.shape or out.dtype != y.dtype or not out.flags.writeable:
        raise ValueError(
            f"out must be a writeable array of shape {y.shape} and dtype {y.dtype}, got "
            f"{'one' if out.flags.writeable else 'a read-only one'} of {out.shape}, {out.dtype}"
        )


def _checked_rows(rows: Rows, batch_size: int) -> Any:
    """Return an index of rows of a batch; IndexError or TypeError if it does not fit."""
    if isinstance(rows, slice):
        return rows
    index = np.asarray(rows)
    if index.size == 0:
        return index.astype(np.intp)
    if index.dtype.kind not in "iub":
        raise TypeError(f"rows must be integers, booleans or a slice, got {rows!r}")
    if index.dtype.kind == "b" and index.shape != (batch_size,):
        raise IndexError(f"rows must have shape {(batch_size,)} as booleans, got {index.shape}")
    if index.dtype.kind != "b" and not (-batch_size <= index.min() <= index.max() < batch_size):
        raise IndexError(f"rows must be between 0 and {batch_size - 1}, got {rows!r}")
    return index


def _parts(stages: list[Stage], batch_size: int) -> Iterator[Any]:
    """Yield the stages in order, with neighbouring stages of the core joined into a stack."""
    for in_core, group in groupby(stages, lambda stage: isinstance(stage, CoreStage)):
        if in_core:
            yield _core.Stack(list(group), batch_size)
        else:
            yield from group
