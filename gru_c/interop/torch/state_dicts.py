"""State dicts: weights of PyTorch modules for gru_c's layers, and vice versa."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from gru_c.common.arrays import Array, as_real, compute_dtype
from gru_c.interop.torch.weights import NAMES, TORCH_NAMES, from_core, to_core
from gru_c.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Layer,
    LayerNormalization,
    SimpleRNN,
)
from gru_c.models.sequential import Sequential
from gru_c.parameters import GivenWeights
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.weights import Weights

# The name of a weight in PyTorch, and True if it is transposed there.
_TENSORS: dict[type[Layer], dict[str, tuple[str, bool]]] = {
    Dense: {"kernel": ("weight", True), "bias": ("bias", False)},
    Embedding: {"embeddings": ("weight", False)},
    LayerNormalization: {"gamma": ("weight", False), "beta": ("bias", False)},
}
_SUFFIXES = ("", "_reverse")

Recurrent = GRU | LSTM | SimpleRNN | Bidirectional
_BY_GATES: dict[int, type[GRU | LSTM]] = {3: GRU, 4: LSTM}


def to_state_dict(model_or_layer: Sequential | Layer) -> dict[str, Any]:
    """Return weights with the names and the order of PyTorch.

    Parameters
    ----------
    model_or_layer : Sequential, GRU, LSTM, SimpleRNN or Bidirectional
        With weights. Consecutive recurrent layers of one cell with equal units, directions and use
        of a bias become one ``torch.nn.GRU`` (``LSTM``, ``RNN``) of several layers; `Dropout` may
        stand between them.

    Returns
    -------
    dict of str to tensor
        For a layer, or a model that is one such stack, the state dict of ``torch.nn.GRU``:
        ``weight_ih_l0`` and so on, ``weight_ih_l0_reverse``. For another model that of a module
        whose submodules have the layers' names, a stack that of its first layer:
        ``gru.weight_ih_l0``, ``dense.weight``. The tensors are copies. PyTorch adds two biases of
        an LSTM or RNN, of which layers here have the sum: it is ``bias_ih``, and ``bias_hh`` is
        zero.

    Raises
    ------
    TypeError
        When it is neither a model nor a recurrent layer.
    ValueError
        When there are no weights yet, or a layer has a setting that PyTorch's module cannot
        compute: ``reset_after=False``, other activations (a `SimpleRNN` may have tanh or relu),
        clipping, zoneout, ``go_backwards``, or directions that are not concatenated; the message
        names the layer.

    Examples
    --------
    >>> from gru_c import GRU, Dense, Sequential
    >>> from gru_c.interop.torch import to_state_dict
    >>> model = Sequential([GRU(5, input_shape=(None, 3), return_sequences=True), GRU(5), Dense(1)])
    >>> {name: tuple(tensor.shape) for name, tensor in to_state_dict(model).items() if "l1" in name}
    {'gru.weight_ih_l1': (15, 5), 'gru.weight_hh_l1': (15, 5), 'gru.bias_ih_l1': (15,), \
'gru.bias_hh_l1': (15,)}
    """
    tensors = _tensors(_modules(model_or_layer))
    return {name: torch.from_numpy(np.array(array, order="C")) for name, array in tensors.items()}


def from_state_dict(
    state_dict: Mapping[str, Any],
    model_or_layer: Sequential | Layer | None = None,
    *,
    prefix: str = "",
) -> Any:
    """Take weights from PyTorch.

    Parameters
    ----------
    state_dict : mapping of str to tensor (or ndarray)
        Of a ``torch.nn.GRU``, ``LSTM`` or ``RNN``, of one of their cells (``torch.nn.GRUCell``),
        or named as `to_state_dict` does.
    model_or_layer : Sequential, GRU, LSTM, SimpleRNN or Bidirectional, optional
        With weights, which are set. By default a new model is made: a stack of GRUs or LSTMs, all
        with ``return_sequences=True``, for the state dict of a ``torch.nn.GRU`` or ``LSTM``. That
        of a ``torch.nn.RNN`` does not say whether its nonlinearity is tanh or relu, so that it
        needs a model.
    prefix : str
        Take only the entries whose names begin with it, and remove it: ``"encoder.gru."``.

    Returns
    -------
    Sequential or layer
        `model_or_layer`, or the new model, in float64 if the tensors are.

    Raises
    ------
    TypeError, ValueError
        As `to_state_dict`; also when a tensor is missing, superfluous, of the wrong shape or not
        of real numbers. The message names it; nothing has been changed.

    Examples
    --------
    >>> import torch
    >>> from gru_c.interop.torch import from_state_dict
    >>> module = torch.nn.GRU(8, 50, num_layers=2, bidirectional=True)
    >>> model = from_state_dict(module.state_dict())
    >>> model.layers
    [Bidirectional...
    """
    entries = _entries(state_dict, prefix)
    if model_or_layer is None:
        return _stack_of(entries, prefix)
    modules = _modules(model_or_layer)
    shapes = {name: array.shape for name, array in _tensors(modules).items()}
    _compare(shapes, entries, prefix, model_or_layer)
    for module, layers in modules:
        for k, layer in enumerate(layers):
            layer.set_weights(_weights(layer, module, k, entries))
    return model_or_layer


def _compare(
    wanted: dict[str, tuple[int, ...]], entries: dict[str, Array], prefix: str, model: object
) -> None:
    """Raise ValueError unless the tensors that are wanted are given, and no others."""
    for name, shape in wanted.items():
        if name not in entries:
            near = ", ".join(map(repr, list(entries)[:6])) or "nothing"
            raise ValueError(f"the state dict has no {prefix + name!r}; it begins with {near}")
        if entries[name].shape != shape:
            raise ValueError(f"{prefix + name!r} has shape {entries[name].shape}, wanted {shape}")
    extra = next((name for name in entries if name not in wanted), None)
    if extra is not None:
        raise ValueError(f"{prefix + extra!r} in the state dict belongs to no layer of {model!r}")


# ---- a model as modules -------------------------------------------------------------------------

Modules = list[tuple[str, list[Layer]]]


def _modules(model_or_layer: object) -> Modules:
    """Return the layers with weights, stacks of recurrent ones together, by the module's prefix."""
    if isinstance(model_or_layer, Recurrent):
        model_or_layer._require_built("a state dict")
        _check_layer(model_or_layer)
        return [("", [model_or_layer])]
    if not isinstance(model_or_layer, Sequential):
        raise TypeError(
            "wanted a Sequential, a GRU, an LSTM, a SimpleRNN or a Bidirectional, got "
            f"{type(model_or_layer).__name__}"
        )
    model_or_layer.require_built("a state dict")
    modules: Modules = []
    open_stack = False
    for layer in model_or_layer.layers:
        if layer.parameters:
            _check_layer(layer)
            if open_stack and _continues(modules[-1][1][-1], layer):
                modules[-1][1].append(layer)
            else:
                modules.append((f"{layer.name}.", [layer]))
            open_stack = isinstance(layer, Recurrent)
        elif not isinstance(layer, Dropout):
            open_stack = False
    if len(modules) == 1 and isinstance(modules[0][1][0], Recurrent):
        return [("", modules[0][1])]
    return modules


def _continues(before: Layer, layer: Layer) -> bool:
    """Return True if a layer is the next layer of the same module of PyTorch."""
    if not isinstance(before, Recurrent) or not isinstance(layer, Recurrent):
        return False
    settings = [
        [(one.units, one.use_bias, one.cell) for one in x.directions] for x in (before, layer)
    ]
    return settings[0] == settings[1]


def _check_layer(layer: Layer) -> None:
    """Raise ValueError for a layer whose weights have another meaning in PyTorch."""
    if not isinstance(layer, Recurrent):
        if type(layer) not in _TENSORS:
            raise ValueError(f"layer {layer.label!r} ({type(layer).__name__}) has no counterpart")
        return
    first, *others = layer.directions
    usual = [Cell.checked(True, "tanh", "sigmoid", None, kind=first.cell_kind)]
    if first.cell_kind == "SimpleRNN":
        usual.append(Cell.checked(True, "relu", "sigmoid", None, kind="SimpleRNN"))
    apart = isinstance(layer, Bidirectional) and layer.merge_mode != "concat"
    problems = {
        "reset_after=False": not all(x.cell.reset_after for x in layer.directions),
        "an activation, clip or zoneout": any(x.cell not in usual for x in layer.directions),
        "directions that differ in activation": any(x.cell != first.cell for x in others),
        "go_backwards=True": first.go_backwards,
        "directions that are not concatenated": apart,
        "directions that differ in units": any(x.units != first.units for x in others),
        "directions that differ in use_bias": any(x.use_bias != first.use_bias for x in others),
    }
    for problem, is_there in problems.items():
        if is_there:
            raise ValueError(
                f"layer {layer.label!r} has {problem}, which {TORCH_NAMES[first.cell_kind]} cannot "
                "compute"
            )


# ---- tensors and weights ------------------------------------------------------------------------


def _tensors(modules: Modules) -> dict[str, Array]:
    """Return all weights in PyTorch's order and names."""
    return {
        name: array
        for prefix, layers in modules
        for k, layer in enumerate(layers)
        for name, array in _layer_tensors(prefix, layer, k)
    }


def _layer_tensors(prefix: str, layer: Layer, k: int) -> Iterator[tuple[str, Array]]:
    if not isinstance(layer, Recurrent):
        for item in layer.parameters:
            name, turned = _TENSORS[type(layer)][item.name]
            yield prefix + name, item.value.T if turned else item.value
        return
    for direction, names in zip(layer.directions, _names(prefix, layer, k), strict=False):
        bias = direction.value("bias") if direction.use_bias else None
        weights = Weights(direction.value("kernel"), direction.value("recurrent_kernel"), bias)
        yield from zip(names, from_core(weights, direction.cell), strict=True)


def _weights(layer: Layer, prefix: str, k: int, entries: dict[str, Array]) -> list[Array]:
    """Return the arrays for `set_weights` of a layer."""
    if isinstance(layer, Recurrent):
        cell = layer.directions[0].cell
        directions = [
            to_core([entries[name] for name in names], cell=cell)
            for names in _names(prefix, layer, k)
        ]
        arrays = [array for w in directions for array in (w.kernel, w.recurrent_kernel, w.bias)]
        return [array for array in arrays if array is not None]
    tensors = [_TENSORS[type(layer)][item.name] for item in layer.parameters]
    return [
        entries[prefix + name].T if turned else entries[prefix + name] for name, turned in tensors
    ]


def _names(prefix: str, layer: Recurrent, k: int) -> list[list[str]]:
    """Return the names of the tensors of each direction."""
    names = NAMES if layer.directions[0].use_bias else NAMES[:2]
    suffixes = _SUFFIXES[: len(layer.directions)]
    return [[f"{prefix}{name}_l{k}{suffix}" for name in names] for suffix in suffixes]


# ---- state dicts that are read ------------------------------------------------------------------


def _entries(state_dict: object, prefix: str) -> dict[str, Array]:
    """Return the entries with that prefix, without it, as arrays of real numbers."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"state_dict must be a mapping, got {type(state_dict).__name__}")
    entries = {
        name[len(prefix) :]: _as_array(name, value)
        for name, value in state_dict.items()
        if name.startswith(prefix)
    }
    if set(NAMES[:2]) <= set(entries) <= set(NAMES):  # of a GRUCell, an LSTMCell or an RNNCell
        return {f"{name}_l0": array for name, array in entries.items()}
    return entries


def _as_array(name: str, value: object) -> Array:
    if isinstance(value, torch.Tensor):
        if value.is_complex() or value.layout != torch.strided or value.is_meta:
            raise TypeError(f"{name!r} must be a dense tensor of real numbers, got {value.dtype}")
        tensor: Any = value.detach().cpu()
        value = (tensor if tensor.dtype == torch.float64 else tensor.float()).numpy()
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name!r} must be a tensor, got {type(value).__name__}")
    array = as_real(name, value)
    return array.astype(compute_dtype(array=array), copy=False)


def _stack_of(entries: dict[str, Array], prefix: str) -> Sequential:
    """Make a model of the state dict of a torch.nn.GRU or torch.nn.LSTM."""
    first, hidden = (entries.get(f"{name}_l0") for name in NAMES[:2])
    if first is None or hidden is None or first.ndim != 2 or hidden.ndim != 2:
        raise ValueError(
            "this is not the state dict of a torch.nn.GRU, LSTM or RNN: there are no matrices "
            "weight_ih_l0 and weight_hh_l0 in it, but "
            f"{', '.join(map(repr, list(entries)[:6])) or 'nothing'}; a part of a larger one is "
            "taken with prefix="
        )
    if "weight_hr_l0" in entries:
        raise ValueError(
            "this is the state dict of a torch.nn.LSTM with proj_size, to which weight_hr_l0 "
            "belongs: gru_c's LSTM does not compute it"
        )
    H, directions = hidden.shape[1], 1 + (f"{NAMES[0]}_l0_reverse" in entries)
    if H and hidden.shape == (H, H) and len(first) == H:
        raise ValueError(
            "this is the state dict of a torch.nn.RNN, which does not say whether its nonlinearity "
            "is tanh or relu: give a model of SimpleRNN layers with that activation, too"
        )
    G, rest = divmod(len(hidden), H or 1)
    if not H or not first.shape[1] or rest or G not in _BY_GATES:
        raise ValueError(
            f"weight_hh_l0 has shape (3H, H) in a GRU, (4H, H) in an LSTM and (H, H) in an RNN, "
            f"got {hidden.shape}, beside weight_ih_l0 of shape {first.shape}"
        )
    wide = any(array.dtype == np.float64 for array in entries.values())
    count = sum(f"{NAMES[0]}_l{k}" in entries for k in range(len(entries)))
    model = Sequential(dtype="float64" if wide else "float32")
    layers: list[Recurrent] = []
    for _ in range(count):
        layer = _BY_GATES[G](H, return_sequences=True, use_bias=f"{NAMES[2]}_l0" in entries)
        layers.append(layer if directions == 1 else Bidirectional(layer))
        model.add(layers[-1])
    features = [first.shape[1]] + [H * directions] * (count - 1)
    shapes = [((G * H, n), (G * H, H), (G * H,), (G * H,)) for n in features]
    wanted = {
        name: shape
        for k, layer in enumerate(layers)
        for names in _names("", layer, k)
        for name, shape in zip(names, shapes[k], strict=False)
    }
    _compare(wanted, entries, prefix, model)
    weights = [array for k, layer in enumerate(layers) for array in _weights(layer, "", k, entries)]
    model.build_of((None, None, features[0]), GivenWeights(weights))
    return model
