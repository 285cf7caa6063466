"""A drop-in for ``torch.nn.GRU``, and what puts it into a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import PackedSequence

from gru_c.interop.torch.autograd import Layer, Spare, run_layer, wants_gradients
from gru_c.packed_steps import PackedSteps

# Putting the weights into the core's order takes the time of a few of PyTorch's steps of one row;
# of more where they are read from main memory. Measured for H from 50 to 1024.
_FEW_STEPS, _FEW_LARGE_STEPS, _LARGE = 8, 40, 2**21


class GRU(torch.nn.GRU):  # type: ignore[misc]
    """``torch.nn.GRU`` by gru_c's kernels, on the CPU.

    Constructor, parameters, inputs and outputs are those of ``torch.nn.GRU`` [1]_, which it is a
    subclass of: the same state dict, initial weights, and random numbers of dropout. It runs on
    ``torch.get_num_threads()`` threads, in float32 or float64; tensors are not copied.

    Under ``torch.jit.trace``, ``torch.export`` and ``torch.onnx.export`` it is a ``torch.nn.GRU``,
    so that what they write runs elsewhere; also to predict a few steps, for which putting the
    weights into the core's order would not pay. ``torch.jit.script`` and the transforms of
    ``torch.func`` cannot look into it and raise.

    Parameters
    ----------
    *args, **kwargs
        As of ``torch.nn.GRU``: input_size, hidden_size, num_layers, bias, batch_first, dropout,
        bidirectional, device, dtype.

    Raises
    ------
    ValueError
        From ``forward``, for tensors that are not on the CPU, or neither float32 nor float64.
    RuntimeError
        From a backward pass that is to be differentiated (``create_graph=True``), and as
        ``torch.nn.GRU`` for shapes that do not fit.

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
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        _check_tensor("input", input)
        if hx is not None:
            _check_tensor("hx", hx)
        if torch.compiler.is_compiling() or torch.jit.is_tracing() or self._is_short(input, hx):
            return super().forward(input, hx)  # type: ignore[no-any-return]
        if input.dim() not in (2, 3):
            raise ValueError(f"GRU: expected input to be 2D or 3D, got {input.dim()}D")
        if hx is not None and hx.dim() != input.dim():
            raise RuntimeError(
                f"for {input.dim()}-D input, hx should also be {input.dim()}-D, got {hx.dim()}-D"
            )
        if input.dim() == 2:
            output, last = self._forward_batch(input[:, None], None if hx is None else hx[:, None])
            return output.squeeze(1), last.squeeze(1)
        if not self.batch_first:
            return self._forward_batch(input, hx)
        output, last = self._forward_batch(input.transpose(0, 1), hx)
        return output.transpose(0, 1), last

    def _is_short(self, x: Any, hx: Any) -> bool:
        """Whether PyTorch's own kernel is faster: to predict a few steps."""
        weights = 3 * self.hidden_size * (self.input_size + self.hidden_size)
        few = _FEW_STEPS if weights < _LARGE else _FEW_LARGE_STEPS
        if x.numel() >= few * self.input_size:
            return False
        return not wants_gradients(*(t for t in (x, hx, *self._flat_weights) if t is not None))

    def _forward_batch(self, x: Any, hx: Any) -> tuple[Any, Any]:
        """Run over (T, B, input_size)."""
        x, hx = self._checked(x, hx, None)
        if len(x) < 1:
            raise RuntimeError("expected sequences of at least one step, got none")
        return self._stack(x, hx, ())

    def _forward_packed(self, sequences: Any, hx: Any) -> tuple[Any, Any]:
        data, batch_sizes, sorted_indices, unsorted_indices = sequences
        hx = None if hx is None else self.permute_hidden(hx, sorted_indices)
        data, hx = self._checked(data, hx, batch_sizes)
        sizes = _checked_sizes(batch_sizes, len(data))
        packed = tuple(PackedSteps(sizes, bool(i)) for i in range(self._directions))
        output, last = self._stack(data, hx, packed)
        return (
            PackedSequence(output, batch_sizes, sorted_indices, unsorted_indices),
            self.permute_hidden(last, unsorted_indices),
        )

    def _checked(self, x: Any, hx: Any, batch_sizes: Any) -> tuple[Any, Any]:
        """Return input and states (zeros for None) that have passed all checks."""
        self._update_flat_weights()
        weights = dict(zip(self._flat_weights_names, self._flat_weights, strict=True))
        dtype = self._flat_weights[0].dtype
        if torch.is_autocast_enabled("cpu"):
            x, hx = x.to(dtype), None if hx is None else hx.to(dtype)
        for name, tensor in {"input": x, "hx": hx, **weights}.items():
            if tensor is not None:
                _check_tensor(name, tensor, dtype)
        B = int(batch_sizes[0]) if batch_sizes is not None and len(batch_sizes) else x.shape[1]
        wanted = (self._directions * self.num_layers, B, self.hidden_size)
        hx = x.new_zeros(wanted) if hx is None else hx
        if x.shape[-1] != self.input_size:
            raise RuntimeError(f"input must have {self.input_size} features, got {x.shape[-1]}")
        if hx.shape != wanted:
            raise RuntimeError(f"hx must have shape {wanted}, got {tuple(hx.shape)}")
        return x, hx

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    def _stack(self, x: Any, hx: Any, packed: tuple[PackedSteps, ...]) -> tuple[Any, Any]:
        """Run layer by layer over checked tensors: outputs of the last one, last states of all."""
        spares = self.__dict__.setdefault("_spares", {})
        per, lasts = len(self._flat_weights) // self.num_layers, []
        for k, h in enumerate(hx.split(self._directions)):
            if k and self.dropout and self.training:
                x = torch.nn.functional.dropout(x, self.dropout)
            # Between layers time comes first, as in PyTorch: so dropout draws the same.
            batch_first = self.batch_first and not packed and k == self.num_layers - 1
            spare = spares.setdefault(k, Spare(self._directions))
            layer = Layer(self._directions, batch_first, packed, spare)
            tensors = self._flat_weights[k * per : (k + 1) * per]
            x, last = run_layer(layer, x, h, tensors)
            lasts.append(last)
        return x, torch.cat(lasts) if len(lasts) > 1 else lasts[0]

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles: without the memory that is kept for the next pass."""
        return {key: value for key, value in super().__getstate__().items() if key != "_spares"}


def _check_tensor(name: str, tensor: Any, dtype: Any = None) -> None:
    """Raise ValueError or TypeError unless the core can read it, and it is of `dtype` if given."""
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(tensor).__name__}")
    if not tensor.is_cpu:
        raise ValueError(
            f"gru_c computes on the CPU, and {name} is on {tensor.device}: "
            "move it with .cpu(), or take torch.nn.GRU"
        )
    if tensor.layout != torch.strided:
        raise ValueError(f"{name} must be a dense tensor, got layout {tensor.layout}")
    if dtype is None:
        return
    if tensor.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"gru_c computes in float32 and float64, and {name} is {tensor.dtype}")
    if tensor.dtype != dtype:
        raise ValueError(f"{name} is {tensor.dtype}, but the first weight {dtype}")


def _checked_sizes(batch_sizes: Any, total: int) -> Any:
    """Return a PackedSequence's batch sizes as an array; ValueError unless they can be ones."""
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
        Changed in place. The parameters stay the same objects, so an optimizer that has been made
        goes on with them; hooks and training mode stay, too. Subclasses of ``torch.nn.GRU`` stay as
        they are, since they compute something else.

    Returns
    -------
    torch.nn.Module
        The module; if it is a ``torch.nn.GRU`` itself, the one in its place.

    Raises
    ------
    TypeError
        When it is no module.
    ValueError
        When a GRU is not on the CPU, or neither float32 nor float64; its name is given, and nothing
        has been changed.

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
    found = {name: m for name, m in module.named_modules() if type(m) is torch.nn.GRU}
    for name, gru in found.items():
        for key, tensor in gru.named_parameters():
            _check_tensor(f"{name}.{key}" if name else key, tensor, gru.weight_ih_l0.dtype)
    made = {gru: _converted(gru) for gru in found.values()}
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if child in made:
                setattr(parent, name, made[child])
    return made.get(module, module)


def _converted(gru: Any) -> GRU:
    """Return our GRU with everything that another one has: parameters, hooks, mode."""
    made = GRU.__new__(GRU)
    made.__setstate__(gru.__getstate__())
    return made
