"""One recurrent layer, with one or both directions, as an operation of autograd."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch

from gru_c.common.arrays import Array, as_sequences
from gru_c.interop.torch.handover import is_batched, looks_into
from gru_c.interop.torch.packed_sequence import PackedSteps
from gru_c.interop.torch.weights import TORCH_NAMES, gradients_from_core, to_core
from gru_c.recurrence import passes
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.memory import TapeMemory
from gru_c.recurrence.options import PassOptions
from gru_c.recurrence.side_by_side import run_both
from gru_c.recurrence.tape import Tape
from gru_c.recurrence.weights import Weights

# True if the graph is kept for another backward pass; assumed where PyTorch does not say.
_keeps_graph = getattr(torch._C._autograd, "_get_current_graph_task_keep_graph", lambda: True)


class LayerMemory(NamedTuple):
    """The memory of a layer's passes that have ended, for its next ones.

    Attributes
    ----------
    tapes, kernels : TapeMemory
        Pools with a block for each direction.
    """

    tapes: TapeMemory
    kernels: TapeMemory

    @classmethod
    def empty(cls, directions: int) -> LayerMemory:
        """Return pools that hold nothing yet."""
        return cls(TapeMemory(directions), TapeMemory(directions))

    def give_kernels(self, weights: Weights) -> None:
        """Take back the memory of the kernels that `to_core` made."""
        memory = weights.kernel.base
        if memory is not None:
            self.kernels.give(memory)


@dataclass(frozen=True, eq=False)
class TorchLayer:
    """The layout of a layer's tensors, and what its passes leave behind.

    Attributes
    ----------
    cell : Cell
    directions : int
        1 or 2.
    batch_first : bool
        True if the output is (B, T, directions * H); else it is (T, B, directions * H).
    packed : tuple of PackedSteps
        Of each direction, for packed sequences (total, n); else empty.
    memory : LayerMemory
    tapes : list of Tape
        Of the training pass, one for each direction.
    """

    cell: Cell
    directions: int
    batch_first: bool
    packed: tuple[PackedSteps, ...]
    memory: LayerMemory
    tapes: list[Tape] = field(default_factory=list)

    def view(self, array: Any, batch_first: bool) -> Any:
        """Return the memory of sequences as (B, T, n); packed sequences unchanged."""
        return array if self.packed or batch_first else array.swapaxes(0, 1)

    def to_read(self, tensor: Any, batch_first: bool = False) -> Any:
        """Return sequences as `view` does, copied where the core needs it; None for None."""
        if tensor is None:
            return None
        array = self.view(read(tensor), batch_first)
        return np.ascontiguousarray(array) if self.packed else as_sequences("x", array, array.dtype)

    def of_direction(self, i: int, array: Any) -> Any:
        """Return the part of direction i of an array (..., directions * H); None for None.

        Its time steps are in the order in which the direction takes them.
        """
        if array is None:
            return None
        H = array.shape[-1] // self.directions
        part = array[..., i * H : (i + 1) * H]
        return part if self.packed or not i else part[:, ::-1]

    def run_directions(
        self, run: Callable[[int, int], Any], x: Array, weights: list[Weights]
    ) -> list[Any]:
        """Return run(i, threads) of each direction i."""
        threads = torch.get_num_threads()
        if self.directions == 1:
            return [run(0, threads)]
        B = len(self.packed[0].lengths) if self.packed else len(x)
        T = len(x) // B if self.packed else x.shape[1]
        size = sum(w.kernel.size + w.recurrent_kernel.size for w in weights)
        return run_both(lambda i, n: run(i, n or threads), B, T, weights[0].units, size, threads)


def run_forward(
    layer: TorchLayer, training: bool, x: Any, h: Any, tensors: Any
) -> tuple[Any, Any, list[Any]]:
    """Run a layer over sequences.

    Parameters
    ----------
    layer : TorchLayer
    training : bool
        Return tapes for the backward pass.
    x, h : tensor
        Sequences, as `layer` says, and states (directions, B, H), of an LSTM
        (directions, B, 2H): h, then c.
    tensors : sequence of tensor
        Weights of one direction, then those of the other.

    Returns
    -------
    output, last, tapes
        Tensors (..., directions * H) and, of the last states, as h; a tape for each direction.
    """
    H, per = tensors[1].shape[1], len(tensors) // layer.directions
    places = (x.shape[1], x.shape[0]) if layer.batch_first else x.shape[:-1]
    output = _empty((*places, layer.directions * H), x.dtype, batch_first=False)
    written = layer.view(output.numpy(), layer.batch_first)  # each direction writes its part
    x_array, states = layer.to_read(x), np.ascontiguousarray(read(h))
    arrays, kernels = [read(tensor) for tensor in tensors], layer.memory.kernels
    weights = [
        to_core(arrays[i * per : i * per + per], kernels, layer.cell)
        for i in range(layer.directions)
    ]

    def run_direction(i: int, threads: int) -> tuple[Array, Tape | None]:
        steps = layer.packed[i] if layer.packed else None
        options = PassOptions(
            layer.cell,
            go_backwards=steps is None and i == 1,
            training=training,
            num_threads=threads,
            memory=layer.memory.tapes,
        )
        part = layer.of_direction(i, written)
        return passes.run(x_array, weights[i], states[i], part, options, steps=steps)

    results = layer.run_directions(run_direction, x_array, weights)
    if not training:
        for of_direction in weights:
            layer.memory.give_kernels(of_direction)
    last = torch.from_numpy(np.stack([state for state, _ in results]))
    return output, last, [tape for _, tape in results]


def run_backward(
    layer: TorchLayer, x: Any, d_output: Any, d_last: Any, keep_tapes: bool
) -> tuple[list[Any], Any, list[Any]]:
    """Run the backward pass for the tapes of `run_forward`.

    Parameters
    ----------
    layer : TorchLayer
        With the tapes.
    x : tensor or None
        The input, if its gradient is wanted.
    d_output, d_last : tensor or None
        Gradients of the output and of the last states; None for zeros.
    keep_tapes : bool
        True if the tapes will be used again.

    Returns
    -------
    d_x, d_h, d_tensors
        Gradients of x by each direction (an empty list if not wanted), of the states before the
        first step, and of the weights.
    """
    tapes, d_outputs = layer.tapes, layer.to_read(d_output, layer.batch_first)
    d_ends = None if d_last is None else np.ascontiguousarray(read(d_last))
    d_x = []
    if x is not None:
        batch_first = not layer.packed and x.stride(1) > x.stride(0)
        d_x = [_empty(x.shape, x.dtype, batch_first) for _ in tapes]
    gradients = [tape.weights.empty_gradients() for tape in tapes]
    weights = tapes[0].weights
    width = weights.units * layer.cell.states
    d_h = np.empty((layer.directions, tapes[0].batch, width), weights.kernel.dtype)

    def run_direction(i: int, threads: int) -> None:
        if d_x:
            gradients[i].x = layer.view(d_x[i].numpy(), False)
        gradients[i].initial_state = d_h[i]
        d_end = None if d_ends is None else d_ends[i]
        d_part = layer.of_direction(i, d_outputs)
        tapes[i].backward(d_part, d_end, gradients[i], keep_tape=keep_tapes)
        if not keep_tapes:
            layer.memory.give_kernels(tapes[i].weights)

    layer.run_directions(run_direction, tapes[0].x, [tape.weights for tape in tapes])
    d_arrays = [
        array
        for of_direction in gradients
        for array in gradients_from_core(of_direction, layer.cell)
    ]
    return d_x, torch.from_numpy(d_h), [torch.from_numpy(array) for array in d_arrays]


def read(tensor: Any) -> Array:
    """Return a tensor's numbers as an aligned array: its memory, or a copy where it has none.

    Lazy tensors (zeros, the negative of another tensor) have no such memory.
    """
    array: Array = tensor.detach().numpy(force=True)
    return array if array.flags.aligned else array.copy()


def _empty(shape: Any, dtype: Any, batch_first: bool) -> Any:
    """Return a new tensor of shape (T, B, n), whose memory may be batch first."""
    if not batch_first:  # the device is named, since PyTorch's default may be another one
        return torch.empty(shape, dtype=dtype, device="cpu")
    T, B, n = shape
    return torch.empty((B, T, n), dtype=dtype, device="cpu").transpose(0, 1)


class RecurrentLayer(torch.autograd.Function):  # type: ignore[misc]
    """`run_forward` and `run_backward` for autograd: `run_layer` applies it."""

    @staticmethod
    def forward(layer: TorchLayer, x: Any, h: Any, *tensors: Any) -> tuple[Any, Any]:
        """Return the output and the last states; see `run_forward`."""
        output, last, tapes = run_forward(layer, True, x, h, tensors)
        layer.tapes.extend(tapes)
        return output, last

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Keep what `backward` needs; ``torch.func`` wants this apart from `forward`."""
        ctx.layer, *tensors = inputs
        ctx.set_materialize_grads(False)
        # The tapes refer to these tensors. PyTorch checks that saved tensors have not been changed.
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, d_output: Any, d_last: Any) -> tuple[Any, ...]:
        """Return the gradients of what `forward` was given; see `run_backward`."""
        if torch.is_grad_enabled():
            raise RuntimeError(
                "gru_c's gradients cannot be differentiated again (create_graph=True): take "
                f"{TORCH_NAMES[ctx.layer.cell.kind]} for that"
            )
        if is_batched(d_output) or is_batched(d_last) or looks_into():
            raise RuntimeError(
                "gru_c's backward pass cannot take many gradients at once (vectorize=True, "
                "is_grads_batched=True), nor under a transform of torch.func, forward-mode "
                "derivatives or a mode that sees each operation, unless the forward pass ran "
                f"there, too: take {TORCH_NAMES[ctx.layer.cell.kind]} for that"
            )
        x, *_ = ctx.saved_tensors
        wanted = x if ctx.needs_input_grad[1] else None
        d_x, d_h, d_tensors = run_backward(ctx.layer, wanted, d_output, d_last, _keeps_graph())
        return None, sum(d_x[1:], d_x[0]) if d_x else None, d_h, *d_tensors


def wants_gradients(*tensors: Any) -> bool:
    """Return True if autograd follows operations on the tensors."""
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)


def run_layer(layer: TorchLayer, x: Any, h: Any, tensors: Any) -> tuple[Any, Any]:
    """Return output and last states, which autograd follows where it wants gradients."""
    if wants_gradients(x, h, *tensors):
        inputs = [t.clone() if t.is_inference() else t for t in (x, h, *tensors)]  # to be kept
        return RecurrentLayer.apply(layer, *inputs)  # type: ignore[no-any-return]
    return run_forward(layer, False, x, h, tensors)[:2]
