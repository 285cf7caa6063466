"""Checks of lists of sequences against a model and its loss."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gru_c.common.arrays import as_real
from gru_c.data.sequence_list import SequenceList
from gru_c.layers import Embedding
from gru_c.network.network import Network
from gru_c.recurrence.step_order import mask_of


def check_sequences(model: Network, sequences: SequenceList) -> SequenceList:
    """Return the sequences as the model takes them; ValueError or TypeError if they do not fit."""
    if sequences.steps.ndim < 2 and not isinstance(model.layers[0], Embedding):
        raise ValueError("x must be one array or a list of arrays (time, features), got numbers")
    time = model.fixed_time
    if time is None:  # check all of them as one long sequence
        checked = model.check_input(sequences.steps[None])[0]
        return replace(sequences, steps=checked)
    longest = int(sequences.lengths.argmax())
    if sequences.lengths[longest] > time:
        raise ValueError(
            f"x[{longest}] has {sequences.lengths[longest]} time steps, the model takes {time}"
        )
    checked = model.check_input(sequences.pad(time))
    return replace(sequences, steps=checked[mask_of(sequences.lengths, time)])


def check_step_targets(
    model: Network, x: SequenceList, y: Any, sample_weight: Any, output_axes: tuple[int, ...]
) -> tuple[SequenceList, Any]:
    """Return checked targets and weights of each time step of a list of sequences.

    `output_axes` are the axes of the output behind the batch and time axes.
    """
    assert model.loss is not None
    targets = _check_steps_like("y", y, x)
    weight: Any = None
    step_weight = None
    if isinstance(sample_weight, (list, tuple)) and np.ndim(sample_weight[0]):
        weight = _check_steps_like("sample_weight", sample_weight, x)
        step_weight = weight.steps
    elif sample_weight is not None:
        weight = as_real("sample_weight", sample_weight)
        if weight.shape != (len(x),):
            raise ValueError(
                f"sample_weight must have shape ({len(x)},), or be a list of arrays like x, got "
                f"shape {weight.shape}"
            )
        step_weight = weight.repeat(x.lengths)
    try:
        steps, _ = model.loss.check(targets.steps, (len(x.steps), *output_axes), step_weight)
    except ValueError as error:
        raise ValueError(f"{error} (of the time steps of all sequences in a row)") from None
    return replace(targets, steps=steps), weight


def _check_steps_like(name: str, values: Any, x: SequenceList) -> SequenceList:
    """Return the values as a list like x; ValueError unless each time step of x has a value."""
    if not isinstance(values, (list, tuple)) or len(values) != len(x):
        raise ValueError(
            f"{name} must be a list of {len(x)} arrays, one for each sequence of x, with a value "
            f"for each time step; got {_describe_shape(values)}"
        )
    sequences = SequenceList.checked(name, values)
    bad = np.flatnonzero(sequences.lengths != x.lengths)
    if len(bad):
        i = bad[0]
        raise ValueError(
            f"x[{i}] has {x.lengths[i]} time steps, {name}[{i}] {sequences.lengths[i]}"
        )
    return sequences


def _describe_shape(values: Any) -> str:
    if isinstance(values, (list, tuple)):
        return f"{len(values)} of them"
    return f"an array of shape {np.shape(values)}"
