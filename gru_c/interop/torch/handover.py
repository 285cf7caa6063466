"""When a GRU is PyTorch's own: for what looks into operations, and for quantisation."""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch.autograd import forward_ad

_PLAIN = {torch.Tensor, torch.nn.Parameter, type(None)}
_QUANTISATION = "torch.ao.quantization"

# Transforms of torch.func, and modes that see each operation, that are active.
_transforms = getattr(torch._C, "_are_functorch_transforms_active", lambda: False)
_modes = getattr(torch._C, "_len_torch_dispatch_stack", lambda: 0)
_is_batched = getattr(torch._C._functorch, "is_legacy_batchedtensor", lambda tensor: False)


def looks_into() -> bool:
    """Return whether something looks into operations, which it can do with PyTorch's alone.

    That is torch.compile, torch.export, torch.jit.trace, `differentiates`, and modes that see each
    operation: make_fx, FakeTensorMode, FlopCounterMode.
    """
    return (
        torch.compiler.is_compiling() or torch.jit.is_tracing() or _modes() > 0 or differentiates()
    )


def differentiates() -> bool:
    """Return whether transforms of torch.func or forward-mode derivatives are active."""
    return getattr(forward_ad, "_current_level", -1) >= 0 or _transforms()


def is_batched(gradient: Any) -> bool:
    """Return whether a gradient stands for many, as under ``is_grads_batched=True``."""
    return gradient is not None and bool(_is_batched(gradient))


def hold_no_data(x: Any, *others: Any) -> bool:
    """Return whether the core has nothing to read, which PyTorch knows how to treat.

    That is when a tensor is of a subclass, or when all of them are on the meta device.
    """
    kinds = {type(t) for t in (x, *others)}
    if not kinds <= _PLAIN:
        tensors = [t for t in (x, *others) if isinstance(t, torch.Tensor)]
        return any(type(t) not in _PLAIN and not t.is_nested for t in tensors)
    return x is not None and x.is_meta and all(t is None or t.is_meta for t in others)


def qconfig_for(module: Any, qconfig: Any) -> tuple[Any, bool]:
    """Return what quantisation wants of a torch.nn.GRU in the place of a module.

    ``torch.ao.quantization`` looks modules up by their exact type in a table, which is a variable
    of the function that sets the attribute `qconfig`.

    Parameters
    ----------
    module : GRU
    qconfig : object
        What the attribute is being set to.

    Returns
    -------
    qconfig : object
        What it would be set to for a ``torch.nn.GRU``.
    looks_again : bool
        Whether the quantisation will look at the type once more: that of graphs.
    """
    frame: Any = sys._getframe(2)
    caller = frame.f_locals
    table, name = caller.get("qconfig_dict"), caller.get("prefix")
    if not isinstance(table, dict) or caller.get("module") is not module:
        return qconfig, False
    if "qconfig" not in vars(module) and name not in table and type(module) not in table:
        qconfig = table.get(torch.nn.GRU, qconfig)
    while frame is not None and _module_of(frame).startswith(_QUANTISATION):
        if _module_of(frame).startswith(f"{_QUANTISATION}.fx"):
            return qconfig, True
        frame = frame.f_back
    return qconfig, False


def _module_of(frame: Any) -> str:
    return str(frame.f_globals.get("__name__", ""))
