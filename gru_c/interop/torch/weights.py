"""The weights of one direction of one layer, between PyTorch's tensors and the core's arrays.

Of a cell with G gates PyTorch has the gates in rows: ``weight_ih`` (GH, I), ``weight_hh`` (GH, H)
and two biases (GH,). The core has them in columns: kernel (I, GH) and recurrent kernel (H, GH). A
GRU has its gates in another order, r, z, n, and a bias (2, 3H) in the core. The gates of other
cells are in the same order, and the core has only the sum of their biases, (GH,).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gru_c import _core
from gru_c.common.arrays import Array
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.memory import TapeMemory
from gru_c.recurrence.weights import Gradients, Weights

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")

# PyTorch's names of the cells, which messages use.
TORCH_NAMES: Mapping[str, str] = {
    "GRU": "torch.nn.GRU",
    "LSTM": "torch.nn.LSTM",
    "SimpleRNN": "torch.nn.RNN",
}

# By the cell, the place of each gate in the other order; each of these orders is its own inverse.
_GATES: Mapping[str, tuple[int, ...]] = {"GRU": (1, 0, 2), "LSTM": (0, 1, 2, 3), "SimpleRNN": (0,)}
_GRU = Cell()


def to_core(arrays: Sequence[Array], pool: TapeMemory | None = None, cell: Cell = _GRU) -> Weights:
    """Return the core's weights for the two or four arrays of `NAMES`.

    Both kernels lie in one block of memory, from the pool if there is one.
    """
    H, I = arrays[1].shape[1], arrays[0].shape[1]  # noqa: E741 - input features
    shape, dtype = (I + H, cell.gates * H), arrays[0].dtype
    size = (I + H) * cell.gates * H * dtype.itemsize
    memory = np.empty(size, np.uint8) if pool is None else pool.take(size)
    kernels: Array = np.ndarray(shape, dtype, memory)
    weights = Weights(kernels[:I], kernels[I:], None)
    for rows, columns in zip(arrays, (weights.kernel, weights.recurrent_kernel), strict=False):
        rows = np.ascontiguousarray(rows)
        for here, there in enumerate(_GATES[cell.kind]):
            _core.transpose(rows[there * H : there * H + H], columns[:, here * H : here * H + H])
    if len(arrays) > 2:
        both = _swapped(np.array(arrays[2:]), cell)
        weights.bias = both if cell.two_biases else both[0] + both[1]
    return weights


def from_core(weights: Weights, cell: Cell = _GRU) -> list[Array]:
    """Return new arrays, in the order of `NAMES`, for weights of the core.

    Where the core has the sum of two biases, it is ``bias_ih``, and ``bias_hh`` is zero.
    """
    arrays = _kernels_from_core(weights, cell)
    if weights.bias is None:
        return arrays
    bias = (
        weights.bias if cell.two_biases else np.stack([weights.bias, np.zeros_like(weights.bias)])
    )
    return [*arrays, *_swapped(bias, cell)]


def gradients_from_core(gradients: Gradients, cell: Cell = _GRU) -> list[Array]:
    """Return new arrays, in the order of `NAMES`, for gradients of the core.

    The gradient of a sum of two biases is that of either.
    """
    arrays = _kernels_from_core(gradients, cell)
    if gradients.bias is None:
        return arrays
    bias = gradients.bias if cell.two_biases else np.stack([gradients.bias, gradients.bias])
    return [*arrays, *_swapped(bias, cell)]


def _kernels_from_core(weights: Weights | Gradients, cell: Cell) -> list[Array]:
    kernels = weights.kernel, weights.recurrent_kernel
    arrays = [np.empty(kernel.shape[::-1], kernel.dtype) for kernel in kernels]
    H = len(weights.recurrent_kernel)
    for columns, rows in zip(kernels, arrays, strict=True):
        for here, there in enumerate(_GATES[cell.kind]):
            _core.transpose(columns[:, here * H : here * H + H], rows[there * H : there * H + H])
    return arrays


def _swapped(biases: Array, cell: Cell) -> Array:
    """Return biases (2, GH) with the gates in the other order, as a new contiguous array."""
    # Not with an index: the array that it returns has another order in memory for H=1.
    gates = biases.reshape(2, cell.gates, -1)
    swapped: Array = np.take(gates, _GATES[cell.kind], axis=1).reshape(biases.shape)
    return swapped
