"""Checks of data against a model that need both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gru_c.data.batch_order import WHOLE, Fraction, part_of
from gru_c.layers import GRU
from gru_c.utils.validation import check_integer

if TYPE_CHECKING:
    from gru_c.network.network import Network

if TYPE_CHECKING:
    from gru_c.data.samples import Data
    from gru_c.network.network import Network


def require_whole_batches(
    model: Network, batch_size: int, *samples: int, part: Fraction = WHOLE
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


def check_bptt_steps(model: Network, data: Data, bptt_steps: object) -> int | None:
    """Return the steps of a piece, or an exception that says why there can be none."""
    steps = check_integer("bptt_steps", bptt_steps, 1, optional=True)
    if steps is None:
        return None
    for layer in model.layers:
        if layer.mixes_time:
            raise ValueError(
                f"bptt_steps goes over the time steps in pieces, from the first to the last; layer "
                f"{layer.label!r} needs all of them at once"
            )
    if not any(isinstance(layer, GRU) for layer in model.layers):
        raise ValueError("bptt_steps is for models with a GRU")
    if data.lengths is not None or any(layer.makes_mask for layer in model.layers):
        raise ValueError("bptt_steps is for sequences all of whose steps count")
    if data.x.ndim < 2:
        raise ValueError(f"bptt_steps needs x of shape (samples, time, ...), got {data.x.shape}")
    return steps
