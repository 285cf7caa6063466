"""A pass over whole sequences: arrays that have been checked, to the core and back.

`functional` is the face for users, with every check; the layers call `run` directly.
"""

from __future__ import annotations

from typing import TypeVar

from gru_c.common.arrays import Array
from gru_c.recurrence.checkpointing import run_checkpointed
from gru_c.recurrence.options import PassOptions
from gru_c.recurrence.plain import run_plain
from gru_c.recurrence.ragged import run_ragged
from gru_c.recurrence.step_order import StepOrder
from gru_c.recurrence.tape import Tape
from gru_c.recurrence.weights import Weights

MaybeArray = TypeVar("MaybeArray", Array, "Array | None")


def run(
    x: Array,
    weights: Weights,
    state: Array | None,
    output: Array | None,
    options: PassOptions,
    *,
    steps: StepOrder | None = None,
    every: int | str | None = None,
) -> tuple[Array, Tape | None]:
    """Run a cell over a batch of sequences.

    Parameters
    ----------
    x : ndarray of shape (B, T, I), or as `steps` says
        Contiguous along its last axis.
    weights : Weights
        Of the dtype of x, as are all arrays.
    state : ndarray of shape (B, H), of an LSTM (B, 2H), or None
        The state before the first time step, of an LSTM h and behind it c; None for zeros.
    output : ndarray of shape (B, T, H), or None
        Written, in the order in which the time steps are taken; None if it is not wanted.
    options : PassOptions
    steps : StepOrder, optional
        The time steps that count; by default all of them.
    every : int or "auto", optional
        While training, keep the state every so many time steps instead of all gates.

    Returns
    -------
    state : ndarray of shape (B, H), of an LSTM (B, 2H)
        The state after the last time step.
    tape : Tape or None
        For the backward pass, when training.
    """
    if steps is not None:
        return run_ragged(x, weights, state, output, options, steps, every)
    if every is not None and options.training:
        return run_checkpointed(x, weights, state, output, options, every)
    return run_plain(x, weights, state, output, options)


def batch_first(array: MaybeArray, time_major: bool) -> MaybeArray:
    """Return a view (B, T, n) of sequences, which are (T, B, n) if `time_major`; None for None."""
    return array.swapaxes(0, 1) if time_major and array is not None else array
