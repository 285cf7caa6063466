"""The checks of the tensors that a recurrent module is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

_DTYPES = (torch.float32, torch.float64)


def is_readable(tensor: Any) -> bool:
    """Return True if the core can read a tensor of this kind."""
    is_dense = tensor.layout == torch.strided and not tensor.is_nested
    return bool(tensor.is_cpu and is_dense and tensor.dtype in _DTYPES)


def check_tensor(owner: str, name: str, tensor: Any, dtype: Any = None) -> None:
    """Raise ValueError or TypeError unless the core can read a tensor, of `dtype` if not None.

    `owner` is the module that PyTorch has in its place, such as "torch.nn.GRU".
    """
    if not isinstance(tensor, torch.Tensor):
        if isinstance(tensor, torch.fx.Proxy):
            raise TypeError(
                f"torch.fx cannot look into gru_c's {owner.rpartition('.')[2]}, and {name} is a "
                f"Proxy: trace the model around it, where it is a leaf, or a {owner}"
            )
        raise TypeError(f"{name} must be a tensor, got {type(tensor).__name__}")
    if not tensor.is_cpu:
        advice = f"move it with .cpu(), or take {owner}"
        if tensor.is_meta:
            advice = "it holds no numbers; to_empty(device='cpu') and load_state_dict bring some"
        raise ValueError(f"gru_c computes on the CPU, and {name} is on {tensor.device}: {advice}")
    if tensor.is_nested:
        raise ValueError(
            f"{name} is a nested tensor; wanted a dense one, or sequences of different lengths "
            f"packed: torch.nn.utils.rnn.pack_sequence({name}.unbind(), enforce_sorted=False)"
        )
    if tensor.layout != torch.strided:
        raise ValueError(f"{name} must be a dense tensor, got layout {tensor.layout}")
    if dtype is None:
        return
    if tensor.dtype not in _DTYPES:
        raise ValueError(
            f"gru_c computes in float32 and float64, and {name} is {tensor.dtype}: take .float(), "
            f"or {owner}"
        )
    if tensor.dtype != dtype:
        raise ValueError(f"{name} is {tensor.dtype}, but the first weight {dtype}")


def checked_sizes(batch_sizes: Any, total: int) -> Any:
    """Return a PackedSequence's batch sizes as an array; ValueError for impossible ones."""
    sizes = np.ascontiguousarray(batch_sizes.numpy())
    fits = sizes.ndim == 1 and len(sizes) and (np.diff(sizes) <= 0).all() and sizes[-1] > 0
    if not fits or sizes.sum() != total:
        raise ValueError(
            f"batch_sizes of a PackedSequence must not increase and sum to the {total} steps of "
            f"its data, got {sizes.tolist()[:20]}"
        )
    return sizes
