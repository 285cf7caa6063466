"""The weights of one direction of one layer: PyTorch's tensors and the core's arrays.

PyTorch has gates r, z, n and a row for each, ``weight_ih`` (3H, I) and ``weight_hh`` (3H, H), and
two biases (3H,). The core has gates z, r, n and a column for each, and one bias (2, 3H).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gru_c import _core
from gru_c.utils.arrays import Array

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")

Weights = tuple[Array, Array, Array | None]

_GATES = (1, 0, 2)  # the place of each gate at the other one


def to_core(arrays: Sequence[Array], memory: Array | None = None) -> Weights:
    """Return kernel, recurrent_kernel and bias for the two or four arrays of `NAMES`.

    They lie in `memory`, the kernels' own array of an earlier call, if it is of the right kind.
    """
    H, I = arrays[1].shape[1], arrays[0].shape[1]  # noqa: E741 - input features
    if memory is None or memory.shape != (I + H, 3 * H) or memory.dtype != arrays[0].dtype:
        memory = np.empty((I + H, 3 * H), arrays[0].dtype)
    weights = memory[:I], memory[I:]
    for rows, columns in zip(arrays, weights, strict=False):
        rows = np.ascontiguousarray(rows)
        for here, there in enumerate(_GATES):
            _core.transpose(rows[there * H : there * H + H], columns[:, here * H : here * H + H])
    bias = _swapped(np.array(arrays[2:])) if len(arrays) > 2 else None
    return weights[0], weights[1], bias


def from_core(kernel: Array, recurrent_kernel: Array, bias: Array | None) -> list[Array]:
    """Return new arrays, in the order of `NAMES`, for those of the core."""
    weights = [np.empty(array.shape[::-1], array.dtype) for array in (kernel, recurrent_kernel)]
    H = len(recurrent_kernel)
    for columns, rows in zip((kernel, recurrent_kernel), weights, strict=True):
        for here, there in enumerate(_GATES):
            _core.transpose(columns[:, here * H : here * H + H], rows[there * H : there * H + H])
    return weights if bias is None else [*weights, *_swapped(bias)]


def _swapped(biases: Array) -> Array:
    """Return biases (2, 3H) with the gates in the other order, as a new contiguous array."""
    # Not by an index: what that returns is ordered otherwise in memory for H=1.
    swapped: Array = np.take(biases.reshape(2, 3, -1), _GATES, axis=1).reshape(biases.shape)
    return swapped
