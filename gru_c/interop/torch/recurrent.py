"""The base of the drop-ins for PyTorch's recurrent modules: forward, copies, quantisation."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch.nn.utils.parametrize import type_before_parametrizations
from torch.nn.utils.rnn import PackedSequence

from gru_c.interop.torch.autograd import LayerMemory, TorchLayer, run_layer, wants_gradients
from gru_c.interop.torch.checks import check_tensor, checked_sizes, is_readable
from gru_c.interop.torch.handover import hold_no_data, looks_into, qconfig_for
from gru_c.interop.torch.packed_sequence import PackedSteps
from gru_c.interop.torch.weights import TORCH_NAMES
from gru_c.recurrence.cell import Cell

# Reordering the weights for the core takes the time of a few of PyTorch's time steps of one row; of
# more steps where weights are read from main memory. Measured for H from 50 to 1024.
_FEW_STEPS, _FEW_LARGE_STEPS, _LARGE = 8, 40, 2**21


class RecurrentModule(torch.nn.RNNBase):  # type: ignore[misc]
    """The base of the drop-ins, which stands before PyTorch's class in the order of their bases.

    Attributes
    ----------
    torch_class : type
        PyTorch's class, in whose place the module stands.
    """

    torch_class: ClassVar[Any]

    @property
    def _cell(self) -> Cell:
        """The cell, which messages, weights and passes depend on."""
        raise NotImplementedError

    @property
    def _label(self) -> str:
        return str(self.torch_class.__name__)

    @property
    def _torch_name(self) -> str:
        return TORCH_NAMES[self._cell.kind]

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:  # noqa: A002 - PyTorch's name
        """Run over sequences; see the class of PyTorch with this name.

        Parameters
        ----------
        input : tensor or PackedSequence
            Shape (T, B, input_size), (B, T, input_size) with batch_first, or (T, input_size).
        hx : tensor, or tuple of tensors of an LSTM (h, c), optional
            States before the first step, each (num_layers * directions, B, hidden_size), without B
            for input without; zeros by default.

        Returns
        -------
        output : tensor or PackedSequence
            Outputs of the last layer, (..., directions * hidden_size).
        hx : tensor, or tuple of tensors of an LSTM (h, c)
            Last states, of the shape of the argument hx.
        """
        is_packed = isinstance(input, PackedSequence)
        if looks_into() or (not is_packed and self._is_short(input, hx)):
            return super().forward(input, hx)  # type: ignore[no-any-return]
        self._update_flat_weights()
        states = self._states_of(hx)
        if hold_no_data(input.data if is_packed else input, *states, *self._flat_weights):
            return super().forward(input, hx)  # type: ignore[no-any-return]
        run = self._forward_packed if is_packed else self._forward_plain
        output, last = run(input, states)
        if self._cell.states == 1:
            return output, last
        return output, tuple(part.contiguous() for part in last.chunk(self._cell.states, -1))

    def _states_of(self, hx: Any) -> tuple[Any, ...]:
        """Return the initial states, h and of an LSTM c; none for None."""
        count = self._cell.states
        if hx is None:
            return ()
        if count == 1:
            return (hx,)
        if not isinstance(hx, (tuple, list)) or len(hx) != count:
            got = f"{len(hx)} of them" if isinstance(hx, (tuple, list)) else type(hx).__name__
            raise TypeError(f"{self._label}: hx must be a tuple of two tensors (h, c), got {got}")
        return tuple(hx)

    @property
    def _state_names(self) -> tuple[str, ...]:
        count = self._cell.states
        return ("hx",) if count == 1 else tuple(f"hx[{i}]" for i in range(count))

    def _forward_plain(self, sequences: Any, states: tuple[Any, ...]) -> tuple[Any, Any]:
        """Run over a batch or one sequence."""
        check_tensor(self._torch_name, "input", sequences)
        dim = sequences.dim()
        if dim not in (2, 3):
            raise ValueError(f"{self._label}: expected input to be 2D or 3D, got {dim}D")
        for name, state in zip(self._state_names, states, strict=False):
            check_tensor(self._torch_name, name, state)
            if state.dim() != dim:
                raise RuntimeError(
                    f"{self._label}: for {dim}-D input, {name} should also be {dim}-D, got "
                    f"{state.dim()}-D"
                )
        is_single = dim == 2
        batch_first = self.batch_first and not is_single
        x = sequences.transpose(0, 1) if batch_first else sequences
        if is_single:
            x, states = x[:, None], tuple(state[:, None] for state in states)
        x, h = self._checked(x, states, None)
        if len(x) < 1:
            raise RuntimeError(f"{self._label}: expected sequences of at least one step, got none")
        output, last = self._stack(x, h, (), batch_first)
        return (output.squeeze(1), last.squeeze(1)) if is_single else (output, last)

    def _is_short(self, x: Any, hx: Any) -> bool:
        """Return True if PyTorch's own kernel is faster: to predict a few time steps."""
        weights = self._cell.gates * self.hidden_size * (self.input_size + self.hidden_size)
        few = _FEW_STEPS if weights < _LARGE else _FEW_LARGE_STEPS
        if not isinstance(x, torch.Tensor) or x.numel() >= few * self.input_size:
            return False
        if not is_readable(x) or torch.is_autocast_enabled("cpu"):
            return False  # so that it is treated like longer input
        states = hx if isinstance(hx, (tuple, list)) else (hx,)
        tensors = (x, *states, *self._flat_weights)
        return not wants_gradients(*(t for t in tensors if isinstance(t, torch.Tensor)))

    def _forward_packed(self, sequences: Any, states: tuple[Any, ...]) -> tuple[Any, Any]:
        data, batch_sizes, sorted_indices, unsorted_indices = sequences
        data, h = self._checked(data, states, batch_sizes)
        h = _permuted(h, sorted_indices) if states else h
        sizes = checked_sizes(batch_sizes, len(data))
        packed = tuple(PackedSteps(sizes, bool(i)) for i in range(self._directions))
        output, last = self._stack(data, h, packed, batch_first=False)
        return (
            PackedSequence(output, batch_sizes, sorted_indices, unsorted_indices),
            _permuted(last, unsorted_indices),
        )

    def _checked(self, x: Any, states: tuple[Any, ...], batch_sizes: Any) -> tuple[Any, Any]:
        """Return the input, and the states side by side (zeros for none), after all checks."""
        dtype = getattr(self._flat_weights[0], "dtype", None)
        if torch.is_autocast_enabled("cpu"):
            x, *states = (t.to(dtype) if t.is_floating_point() else t for t in (x, *states))  # type: ignore[assignment]
        check_tensor(self._torch_name, "input", x, dtype)
        for name, state in zip(self._state_names, states, strict=False):
            check_tensor(self._torch_name, name, state, dtype)
        self._check_weights(dtype)
        B = int(batch_sizes[0]) if batch_sizes is not None and len(batch_sizes) else x.shape[1]
        wanted = (self._directions * self.num_layers, B, self.hidden_size)
        if x.shape[-1] != self.input_size:
            raise RuntimeError(
                f"{self._label}: input must have {self.input_size} features, got {x.shape[-1]}"
            )
        for name, state in zip(self._state_names, states, strict=False):
            if state.shape != wanted:
                raise RuntimeError(
                    f"{self._label}: {name} must have shape {wanted}, got {tuple(state.shape)}"
                )
        if not states:
            return x, x.new_zeros((*wanted[:2], self._cell.states * self.hidden_size))
        return x, states[0] if len(states) == 1 else torch.cat(tuple(states), -1)

    def _check_weights(self, dtype: Any) -> None:
        """Raise an error unless the weights agree with the module's attributes."""
        H, per = self.hidden_size, 4 if self.bias else 2
        width = self._cell.gates * H
        of_layer = per * self._directions
        if len(self._flat_weights) != of_layer * self.num_layers:
            raise RuntimeError(
                f"{self!r} has {len(self._flat_weights)} weights, which are those of another "
                "num_layers, bias or bidirectional: these cannot be changed, make a new module"
            )
        for i, (name, tensor) in enumerate(
            zip(self._flat_weights_names, self._flat_weights, strict=True)
        ):
            check_tensor(self._torch_name, name, tensor, dtype)
            features = self.input_size if i < of_layer else H * self._directions
            wanted = ((width, features), (width, H), (width,), (width,))[i % per]
            if tensor.shape != wanted:
                raise RuntimeError(
                    f"{self._label}: {name} must have shape {wanted}, got {tuple(tensor.shape)}"
                )

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
            layer = TorchLayer(
                self._cell, self._directions, batch_first and is_last, packed, memory
            )
            tensors = self._flat_weights[k * per : (k + 1) * per]
            x, last = run_layer(layer, x, h, tensors)
            lasts.append(last)
        return x, torch.cat(lasts) if len(lasts) > 1 else lasts[0]

    # ---- copies, scripting, quantisation ----

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a module that torch.fx treats like PyTorch's own: it records the call."""
        module = super().__new__(cls)
        module.__dict__["__module__"] = cls.torch_class.__module__
        return module

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; `qconfig` makes it PyTorch's own module, which can be quantised."""
        torch_class = self.torch_class
        if name == "qconfig" and self._is_usual(type_before_parametrizations(self)):
            value, looks_again = qconfig_for(self, torch_class, value)
            if value is not None or looks_again:
                self._become_torch_module()
        torch_class.__setattr__(self, name, value)  # whatever its class is now

    @staticmethod
    def _is_usual(kind: type) -> bool:
        """Return True for a class of this package, rather than a subclass of it."""
        return "torch_class" in vars(kind)

    def __prepare_scriptable__(self) -> Any:
        """Return the module that torch.jit.script compiles in place of this one."""
        self._refuse_unless_usual("compile")
        module = self.torch_class.__new__(self.torch_class)
        module.__setstate__(self.__getstate__())
        return module

    def _become_torch_module(self) -> None:
        self._refuse_unless_usual("quantise")
        for name in ("_memories", "__module__"):
            self.__dict__.pop(name, None)
        object.__setattr__(self, "__class__", self.torch_class)

    def _refuse_unless_usual(self, verb: str) -> None:
        """Raise TypeError for a parametrization, or a subclass that computes something else."""
        if not self._is_usual(type(self)):
            raise TypeError(
                f"PyTorch can {verb} a {self._torch_name} and what convert makes of it, but not "
                f"{type(self).__name__}, a subclass: remove its parametrizations first "
                "(torch.nn.utils.parametrize.remove_parametrizations), or leave it out"
            )

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, without memory kept for the next pass."""
        left_out = "_memories", "__module__"
        return {key: value for key, value in super().__getstate__().items() if key not in left_out}


def _permuted(states: Any, indices: Any) -> Any:
    """Return states (., B, n) with the rows in another order; None for the same order."""
    return states if indices is None else states.index_select(1, indices)
