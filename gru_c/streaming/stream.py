"""A trained model, one time step at a time."""

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
from gru_c.network.network import Network
from gru_c.streaming.stages import CoreStage, Stage, has_time, stages_of
from gru_c.utils.arrays import Array, as_real, copied_past_line, past_line
from gru_c.utils.attributes import Guarded
from gru_c.utils.validation import check_integer

Rows = int | slice | Sequence[int] | Array

_MADE_ANEW = ("_parts", "_stacks", "_short_way", "_lock")  # for a copy


class Stream(Guarded):
    """A model that takes one time step after the other, with its states: `Sequential.stream`.

    What `step` returns are the numbers of `Sequential.predict` on the whole sequence so far: for a
    layer with ``return_sequences=True`` at the end those of this step, else those that predict
    would return if the sequence ended here. They are the same to the bit wherever ``engine="auto"``
    is the packed engine: on every CPU with fused multiply-adds; on others they agree to rounding.

    A stream keeps the weights that the model had when it was made: training the model or setting
    its weights does not change it. Make a new stream for new weights, and give it the state of the
    old one. Streams that are made of the same weights share one packed copy of them, which the
    model keeps until they change, so that another stream is made in microseconds. Weights that the
    program can change at any time, because it keeps an array of ``layer.value`` or of
    ``model.parameters.values``, are compared each time. What is written into read-only weights past
    NumPy, as by ``torch.from_numpy(layer.parameters[0].array)``, is not seen: write to
    ``layer.value``.

    A stream begins with states of zero, also where a layer is ``stateful``, whose own states it
    leaves alone.

    Copies and pickles of a stream go on from its state, each on its own: ``copy.copy(stream)`` is a
    way to try several continuations, and takes no second copy of the weights. A pickle is read by
    this version of gru_c on a CPU of the same instruction set.

    Different streams may be stepped in different Python threads, each on its own thread; long
    steps let go of the GIL. One stream is for one thread at a time: while that is at work, calls
    from others raise RuntimeError.

    Parameters
    ----------
    model : Network
        Built. Layers that mix time steps are refused: see `Layer.stepwise`.
    batch_size : int
        Sequences that go in step.

    Attributes
    ----------
    batch_size : int
    state : list of ndarray

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
        sample = (model.input_shape or ())[2 if has_time(model) else 1 :]
        self._shape = (self.batch_size, *sample)
        self._units = [  # of the layers with a state
            stage.units
            for stage in self._stages
            if isinstance(stage, CoreStage) and not stage.dense
        ]
        self._begin()

    def _begin(self) -> None:
        """Make what takes the steps, with states of zero."""
        self._parts = list(_parts(self._stages, self.batch_size))
        self._stacks = [part for part in self._parts if isinstance(part, _core.Stack)]
        whole = len(self._parts) == len(self._stacks) == 1
        self._short_way = self._parts[0].step if whole else _no_short_way
        self._lock = threading.Lock()

    # ---- copies ----

    def __getstate__(self) -> dict[str, Any]:
        kept = {name: value for name, value in vars(self).items() if name not in _MADE_ANEW}
        return {**kept, "version": __version__, "state": self.state}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        version, state = kept.pop("version"), kept.pop("state")
        _check_packed(kept["_isa"], version)
        vars(self).update(kept)
        self._stages = [_on_a_line(stage) for stage in self._stages]
        self._begin()
        self.state = state

    def __copy__(self) -> Stream:
        return copy.deepcopy(self)  # its layers of Python may keep something, too

    # ---- steps ----

    def step(self, x_t: npt.ArrayLike, out: Array | None = None) -> Array:
        """Take one time step.

        Parameters
        ----------
        x_t : array_like of shape (batch_size, features)
            This step of the input. Contiguous and of the model's dtype it is read where it is.
        out : ndarray of shape (batch_size, outputs), optional
            Contiguous and of the model's dtype: where to write the output. Without it, a new array
            is made.

        Returns
        -------
        ndarray of shape (batch_size, outputs)

        Raises
        ------
        ValueError, TypeError
            When x_t or out does not fit; the stream is as it was.
        RuntimeError
            When another thread is at work on the stream.
        """
        y = self._short_way(x_t, out)
        return self._step(x_t, out) if y is None else y

    def _step(self, x_t: npt.ArrayLike, out: Array | None) -> Array:
        """Take a step with arrays that want a closer look, or through layers of Python."""
        x = as_real("x_t", x_t)
        self._check_shape(x)
        done: list[Any] = []
        with self._alone():
            try:
                y = self._through_parts(x, done)
                if out is not None:
                    _check_out(out, y)
            except BaseException:
                for stack in done:
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

    def _through_parts(self, x: Array, done: list[Any]) -> Array:
        """Return the output for x; in `done` the stacks that have taken the step."""
        for part in self._parts:
            if not isinstance(part, _core.Stack):
                x = np.asarray(part(x), self.dtype)
                continue
            y = part.step(np.ascontiguousarray(as_real("x_t", x, self.dtype)))
            if y is None:
                raise ValueError(
                    f"a layer gave an output of shape {x.shape}: the next cannot use it"
                )
            done.append(part)
            x = y
        return x

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("another thread is at work on this stream: give each its own")
        try:
            yield
        finally:
            self._lock.release()

    # ---- the state ----

    @property
    def state(self) -> list[Array]:
        """Copies of the states (batch_size, H) of the GRU layers; may be set to such a list."""
        states = [np.empty((self.batch_size, units), self.dtype) for units in self._units]
        with self._alone():
            for stack, part in self._by_stack(states):
                stack.get_states(part)
        return states

    @state.setter
    def state(self, states: Sequence[npt.ArrayLike]) -> None:
        if isinstance(states, np.ndarray) or not isinstance(states, Sequence):
            raise TypeError(
                f"state must be a list of {len(self._units)} arrays, one for each GRU layer, "
                f"got {type(states).__name__}"
            )
        if len(states) != len(self._units):
            raise ValueError(
                f"state must have {len(self._units)} arrays, one for each GRU layer, "
                f"got {len(states)}"
            )
        arrays = []
        for i, (value, units) in enumerate(zip(states, self._units, strict=True)):
            array = np.ascontiguousarray(as_real(f"state[{i}]", value, self.dtype))
            if array.shape != (self.batch_size, units):
                raise ValueError(
                    f"state[{i}] must have shape {(self.batch_size, units)}, got {array.shape}"
                )
            arrays.append(array)
        with self._alone():
            for stack, part in self._by_stack(arrays):
                stack.set_states(part)

    def _by_stack(self, states: list[Array]) -> Iterator[tuple[Any, list[Array]]]:
        first = 0
        for stack in self._stacks:
            count = len(stack.state_layers())
            yield stack, states[first : first + count]
            first += count

    def reset(self, rows: Rows | None = None) -> None:
        """Set states to zero: a new sequence begins.

        Parameters
        ----------
        rows : int, slice, sequence of int or of bool, optional
            Those of the batch whose sequence is over; by default all.

        Raises
        ------
        IndexError, TypeError
            When there is no such row; the stream is as it was.
        """
        where = slice(None) if rows is None else _check_rows(rows, self.batch_size)
        states = self.state
        for state in states:
            state[where] = 0
        self.state = states

    def __repr__(self) -> str:
        return f"<Stream of {self.batch_size} sequences, states of {self._units} units>"


def _check_packed(isa: str, version: str) -> None:
    """Raise ValueError where packed weights of that kind cannot be read."""
    here = _core.active_isa()
    if (isa, version) != (here, __version__):
        raise ValueError(
            f"this stream's weights are packed for {isa} by gru_c {version}, which cannot be read "
            f"with {here} by gru_c {__version__}: keep the model and stream.state, and make "
            "model.stream(batch_size) where it goes on"
        )


def _on_a_line(stage: Stage) -> Stage:
    """Return the stage with packed weights that begin on a cache line, as the core reads them."""
    if not isinstance(stage, CoreStage) or stage.packed is None or not past_line(stage.packed):
        return stage
    packed = copied_past_line(stage.packed, 0)
    packed.flags.writeable = False
    return stage._replace(packed=packed)


def _no_short_way(x_t: object, out: object) -> None:
    """Stand for `_core.Stack.step` where a model has other layers, too."""


def _check_out(out: object, y: Array) -> None:
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be an array, got {type(out).__name__}")
    if out.shape != y.shape or out.dtype != y.dtype or not out.flags.writeable:
        raise ValueError(
            f"out must be a writeable array of shape {y.shape} and dtype {y.dtype}, got "
            f"{'one' if out.flags.writeable else 'a read-only one'} of {out.shape}, {out.dtype}"
        )


def _check_rows(rows: Rows, batch_size: int) -> Any:
    """`rows` as what an array of so many rows can be indexed with."""
    if isinstance(rows, slice):
        return rows
    where = np.asarray(rows)
    if where.size == 0:
        return where.astype(np.intp)
    if where.dtype.kind not in "iub":
        raise TypeError(f"rows must be integers, booleans or a slice, got {rows!r}")
    if where.dtype.kind == "b" and where.shape != (batch_size,):
        raise IndexError(f"rows must have shape {(batch_size,)} as booleans, got {where.shape}")
    if where.dtype.kind != "b" and not (-batch_size <= where.min() <= where.max() < batch_size):
        raise IndexError(f"rows must be between 0 and {batch_size - 1}, got {rows!r}")
    return where


def _parts(stages: list[Stage], batch_size: int) -> Iterator[Any]:
    """Put neighbours that the core knows into one stack."""
    for known, group in groupby(stages, lambda stage: isinstance(stage, CoreStage)):
        if known:
            yield _core.Stack(list(group), batch_size)
        else:
            yield from group
