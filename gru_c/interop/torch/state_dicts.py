"""State dicts: weights of PyTorch modules for gru_c's layers, and vice versa."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from gru_c.common.arrays import Array, as_real, compute_dtype
from gru_c.interop.torch.weights import NAMES, from_core, to_core
from gru_c.layers import (
    GRU,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Layer,
    LayerNormalization,
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

Recurrent = GRU | Bidirectional


def to_state_dict(model_or_layer: Sequential | Layer) -> dict[str, Any]:
    """Return weights with the names and the order of PyTorch.

    Parameters
    ----------
    model_or_layer : Sequential, GRU or Bidirectional
        With weights. Consecutive GRU layers with equal units, directions and use of a bias become
        one ``torch.nn.GRU`` of several layers; `Dropout` may stand between them.

    Returns
    -------
    dict of str to tensor
        For a layer, or a model that is one such stack, the state dict of ``torch.nn.GRU``:
        ``weight_ih_l0`` and so on, ``weight_ih_l0_reverse``. For another model that of a module
        whose submodules have the layers' names, a stack that of its first layer:
        ``gru.weight_ih_l0``, ``dense.weight``. The tensors are copies.

    Raises
    ------
    TypeError
        When it is neither a model nor a layer of GRUs.
    ValueError
        When there are no weights yet, or a layer has a setting that ``torch.nn.GRU`` cannot
        compute: ``reset_after=False``, other activations, clipping, zoneout, ``go_backwards``, or
        directions that are not concatenated; the message names the layer.

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
        Of a ``torch.nn.GRU`` or ``torch.nn.GRUCell``, or named as `to_state_dict` does.
    model_or_layer : Sequential, GRU or Bidirectional, optional
        With weights, which are set. By default a new model is made: a stack of GRUs, all with
        ``return_sequences=True``, for the state dict of a ``torch.nn.GRU``.
    prefix : str
        Take only the entries whose names begin with it, and remove it: ``"encoder.gru."``.

    Returns
    -------
    Sequential, GRU or Bidirectional
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
    """Return the layers with weights, each stack of GRUs together, by the module's prefix."""
    if isinstance(model_or_layer, Recurrent):
        model_or_layer._require_built("a state dict")
        _check_layer(model_or_layer)
        return [("", [model_or_layer])]
    if not isinstance(model_or_layer, Sequential):
        raise TypeError(
            f"wanted a Sequential, a GRU or a Bidirectional, got {type(model_or_layer).__name__}"
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
    """Return True if a layer is the next layer of the same torch.nn.GRU."""
    if not isinstance(before, Recurrent) or not isinstance(layer, Recurrent):
        return False
    settings = [[(gru.units, gru.use_bias) for gru in x.directions] for x in (before, layer)]
    return settings[0] == settings[1]


def _check_layer(layer: Layer) -> None:
    """Raise ValueError for a layer whose weights have another meaning in PyTorch."""
    if not isinstance(layer, Recurrent):
        if type(layer) not in _TENSORS:
            raise ValueError(f"layer {layer.label!r} ({type(layer).__name__}) has no counterpart")
        return
    first, *others = layer.directions
    if first.cell_kind != "GRU":
        raise ValueError(f"layer {layer.label!r} ({first.cell_kind}): state dicts here are of GRUs")
    apart = isinstance(layer, Bidirectional) and layer.merge_mode != "concat"
    problems = {
        "reset_after=False": not all(gru.cell.reset_after for gru in layer.directions),
        "an activation, clip or zoneout": any(gru.cell != Cell() for gru in layer.directions),
        "go_backwards=True": first.go_backwards,
        "directions that are not concatenated": apart,
        "directions that differ in units": any(gru.units != first.units for gru in others),
        "directions that differ in use_bias": any(gru.use_bias != first.use_bias for gru in others),
    }
    for problem, is_there in problems.items():
        if is_there:
            raise ValueError(
                f"layer {layer.label!r} has {problem}, which torch.nn.GRU cannot compute"
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
    for gru, names in zip(layer.directions, _names(prefix, layer, k), strict=False):
        bias = gru.value("bias") if gru.use_bias else None
        weights = Weights(gru.value("kernel"), gru.value("recurrent_kernel"), bias)
        yield from zip(names, from_core(weights), strict=True)


def _weights(layer: Layer, prefix: str, k: int, entries: dict[str, Array]) -> list[Array]:
    """Return the arrays for `set_weights` of a layer."""
    if isinstance(layer, Recurrent):
        directions = [to_core([entries[name] for name in n]) for n in _names(prefix, layer, k)]
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
    if set(NAMES[:2]) <= set(entries) <= set(NAMES):  # of a GRUCell
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
    """Make a model of the state dict of a torch.nn.GRU."""
    first, hidden = (entries.get(f"{name}_l0") for name in NAMES[:2])
    if first is None or hidden is None or first.ndim != 2 or hidden.ndim != 2:
        raise ValueError(
            "this is not the state dict of a torch.nn.GRU: there are no matrices weight_ih_l0 and "
            f"weight_hh_l0 in it, but {', '.join(map(repr, list(entries)[:6])) or 'nothing'}; "
            "a part of a larger one is taken with prefix="
        )
    H, directions = hidden.shape[1], 1 + (f"{NAMES[0]}_l0_reverse" in entries)
    if not H or not first.shape[1] or len(hidden) != 3 * H:
        raise ValueError(
            f"weight_hh_l0 of a GRU has shape (3H, H), got {hidden.shape}, beside weight_ih_l0 of "
            f"shape {first.shape}" + (": is it an LSTM's?" if len(hidden) == 4 * H else "")
        )
    wide = any(array.dtype == np.float64 for array in entries.values())
    count = sum(f"{NAMES[0]}_l{k}" in entries for k in range(len(entries)))
    model = Sequential(dtype="float64" if wide else "float32")
    layers: list[Recurrent] = []
    for _ in range(count):
        layer = GRU(H, return_sequences=True, use_bias=f"{NAMES[2]}_l0" in entries)
        layers.append(layer if directions == 1 else Bidirectional(layer))
        model.add(layers[-1])
    features = [first.shape[1]] + [H * directions] * (count - 1)
    shapes = [((3 * H, n), (3 * H, H), (3 * H,), (3 * H,)) for n in features]
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
