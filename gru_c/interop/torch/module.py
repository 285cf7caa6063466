"""Drop-ins for ``torch.nn.GRU``, ``LSTM`` and ``RNN``; `convert` puts them into models."""

from __future__ import annotations

from typing import Any

import torch

from gru_c.interop.torch.checks import check_tensor
from gru_c.interop.torch.recurrent import RecurrentModule
from gru_c.recurrence.cell import Cell

_GRU, _LSTM = Cell(), Cell.checked(True, "tanh", "sigmoid", None, kind="LSTM")
_RNN = {
    name: Cell.checked(True, name, "sigmoid", None, kind="SimpleRNN") for name in ("tanh", "relu")
}


class GRU(RecurrentModule, torch.nn.GRU):  # type: ignore[misc]
    """``torch.nn.GRU`` with gru_c's kernels, on the CPU.

    It is a subclass of ``torch.nn.GRU`` [1]_, with the same constructor, parameters, inputs,
    outputs, state dict, initial weights, and random numbers of dropout. It runs on
    ``torch.get_num_threads()`` threads, in float32 or float64; tensors are not copied.

    PyTorch's own kernels run where something looks into operations: ``torch.jit.trace``,
    ``torch.compile``, ``torch.export`` and ``torch.onnx.export``, whose results then run without
    gru_c; the transforms of ``torch.func``, forward-mode derivatives, meta tensors, subclasses of
    tensor and modes like ``FakeTensorMode``. They also predict a few time steps, for which
    reordering the weights for the core would not pay. ``torch.fx`` treats the module as a leaf.
    ``torch.jit.script``, and ``torch.ao.quantization`` where it quantises the module, put a
    ``torch.nn.GRU`` in its place. ``torch.autocast`` has no effect on it.

    Parameters
    ----------
    *args, **kwargs
        Those of ``torch.nn.GRU``: input_size, hidden_size, num_layers, bias, batch_first, dropout,
        bidirectional, device, dtype.

    Raises
    ------
    ValueError
        From ``forward``, for tensors that are not on the CPU, or neither float32 nor float64.
    RuntimeError
        From a backward pass that would be differentiated (``create_graph=True``) or takes many
        gradients at once (``is_grads_batched=True``), and for shapes that do not fit.
    TypeError
        From quantisation and ``torch.jit.script``, when it has parametrizations.

    References
    ----------
    .. [1] https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html

    Examples
    --------
    >>> import torch
    >>> from gru_c.interop.torch import GRU
    >>> gru = GRU(8, 50, num_layers=2, batch_first=True)
    >>> output, h_n = gru(torch.randn(4, 10, 8))
    >>> output.shape, h_n.shape
    (torch.Size([4, 10, 50]), torch.Size([2, 4, 50]))
    >>> output.sum().backward()
    >>> gru.weight_ih_l0.grad.shape
    torch.Size([150, 8])
    """

    torch_class = torch.nn.GRU
    _cell = _GRU


class LSTM(RecurrentModule, torch.nn.LSTM):  # type: ignore[misc]
    """``torch.nn.LSTM`` with gru_c's kernels, on the CPU.

    It is a subclass of ``torch.nn.LSTM`` [1]_; all that is said of `GRU` holds. Initial and last
    states are tuples (h, c).

    Parameters
    ----------
    *args, **kwargs
        Those of ``torch.nn.LSTM``: input_size, hidden_size, num_layers, bias, batch_first, dropout,
        bidirectional, device, dtype.

    Raises
    ------
    ValueError
        For a ``proj_size``, which gru_c does not compute; from ``forward``, as `GRU`.
    RuntimeError, TypeError
        As `GRU`; also from ``forward``, when hx is not a tuple of two tensors.

    References
    ----------
    .. [1] https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html

    Examples
    --------
    >>> import torch
    >>> from gru_c.interop.torch import LSTM
    >>> lstm = LSTM(8, 50, batch_first=True)
    >>> output, (h_n, c_n) = lstm(torch.randn(4, 10, 8))
    >>> output.shape, h_n.shape, c_n.shape
    (torch.Size([4, 10, 50]), torch.Size([1, 4, 50]), torch.Size([1, 4, 50]))
    """

    torch_class = torch.nn.LSTM
    _cell = _LSTM

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _refuse_projection("LSTM", self)


class RNN(RecurrentModule, torch.nn.RNN):  # type: ignore[misc]
    """``torch.nn.RNN`` with gru_c's kernels, on the CPU.

    It is a subclass of ``torch.nn.RNN`` [1]_; all that is said of `GRU` holds.

    Parameters
    ----------
    *args, **kwargs
        Those of ``torch.nn.RNN``: input_size, hidden_size, num_layers, nonlinearity ("tanh" or
        "relu"), bias, batch_first, dropout, bidirectional, device, dtype.

    Raises
    ------
    ValueError, RuntimeError, TypeError
        As `GRU`.

    References
    ----------
    .. [1] https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html

    Examples
    --------
    >>> import torch
    >>> from gru_c.interop.torch import RNN
    >>> output, h_n = RNN(8, 50, nonlinearity="relu")(torch.randn(10, 4, 8))
    >>> output.shape, h_n.shape
    (torch.Size([10, 4, 50]), torch.Size([1, 4, 50]))
    """

    torch_class = torch.nn.RNN

    @property
    def _cell(self) -> Cell:
        return _RNN[self.nonlinearity]


# By PyTorch's class, the class that takes its place.
_DROP_INS: dict[type, type[RecurrentModule]] = {kind.torch_class: kind for kind in (GRU, LSTM, RNN)}


def _refuse_projection(name: str, lstm: Any) -> None:
    """Raise ValueError for an LSTM whose output is multiplied by one more matrix."""
    if getattr(lstm, "proj_size", 0):
        raise ValueError(
            f"{name} has proj_size={lstm.proj_size}, which gru_c's LSTM does not compute: take "
            "torch.nn.LSTM for it"
        )


def convert(module: Any) -> Any:
    """Put gru_c's modules in the place of ``torch.nn.GRU``, ``LSTM`` and ``RNN`` inside a model.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place. The parameters stay the same objects, so an existing optimizer keeps
        training them; hooks and training mode stay, too. Subclasses of PyTorch's
        classes are left alone, since they compute something else.

    Returns
    -------
    torch.nn.Module
        The module; if it is such a module itself, its replacement.

    Raises
    ------
    TypeError
        When it is not a module.
    ValueError
        When one of them is not on the CPU, is neither float32 nor float64, waits for its
        quantisation, or is an LSTM with a ``proj_size``. The message gives its name; nothing has
        been changed.

    Examples
    --------
    >>> import torch
    >>> from gru_c.interop.torch import convert
    >>> class Forecaster(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.gru = torch.nn.GRU(8, 32, batch_first=True)
    ...         self.head = torch.nn.Linear(32, 1)
    ...     def forward(self, x):
    ...         return self.head(self.gru(x)[0][:, -1])
    >>> model = convert(Forecaster())
    >>> type(model.gru).__module__
    'gru_c.interop.torch.module'
    >>> model(torch.randn(4, 10, 8)).shape
    torch.Size([4, 1])
    """
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"convert wants a torch.nn.Module, got {type(module).__name__}")
    recurrent = {name: m for name, m in module.named_modules() if type(m) in _DROP_INS}
    for name, old in recurrent.items():
        label = name or f"the {type(old).__name__}"
        _refuse_projection(label, old)
        if getattr(old, "qconfig", None) is not None:
            raise ValueError(
                f"{label} has a qconfig, and torch.ao.quantization would not find it "
                "any more: quantise first and convert then, or set its qconfig to None"
            )
        owner = f"torch.nn.{type(old).__name__}"
        for key, tensor in old.named_parameters():
            full_name = f"{name}.{key}" if name else key
            check_tensor(owner, full_name, tensor, old.weight_ih_l0.dtype)
    converted = {old: _converted(old) for old in recurrent.values()}
    for parent in list(module.modules()):
        for name, child in parent._modules.items():  # named_children has each module once
            if child in converted:
                parent._modules[name] = converted[child]
    return converted.get(module, module)


def _converted(old: Any) -> RecurrentModule:
    """Return gru_c's module with the parameters, hooks and mode of PyTorch's."""
    kind = _DROP_INS[type(old)]
    module: RecurrentModule = kind.__new__(kind)
    module.__setstate__(old.__getstate__())
    return module
