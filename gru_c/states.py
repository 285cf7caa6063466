"""The states that a model's stateful layers keep from batch to batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gru_c._attributes import assign
from gru_c.arrays import Array
from gru_c.batches import WHOLE, Fraction, part_of
from gru_c.layers import GRU

if TYPE_CHECKING:
    from gru_c.model import Sequential

States = list[tuple[GRU, Array | None]]


def require_whole_batches(
    model: Sequential, batch_size: int, *samples: int, part: Fraction = WHOLE
) -> None:
    """Raise ValueError where a stateful layer would meet a batch of another size.

    `samples` are the numbers of samples that `batch_size` cuts, to train on and to validate on;
    fewer make one batch. Layers see `part` of a batch.
    """
    layers = model.stateful_layers
    sizes = [min(batch_size, count) for count in samples if count]
    if not layers or not sizes:
        return
    rule = f"layer {layers[0].label!r} is stateful, so all batches must be of one size"
    for count, size in zip(filter(None, samples), sizes, strict=True):
        if count % size:
            raise ValueError(f"{rule}: {count} samples are no multiple of batch_size={batch_size}")
    if len(set(sizes)) > 1:
        raise ValueError(f"{rule}: got batches of {' and of '.join(map(str, sizes))} samples")
    for layer in layers:
        layer.require_state_for(len(range(sizes[0])[part_of(sizes[0], part)]))


def kept(model: Sequential) -> States:
    """Return the states of all stateful layers, for `put_back`."""
    layers = [one for layer in model.stateful_layers for one in layer.directions]
    return [(layer, layer.state) for layer in layers]


def put_back(states: States) -> None:
    """Let the layers hold the states that they held."""
    for layer, state in states:
        assign(layer, state=state)
