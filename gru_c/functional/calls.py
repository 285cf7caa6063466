"""The part that the functions of all cells share: it checks a user's arguments and runs a pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import (
    Array,
    as_real,
    as_sequences,
    as_states,
    check_features,
    compute_dtype,
    split_states,
)
from gru_c.common.validation import check_flags
from gru_c.recurrence.cell import IN_WORDS, Cell
from gru_c.recurrence.checkpointing import check_every
from gru_c.recurrence.options import PassOptions
from gru_c.recurrence.passes import batch_first, run
from gru_c.recurrence.step_order import Steps
from gru_c.recurrence.tape import Tape
from gru_c.recurrence.weights import Weights

WeightArguments = tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike | None]
# The state (B, H) of a cell, of an LSTM the pair of h and c: as a user gives it, and as arrays.
StateArguments: TypeAlias = Any
States: TypeAlias = Any


@dataclass(slots=True, eq=False)
class Call:
    """A user's arguments of a forward pass; see `gru_c.gru_forward`.

    Attributes
    ----------
    cell : Cell
    x : array_like
    weights : tuple of array_like
        kernel, recurrent_kernel and bias, which may be None.
    initial_state : array_like, pair of array_like, or None
    go_backwards, time_major, training, checkpoint_every, engine, num_threads
        As in `gru_c.gru_forward`, and so are the others.
    """

    cell: Cell
    x: npt.ArrayLike
    weights: WeightArguments
    initial_state: StateArguments
    go_backwards: bool
    time_major: bool
    training: bool
    checkpoint_every: int | str | None
    engine: str
    num_threads: int | None
    inference_weights: str
    lengths: npt.ArrayLike | None
    mask: npt.ArrayLike | None
    zero_output_for_mask: bool

    def run(self) -> tuple[Array, States, Tape | None]:
        """Check the arguments and run the pass; return output, last states and tape."""
        cell = self.cell
        check_flags(
            go_backwards=self.go_backwards,
            time_major=self.time_major,
            training=self.training,
            zero_output_for_mask=self.zero_output_for_mask,
        )
        every = check_every(self.checkpoint_every)
        dtype = _dtype_of(cell, self.weights, ("initial_state", self.initial_state), x=self.x)
        options = PassOptions.checked(
            cell,
            self.go_backwards,
            self.training,
            self.engine,
            self.num_threads,
            self.inference_weights,
            dtype,
        )
        sequences = batch_first(as_sequences("x", self.x, dtype), self.time_major)
        weights = Weights.checked(*self.weights, cell, dtype)
        check_features(sequences.shape[2], weights.kernel, "x")
        B, T, _ = sequences.shape
        shape = B, weights.units
        before = as_states("initial_state", self.initial_state, shape, dtype, cell.states)
        steps = Steps.checked(
            (B, T),
            self.mask,
            self.lengths,
            go_backwards=bool(self.go_backwards),
            zero_output=bool(self.zero_output_for_mask),
        )
        output = np.empty((T, *shape) if self.time_major else (B, T, weights.units), dtype)
        shown = batch_first(output, self.time_major)
        last, tape = run(sequences, weights, before, shown, options, steps=steps, every=every)
        if tape is not None and self.time_major:
            tape.time_major = True
        return output, split_states(last, cell.states), tape


def joined(state: StateArguments) -> object:
    """Return an LSTM's pair of states as `forward_plain` takes it, if both are plain arrays."""
    if type(state) is tuple and len(state) == 2:
        h, c = state
        if type(h) is type(c) is np.ndarray and h.ndim == 2 and h.shape == c.shape:
            return np.concatenate((h, c), axis=1) if h.dtype == c.dtype else state
    return state


def _dtype_of(
    cell: Cell, weights: WeightArguments, state: tuple[str, StateArguments], **x: npt.ArrayLike
) -> np.dtype[np.float32] | np.dtype[np.float64]:
    """Return the dtype of a call: float64 if an argument is, else float32."""
    name, value = state
    x["kernel"], x["recurrent_kernel"], bias = weights
    arrays: dict[str, Any] = x
    arrays["bias"] = bias
    if cell.states == 1:
        arrays[name] = value
    elif isinstance(value, (tuple, list)):
        arrays |= {f"{name}[{i}]": array for i, array in enumerate(value)}
    return compute_dtype(**arrays)


class GradientArrays(NamedTuple):
    """Gradients of the arguments of a forward pass."""

    x: Array
    kernel: Array
    recurrent_kernel: Array
    bias: Array | None
    initial_state: States


def gradients_of(
    kind: str,
    tape: Tape,
    d_output: npt.ArrayLike | None,
    d_state: StateArguments,
    keep_tape: bool,
    d_hidden: bool,
) -> tuple[GradientArrays, Array | None]:
    """Return the gradients of a pass of a kind of cell, and with `d_hidden` those of all h."""
    name = {"GRU": "gru", "LSTM": "lstm", "SimpleRNN": "rnn"}[kind]
    if not isinstance(tape, Tape):
        raise TypeError(
            f"{name}_backward wants the tape of {name}_forward(..., training=True), got "
            + ("None: was training=True given?" if tape is None else type(tape).__name__)
        )
    cell = tape.options.cell
    if cell.kind != kind:
        raise TypeError(
            f"{name}_backward wants a tape of {name}_forward, got {IN_WORDS[cell.kind]}'s"
        )
    if not type(keep_tape) is type(d_hidden) is bool:
        check_flags(keep_tape=keep_tape, d_hidden=d_hidden)
    B, T, H = tape.output_shape
    dtype = tape.kernel.dtype
    places = (T, B) if tape.time_major else (B, T)
    if d_output is not None:
        d_output = as_sequences("d_output", d_output, dtype)
        if d_output.shape != (*places, H):
            raise ValueError(f"d_output must have shape {(*places, H)}, got {d_output.shape}")
    d_last = as_states("d_state", d_state, (B, H), dtype, cell.states)
    d_x = np.empty((*places, tape.x.shape[2]), dtype)
    hidden = np.empty((*places, H), dtype) if d_hidden else None
    gradients = tape.weights.empty_gradients()
    gradients.x = batch_first(d_x, tape.time_major)
    gradients.initial_state = d_initial = np.empty((B, cell.states * H), dtype)
    gradients.hidden = batch_first(hidden, tape.time_major)
    d_steps = batch_first(d_output, tape.time_major)
    tape.backward(d_steps, d_last, gradients, keep_tape=bool(keep_tape))
    kernel, recurrent_kernel, bias = gradients.kernel, gradients.recurrent_kernel, gradients.bias
    d_states = split_states(d_initial, cell.states)
    return GradientArrays(d_x, kernel, recurrent_kernel, bias, d_states), hidden


def step_after(
    cell: Cell, x_t: npt.ArrayLike, state: StateArguments, arguments: WeightArguments
) -> Array:
    """Return the states (B, H), of an LSTM (B, 2H), after one time step; see `gru_c.gru_step`."""
    if cell.states == 1:
        state = as_real("state", state)
    dtype = _dtype_of(cell, arguments, ("state", state), x_t=x_t)
    step = as_real("x_t", x_t, dtype)
    if step.ndim != 2:
        raise ValueError(f"x_t must have shape (B, I), got {step.shape}")
    weights = Weights.checked(*arguments, cell, dtype)
    check_features(step.shape[1], weights.kernel, "x_t")
    before = as_states("state", state, (len(step), weights.units), dtype, cell.states)
    one_step = np.ascontiguousarray(step)[:, None, :]
    after, _ = run(one_step, weights, before, None, PassOptions(cell))
    return after
