"""One layer of a GRU, both directions, as an operation that autograd can go back through."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from gru_c.interop.torch.handover import is_batched, looks_into
from gru_c.interop.torch.packed_sequence import PackedSteps
from gru_c.interop.torch.weights import Weights, from_core, to_core
from gru_c.recurrence import passes
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.ragged import run_forward as run_ragged
from gru_c.recurrence.side_by_side import run_both
from gru_c.utils.arrays import Array, as_sequences

CELL = Cell()

# Whether the graph is kept for another backward pass; where PyTorch does not say so, it is.
_keeps_graph = getattr(torch._C._autograd, "_get_current_graph_task_keep_graph", lambda: True)


class Spare:
    """Memory of a layer's passes that are over, for the next ones: fresh memory has its price.

    Attributes
    ----------
    tapes, kernels : deque of ndarray
        Of as many passes as there are directions.
    """

    def __init__(self, directions: int = 1) -> None:
        self.tapes: deque[Array] = deque(maxlen=directions)
        self.kernels: deque[Array] = deque(maxlen=directions)

    def give_kernels(self, *kernels: Any) -> None:
        """Keep the memory of kernels that nobody needs any more."""
        self.kernels.extend(kernel.base for kernel in kernels)

    def take(self, pool: deque[Array]) -> Array | None:
        """Return memory from one of the two, if there is some."""
        try:
            return pool.pop()
        except IndexError:  # also where another thread was faster
            return None


@dataclass(frozen=True, eq=False)
class Layer:
    """What the tensors of a layer mean.

    Attributes
    ----------
    directions : int
        1 or 2.
    batch_first : bool
        Whether the output is (B, T, directions * H); else it is (T, B, directions * H).
    packed : tuple of PackedSteps
        Of each direction, for packed sequences (total, n); else empty.
    spare : Spare
    tapes : list
        What a training pass has left, of each direction.
    """

    directions: int
    batch_first: bool
    packed: tuple[PackedSteps, ...] = ()
    spare: Spare = field(default_factory=Spare)
    tapes: list[Any] = field(default_factory=list)

    def view(self, array: Any, batch_first: bool) -> Any:
        """Return the memory of sequences as (B, T, n), of packed ones as it is."""
        return array if self.packed or batch_first else array.swapaxes(0, 1)

    def to_read(self, tensor: Any, batch_first: bool = False) -> Any:
        """Return sequences as `view` does, copied where the core needs it; None for None."""
        if tensor is None:
            return None
        array = self.view(read(tensor), batch_first)
        return np.ascontiguousarray(array) if self.packed else as_sequences("x", array, array.dtype)

    def of_direction(self, i: int, array: Any) -> Any:
        """Return the part of direction i of an array (..., directions * H); None for None.

        In the order in which the direction takes its steps.
        """
        if array is None:
            return None
        H = array.shape[-1] // self.directions
        part = array[..., i * H : (i + 1) * H]
        return part if self.packed or not i else part[:, ::-1]

    def run_both(self, run: Any, x: Array, weights: list[Any]) -> list[Any]:
        """Return what run(i, threads) gives for each direction."""
        threads = torch.get_num_threads()
        if self.directions == 1:
            return [run(0, threads)]
        B = len(self.packed[0].lengths) if self.packed else len(x)
        T = len(x) // B if self.packed else x.shape[1]
        units, size = len(weights[0][1]), sum(w[0].size + w[1].size for w in weights)
        return run_both(lambda i, n: run(i, n or threads), B, T, units, size, threads)


def run(layer: Layer, training: bool, x: Any, h: Any, tensors: Any) -> tuple[Any, Any, list[Any]]:
    """Run a layer over sequences.

    Parameters
    ----------
    layer : Layer
    training : bool
        Keep tapes for the way back.
    x, h : tensor
        Sequences, as `layer` says, and states (directions, B, H).
    tensors : sequence of tensor
        Weights of one direction, then those of the other.

    Returns
    -------
    output, last, tapes
        Tensors (..., directions * H) and (directions, B, H); a tape for each direction.
    """
    H, per = h.shape[2], len(tensors) // layer.directions
    places = (x.shape[1], x.shape[0]) if layer.batch_first else x.shape[:-1]
    output = _empty((*places, layer.directions * H), x.dtype, batch_first=False)
    shown = layer.view(output.numpy(), layer.batch_first)  # a direction writes its part of it
    x_array, states = layer.to_read(x), np.ascontiguousarray(read(h))
    arrays = [read(tensor) for tensor in tensors]
    spare, which = layer.spare, range(layer.directions)
    weights = [to_core(arrays[i * per : i * per + per], spare.take(spare.kernels)) for i in which]

    def one(i: int, threads: int) -> Any:
        arguments = x_array, *weights[i], states[i], layer.of_direction(i, shown)
        options: dict[str, Any] = {"cell": CELL, "training": training, "num_threads": threads}
        if training:
            options["memory"] = spare.take(spare.tapes)
        if layer.packed:
            return run_ragged(*arguments, steps=layer.packed[i], **options)
        return passes.run_forward(*arguments, go_backwards=i == 1, **options)

    results = layer.run_both(one, x_array, weights)
    if not training:
        spare.give_kernels(*(w[0] for w in weights))
    last = torch.from_numpy(np.stack([state for state, _ in results]))
    return output, last, [tape for _, tape in results]


def go_back(
    layer: Layer, x: Any, d_output: Any, d_last: Any, keep_tapes: bool
) -> tuple[list[Any], Any, list[Any]]:
    """Go back through the tapes of `run`.

    Parameters
    ----------
    layer : Layer
        With the tapes.
    x : tensor or None
        The input, whose gradient is wanted; None: it is not.
    d_output, d_last : tensor or None
        Gradients of the output and of the last states; None for zeros.
    keep_tapes : bool
        Whether the tapes will be used again.

    Returns
    -------
    d_x, d_h, d_tensors
        Gradients of x by each direction (an empty list if not wanted), of the states before the
        first step, and of the weights.
    """
    tapes, shown = layer.tapes, layer.to_read(d_output, layer.batch_first)
    d_ends = None if d_last is None else np.ascontiguousarray(read(d_last))
    d_x = []
    if x is not None:
        batch_first = not layer.packed and x.stride(1) > x.stride(0)
        d_x = [_empty(x.shape, x.dtype, batch_first) for _ in tapes]
    d_weights = [_like(tape) for tape in tapes]
    kernel = tapes[0].kernel
    rows = len(tapes[0].steps.rows if layer.packed else tapes[0].x)
    d_h = np.empty((layer.directions, rows, kernel.shape[1] // 3), kernel.dtype)

    def one(i: int, threads: int) -> None:
        memory = tapes[i].backward(
            layer.of_direction(i, shown),
            None if d_ends is None else d_ends[i],
            layer.view(d_x[i].numpy(), False) if d_x else None,
            *d_weights[i],
            d_h[i],
            keep_tape=keep_tapes,
        )
        if memory is not None:
            layer.spare.tapes.append(memory)
            layer.spare.give_kernels(tapes[i].kernel)

    layer.run_both(one, tapes[0].x, d_weights)
    d_arrays = [array for gradients in d_weights for array in from_core(*gradients)]
    return d_x, torch.from_numpy(d_h), [torch.from_numpy(array) for array in d_arrays]


def read(tensor: Any) -> Array:
    """Return a tensor's numbers as an aligned array: its memory, or a copy where that cannot be.

    Some tensors are zeros, or the negative of others, without memory that says so.
    """
    array: Array = tensor.detach().numpy(force=True)
    return array if array.flags.aligned else array.copy()


def _empty(shape: Any, dtype: Any, batch_first: bool) -> Any:
    """Return a new tensor, which lies batch first in memory if wanted, (T, B, n) though it is."""
    if not batch_first:  # the device is named, since the default may be another one
        return torch.empty(shape, dtype=dtype, device="cpu")
    T, B, n = shape
    return torch.empty((B, T, n), dtype=dtype, device="cpu").transpose(0, 1)


def _like(tape: Any) -> Weights:
    kernel, recurrent_kernel = np.empty_like(tape.kernel), np.empty_like(tape.recurrent_kernel)
    bias = None if tape.bias_shape is None else np.empty(tape.bias_shape, kernel.dtype)
    return kernel, recurrent_kernel, bias


class GRULayer(torch.autograd.Function):  # type: ignore[misc]
    """`run` and `go_back` for autograd: ``GRULayer.apply(layer, x, h, *tensors)``."""

    @staticmethod
    def forward(layer: Layer, x: Any, h: Any, *tensors: Any) -> tuple[Any, Any]:
        """Return the output and the last states; see `run`."""
        output, last, tapes = run(layer, True, x, h, tensors)
        layer.tapes.extend(tapes)
        return output, last

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Keep what `backward` needs; apart from `forward`, so that ``torch.func`` can call it."""
        ctx.layer, *tensors = inputs
        ctx.set_materialize_grads(False)
        # The tapes hold what is needed. This lets PyTorch see whether something was changed since.
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, d_output: Any, d_last: Any) -> tuple[Any, ...]:
        """Return the gradients of what `forward` was given; see `go_back`."""
        if torch.is_grad_enabled():
            raise RuntimeError(
                "gru_c's gradients cannot be differentiated again (create_graph=True): take "
                "torch.nn.GRU for that"
            )
        if is_batched(d_output) or is_batched(d_last) or looks_into():
            raise RuntimeError(
                "gru_c cannot go back through many gradients at once (vectorize=True, "
                "is_grads_batched=True), nor under a transform of torch.func, forward-mode "
                "derivatives or a mode that sees each operation, unless the forward pass ran "
                "there, too: take torch.nn.GRU for that"
            )
        x, *_ = ctx.saved_tensors
        wanted = x if ctx.needs_input_grad[1] else None
        d_x, d_h, d_tensors = go_back(ctx.layer, wanted, d_output, d_last, _keeps_graph())
        return None, sum(d_x[1:], d_x[0]) if d_x else None, d_h, *d_tensors


def wants_gradients(*tensors: Any) -> bool:
    """Whether autograd is to follow what is done with the tensors."""
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)


def run_layer(layer: Layer, x: Any, h: Any, tensors: Any) -> tuple[Any, Any]:
    """Run a layer; see `run`. Return output and last states, with gradients where wanted."""
    if wants_gradients(x, h, *tensors):
        inputs = [t.clone() if t.is_inference() else t for t in (x, h, *tensors)]  # to be kept
        return GRULayer.apply(layer, *inputs)  # type: ignore[no-any-return]
    return run(layer, False, x, h, tensors)[:2]
