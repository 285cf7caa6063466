"""The weights of one direction of one layer, between PyTorch's tensors and the core's arrays.

PyTorch has gates r, z, n in rows: ``weight_ih`` (3H, I), ``weight_hh`` (3H, H), two biases (3H,).
The core has gates z, r, n in columns: kernel (I, 3H), recurrent kernel (H, 3H), a bias (2, 3H).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gru_c import _core
from gru_c.common.arrays import Array
from gru_c.recurrence.memory import TapeMemory
from gru_c.recurrence.weights import Gradients, Weights

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")

_GATES = (1, 0, 2)  # the place of each gate in the other order


def to_core(arrays: Sequence[Array], pool: TapeMemory | None = None) -> Weights:
    """Return the core's weights for the two or four arrays of `NAMES`.

    Both kernels lie in one block of memory, from the pool if there is one.
    """
    H, I = arrays[1].shape[1], arrays[0].shape[1]  # noqa: E741 - input features
    shape, dtype = (I + H, 3 * H), arrays[0].dtype
    size = (I + H) * 3 * H * dtype.itemsize
    memory = np.empty(size, np.uint8) if pool is None else pool.take(size)
    kernels: Array = np.ndarray(shape, dtype, memory)
    weights = Weights(kernels[:I], kernels[I:], None)
    for rows, columns in zip(arrays, (weights.kernel, weights.recurrent_kernel), strict=False):
        rows = np.ascontiguousarray(rows)
        for here, there in enumerate(_GATES):
            _core.transpose(rows[there * H : there * H + H], columns[:, here * H : here * H + H])
    if len(arrays) > 2:
        weights.bias = _swapped(np.array(arrays[2:]))
    return weights


def from_core(weights: Weights | Gradients) -> list[Array]:
    """Return new arrays, in the order of `NAMES`, for weights or gradients of the core."""
    kernels = weights.kernel, weights.recurrent_kernel
    arrays = [np.empty(kernel.shape[::-1], kernel.dtype) for kernel in kernels]
    H = len(weights.recurrent_kernel)
    for columns, rows in zip(kernels, arrays, strict=True):
        for here, there in enumerate(_GATES):
            _core.transpose(columns[:, here * H : here * H + H], rows[there * H : there * H + H])
    return arrays if weights.bias is None else [*arrays, *_swapped(weights.bias)]


def _swapped(biases: Array) -> Array:
    """Return biases (2, 3H) with the gates in the other order, as a new contiguous array."""
    # Not with an index: the array that it returns has another order in memory for H=1.
    swapped: Array = np.take(biases.reshape(2, 3, -1), _GATES, axis=1).reshape(biases.shape)
    return swapped
