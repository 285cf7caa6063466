"""A drop-in for ``torch.nn.GRU``, and `convert`, which puts it into a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn.utils.parametrize import type_before_parametrizations
from torch.nn.utils.rnn import PackedSequence

from gru_c.interop.torch.autograd import LayerMemory, TorchLayer, run_layer, wants_gradients
from gru_c.interop.torch.handover import hold_no_data, looks_into, qconfig_for
from gru_c.interop.torch.packed_sequence import PackedSteps

_DTYPES = (torch.float32, torch.float64)

# Reordering the weights for the core takes the time of a few of PyTorch's time steps of one row; of
# more steps where weights are read from main memory. Measured for H from 50 to 1024.
_FEW_STEPS, _FEW_LARGE_STEPS, _LARGE = 8, 40, 2**21


class GRU(torch.nn.GRU):  # type: ignore[misc]
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

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:  # noqa: A002 - PyTorch's name
        """Run over sequences; see ``torch.nn.GRU``.

        Parameters
        ----------
        input : tensor or PackedSequence
            Shape (T, B, input_size), (B, T, input_size) with batch_first, or (T, input_size).
        hx : tensor, optional
            States before the first step, (num_layers * directions, B, hidden_size), without B for
            input without; zeros by default.

        Returns
        -------
        output : tensor or PackedSequence
            Outputs of the last layer, (..., directions * hidden_size).
        h_n : tensor
            Last states, of the shape of hx.
        """
        is_packed = isinstance(input, PackedSequence)
        if looks_into() or (not is_packed and self._is_short(input, hx)):
            return super().forward(input, hx)  # type: ignore[no-any-return]
        self._update_flat_weights()
        if hold_no_data(input.data if is_packed else input, hx, *self._flat_weights):
            return super().forward(input, hx)  # type: ignore[no-any-return]
        return self._forward_packed(input, hx) if is_packed else self._forward_plain(input, hx)

    def _forward_plain(self, sequences: Any, hx: Any) -> tuple[Any, Any]:
        """Run over a batch or one sequence."""
        _check_tensor("input", sequences)
        dim = sequences.dim()
        if dim not in (2, 3):
            raise ValueError(f"GRU: expected input to be 2D or 3D, got {dim}D")
        if hx is not None:
            _check_tensor("hx", hx)
            if hx.dim() != dim:
                raise RuntimeError(
                    f"for {dim}-D input, hx should also be {dim}-D, got {hx.dim()}-D"
                )
        is_single = dim == 2
        batch_first = self.batch_first and not is_single
        x = sequences.transpose(0, 1) if batch_first else sequences
        if is_single:
            x, hx = x[:, None], None if hx is None else hx[:, None]
        x, h = self._checked(x, hx, None)
        if len(x) < 1:
            raise RuntimeError("expected sequences of at least one step, got none")
        output, last = self._stack(x, h, (), batch_first)
        return (output.squeeze(1), last.squeeze(1)) if is_single else (output, last)

    def _is_short(self, x: Any, hx: Any) -> bool:
        """Return True if PyTorch's own kernel is faster: to predict a few time steps."""
        weights = 3 * self.hidden_size * (self.input_size + self.hidden_size)
        few = _FEW_STEPS if weights < _LARGE else _FEW_LARGE_STEPS
        if not isinstance(x, torch.Tensor) or x.numel() >= few * self.input_size:
            return False
        if not _is_readable(x) or torch.is_autocast_enabled("cpu"):
            return False  # so that it is treated like longer input
        tensors = (x, hx, *self._flat_weights)
        return not wants_gradients(*(t for t in tensors if isinstance(t, torch.Tensor)))

    def _forward_packed(self, sequences: Any, hx: Any) -> tuple[Any, Any]:
        data, batch_sizes, sorted_indices, unsorted_indices = sequences
        hx = None if hx is None else self.permute_hidden(hx, sorted_indices)
        data, hx = self._checked(data, hx, batch_sizes)
        sizes = _checked_sizes(batch_sizes, len(data))
        packed = tuple(PackedSteps(sizes, bool(i)) for i in range(self._directions))
        output, last = self._stack(data, hx, packed, batch_first=False)
        return (
            PackedSequence(output, batch_sizes, sorted_indices, unsorted_indices),
            self.permute_hidden(last, unsorted_indices),
        )

    def _checked(self, x: Any, hx: Any, batch_sizes: Any) -> tuple[Any, Any]:
        """Return input and states (zeros for None) after all checks."""
        dtype = getattr(self._flat_weights[0], "dtype", None)
        if torch.is_autocast_enabled("cpu"):
            x, hx = (t.to(dtype) if t is not None and t.is_floating_point() else t for t in (x, hx))
        _check_tensor("input", x, dtype)
        if hx is not None:
            _check_tensor("hx", hx, dtype)
        self._check_weights(dtype)
        B = int(batch_sizes[0]) if batch_sizes is not None and len(batch_sizes) else x.shape[1]
        wanted = (self._directions * self.num_layers, B, self.hidden_size)
        hx = x.new_zeros(wanted) if hx is None else hx
        if x.shape[-1] != self.input_size:
            raise RuntimeError(f"input must have {self.input_size} features, got {x.shape[-1]}")
        if hx.shape != wanted:
            raise RuntimeError(f"hx must have shape {wanted}, got {tuple(hx.shape)}")
        return x, hx

    def _check_weights(self, dtype: Any) -> None:
        """Raise an error unless the weights agree with the module's attributes."""
        H, per = self.hidden_size, 4 if self.bias else 2
        of_layer = per * self._directions
        if len(self._flat_weights) != of_layer * self.num_layers:
            raise RuntimeError(
                f"{self!r} has {len(self._flat_weights)} weights, which are those of another "
                "num_layers, bias or bidirectional: these cannot be changed, make a new module"
            )
        for i, (name, tensor) in enumerate(
            zip(self._flat_weights_names, self._flat_weights, strict=True)
        ):
            _check_tensor(name, tensor, dtype)
            features = self.input_size if i < of_layer else H * self._directions
            wanted = ((3 * H, features), (3 * H, H), (3 * H,), (3 * H,))[i % per]
            if tensor.shape != wanted:
                raise RuntimeError(f"{name} must have shape {wanted}, got {tuple(tensor.shape)}")

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    def _stack(
        self, x: Any, hx: Any, packed: tuple[PackedSteps, ...], batch_first: bool
    ) -> tuple[Any, Any]:
        """Return the last layer's outputs and all last states, given checked tensors."""
        memories = self.__dict__.setdefault("_memories", {})
        per, lasts = len(self._flat_weights) // self.num_layers, []
        for k, h in enumerate(hx.split(self._directions)):
            if k and self.dropout and self.training:
                x = torch.nn.functional.dropout(x, self.dropout)
            # Between layers time comes first, as in PyTorch: so dropout draws the same.
            memory = memories.setdefault(k, LayerMemory.empty(self._directions))
            is_last = k == self.num_layers - 1
            layer = TorchLayer(self._directions, batch_first and is_last, packed, memory)
            tensors = self._flat_weights[k * per : (k + 1) * per]
            x, last = run_layer(layer, x, h, tensors)
            lasts.append(last)
        return x, torch.cat(lasts) if len(lasts) > 1 else lasts[0]

    # ---- copies, scripting, quantisation ----

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a module that torch.fx treats like PyTorch's own: it records the call."""
        module = super().__new__(cls)
        module.__dict__["__module__"] = torch.nn.GRU.__module__
        return module

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; `qconfig` makes it a ``torch.nn.GRU``, which can be quantised."""
        if name == "qconfig" and type_before_parametrizations(self) is GRU:
            value, looks_again = qconfig_for(self, value)
            if value is not None or looks_again:
                self._become_torch_gru()
        torch.nn.GRU.__setattr__(self, name, value)  # whatever its class is now

    def __prepare_scriptable__(self) -> Any:
        """Return the module that torch.jit.script compiles in place of this one."""
        self._refuse_unless_usual("compile")
        module = torch.nn.GRU.__new__(torch.nn.GRU)
        module.__setstate__(self.__getstate__())
        return module

    def _become_torch_gru(self) -> None:
        self._refuse_unless_usual("quantise")
        for name in ("_memories", "__module__"):
            self.__dict__.pop(name, None)
        object.__setattr__(self, "__class__", torch.nn.GRU)

    def _refuse_unless_usual(self, verb: str) -> None:
        """Raise TypeError for a parametrization, or a subclass that computes something else."""
        if type(self) is not GRU:
            raise TypeError(
                f"PyTorch can {verb} a torch.nn.GRU and what convert makes of it, but not "
                f"{type(self).__name__}, a subclass: remove its parametrizations first "
                "(torch.nn.utils.parametrize.remove_parametrizations), or leave it out"
            )

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, without memory kept for the next pass."""
        left_out = "_memories", "__module__"
        return {key: value for key, value in super().__getstate__().items() if key not in left_out}


def _is_readable(tensor: Any) -> bool:
    """Return True if the core can read a tensor of this kind."""
    is_dense = tensor.layout == torch.strided and not tensor.is_nested
    return bool(tensor.is_cpu and is_dense and tensor.dtype in _DTYPES)


def _check_tensor(name: str, tensor: Any, dtype: Any = None) -> None:
    """Raise ValueError or TypeError unless the core can read a tensor, of `dtype` if not None."""
    if not isinstance(tensor, torch.Tensor):
        if isinstance(tensor, torch.fx.Proxy):
            raise TypeError(
                f"torch.fx cannot look into gru_c's GRU, and {name} is a Proxy: trace the model "
                "around it, where it is a leaf, or a torch.nn.GRU"
            )
        raise TypeError(f"{name} must be a tensor, got {type(tensor).__name__}")
    if not tensor.is_cpu:
        advice = "move it with .cpu(), or take torch.nn.GRU"
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
            "or torch.nn.GRU"
        )
    if tensor.dtype != dtype:
        raise ValueError(f"{name} is {tensor.dtype}, but the first weight {dtype}")


def _checked_sizes(batch_sizes: Any, total: int) -> Any:
    """Return a PackedSequence's batch sizes as an array; ValueError for impossible ones."""
    sizes = np.ascontiguousarray(batch_sizes.numpy())
    fits = sizes.ndim == 1 and len(sizes) and (np.diff(sizes) <= 0).all() and sizes[-1] > 0
    if not fits or sizes.sum() != total:
        raise ValueError(
            f"batch_sizes of a PackedSequence must not increase and sum to the {total} steps of "
            f"its data, got {sizes.tolist()[:20]}"
        )
    return sizes


def convert(module: Any) -> Any:
    """Put gru_c's GRU in the place of every ``torch.nn.GRU`` inside a model.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place. The parameters stay the same objects, so an existing optimizer keeps
        training them; hooks and training mode stay, too. Subclasses of ``torch.nn.GRU`` are left
        alone, since they compute something else.

    Returns
    -------
    torch.nn.Module
        The module; if it is a ``torch.nn.GRU`` itself, its replacement.

    Raises
    ------
    TypeError
        When it is not a module.
    ValueError
        When a GRU is not on the CPU, is neither float32 nor float64, or waits for its
        quantisation. The message gives its name; nothing has been changed.

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
    grus = {name: m for name, m in module.named_modules() if type(m) is torch.nn.GRU}
    for name, gru in grus.items():
        if getattr(gru, "qconfig", None) is not None:
            raise ValueError(
                f"{name or 'the GRU'} has a qconfig, and torch.ao.quantization would not find it "
                "any more: quantise first and convert then, or set its qconfig to None"
            )
        for key, tensor in gru.named_parameters():
            _check_tensor(f"{name}.{key}" if name else key, tensor, gru.weight_ih_l0.dtype)
    converted = {gru: _converted(gru) for gru in grus.values()}
    for parent in list(module.modules()):
        for name, child in parent._modules.items():  # named_children has each module once
            if child in converted:
                parent._modules[name] = converted[child]
    return converted.get(module, module)


def _converted(gru: Any) -> GRU:
    """Return gru_c's GRU with the parameters, hooks and mode of PyTorch's."""
    module: GRU = GRU.__new__(GRU)
    module.__setstate__(gru.__getstate__())
    return module
