"""Cases in which PyTorch's own module takes over: tracing, transforms, quantisation."""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch.autograd import forward_ad

_PLAIN = {torch.Tensor, torch.nn.Parameter, type(None)}
_QUANTISATION = "torch.ao.quantization"

# Functions that say which transforms of torch.func, and which modes, are active.
_transforms = getattr(torch._C, "_are_functorch_transforms_active", lambda: False)
_modes = getattr(torch._C, "_len_torch_dispatch_stack", lambda: 0)
_is_batched = getattr(torch._C._functorch, "is_legacy_batchedtensor", lambda tensor: False)


def looks_into() -> bool:
    """Return True if something traces operations, which works for PyTorch's own ones only.

    Such are torch.compile, torch.export, torch.jit.trace, `differentiates`, and modes that see each
    operation: make_fx, FakeTensorMode, FlopCounterMode.
    """
    return (
        torch.compiler.is_compiling() or torch.jit.is_tracing() or _modes() > 0 or differentiates()
    )


def differentiates() -> bool:
    """Return True if transforms of torch.func or forward-mode derivatives are active."""
    return getattr(forward_ad, "_current_level", -1) >= 0 or _transforms()


def is_batched(gradient: Any) -> bool:
    """Return True if a gradient stands for many, as with ``is_grads_batched=True``."""
    return gradient is not None and bool(_is_batched(gradient))


def hold_no_data(x: Any, *others: Any) -> bool:
    """Return True for tensors without numbers for the core, which PyTorch can treat.

    Such are tensors of a subclass, and tensors that are all on the meta device.
    """
    kinds = {type(t) for t in (x, *others)}
    if not kinds <= _PLAIN:
        tensors = [t for t in (x, *others) if isinstance(t, torch.Tensor)]
        return any(type(t) not in _PLAIN and not t.is_nested for t in tensors)
    return x is not None and x.is_meta and all(t is None or t.is_meta for t in others)


def qconfig_for(module: Any, torch_class: type, qconfig: Any) -> tuple[Any, bool]:
    """Return the quantisation settings of PyTorch's module for one of gru_c's.

    ``torch.ao.quantization`` looks up the exact type of a module in a table, which is a local
    variable of the function that sets the attribute `qconfig`.

    Parameters
    ----------
    module : RecurrentModule
    torch_class : type
        The class in whose place it stands.
    qconfig : object
        The value that the attribute is being set to.

    Returns
    -------
    qconfig : object
        The value that a module of that class would get.
    looks_again : bool
        True if the quantisation looks at the type once more, as that of graphs does.
    """
    frame: Any = sys._getframe(2)
    caller = frame.f_locals
    table, name = caller.get("qconfig_dict"), caller.get("prefix")
    if not isinstance(table, dict) or caller.get("module") is not module:
        return qconfig, False
    if "qconfig" not in vars(module) and name not in table and type(module) not in table:
        qconfig = table.get(torch_class, qconfig)
    while frame is not None and _module_of(frame).startswith(_QUANTISATION):
        if _module_of(frame).startswith(f"{_QUANTISATION}.fx"):
            return qconfig, True
        frame = frame.f_back
    return qconfig, False


def _module_of(frame: Any) -> str:
    return str(frame.f_globals.get("__name__", ""))
