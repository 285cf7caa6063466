"""The datasets of a model's weights in HDF5 files of Keras, and how they are read.

In a ``.weights.h5``, and in that of a ``.keras``, the weights of a layer are
``layers/<group>/.../vars/<number>``. The group is named after the layer's class, with a number from
the second layer of the class on. In an older ``.h5`` they are in ``model_weights/<layer>``, under
the names that the attribute ``weight_names`` lists.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from gru_c.common.arrays import Array
from gru_c.common.registry import snake_case
from gru_c.interop.keras import hdf5
from gru_c.interop.keras.layers import KerasModel
from gru_c.interop.keras.vocabularies import is_of_vocabulary
from gru_c.layers import (
    RNN,
    Bidirectional,
    Layer,
    MultiHeadAttention,
    StackedRNNCells,
    TimeDistributed,
)
from gru_c.layers.base.recurrent import Recurrent
from gru_c.saving.contents import wanted_shapes

# The part of a layer in the name of a weight.
_PART = re.compile(r"^(forward|backward|cell_\d+|query|key|value|attention_output)_")


def read_weights(model: KerasModel, h5: Any, size: int) -> list[Array]:
    """Read the weights of the layers from either layout; raise ValueError if one does not match."""
    wanted = (
        wanted_shapes(model.layers, model.input_shape)
        if model.graph is None
        else {
            f"{layer.name}/{item.name}": item.array.shape
            for layer in model.layers
            for item in layer.parameters
        }
    )
    names: dict[str, list[str]] = {str(layer.name): [] for layer in model.layers}
    for key in wanted:
        layer, _, weight = key.partition("/")
        names[layer].append(weight)
    whole = hdf5.member(h5, "model_weights") is not None
    if whole or "layer_names" in h5.attrs:
        root = "model_weights/" if whole else ""
        places = _legacy_places(h5, root, names, size)
    else:
        root = "layers/"
        places = places_of(model, names)
    below = hdf5.datasets_below(h5, root.rstrip("/"))
    others = {
        path: item
        for path, item in below.items()
        if "/seed_generator/" not in path and not is_of_vocabulary(path)
    }
    return hdf5.read_weights(h5, dict(zip(places, wanted.values(), strict=True)), others, size)


def places_of(model: KerasModel, names: dict[str, list[str]]) -> list[str]:
    """Return the path of each weight's dataset in a ``.weights.h5``, in the order of the model."""
    seen: Counter[str] = Counter()
    places = []
    for layer, class_name in zip(model.layers, model.class_names, strict=True):
        base = snake_case(class_name)
        group = f"layers/{base}_{seen[base]}" if seen[base] else f"layers/{base}"
        seen[base] += 1
        weights = _vars_of(layer, names[str(layer.name)])
        places += [f"{group}/{place}" for place in weights]
    return places


def _legacy_places(h5: Any, root: str, names: dict[str, list[str]], size: int) -> list[str]:
    """Return the same for an older ``.h5``, whose groups list their weights by name."""
    places = []
    weighted = {layer: weights for layer, weights in names.items() if weights}
    for layer, stored in _stored_layers(h5, root, list(weighted), size).items():
        weights = weighted[layer]
        group = hdf5.member(h5, root + stored)
        if group is None:
            members = ", ".join(islice(hdf5.member(h5, root.rstrip("/")) if root else h5, 10))
            raise ValueError(f"the file has no weights of a layer {layer!r}; it has {members}")
        listed = hdf5.texts(group, "weight_names", len(weights), size)
        for weight, path in zip(weights, _forward_first(stored, weights, listed), strict=True):
            last = path.rpartition("/")[2].partition(":")[0]  # "gru/gru_cell/kernel:0"
            # Keras names the weights of a cell alone; the files of gru_c say which cell it is.
            if last not in (weight, _PART.sub("", weight)):
                raise ValueError(f"layer {layer!r} has {path!r} in place of its {weight!r}")
            places.append(f"{root}{stored}/{path}")
    return places


def _stored_layers(h5: Any, root: str, layers: list[str], size: int) -> dict[str, str]:
    """Return the names that the layers with weights have in an older ``.h5``.

    They are the same names; or the file's, in their order, if it has as many layers with weights,
    because Keras numbers the names of layers in a program and loads them in their order.

    Raises
    ------
    ValueError
        When the file has the same names in another order.
    """
    group = hdf5.member(h5, root.rstrip("/")) if root else h5
    same = dict(zip(layers, layers, strict=True))
    if "layer_names" not in group.attrs:
        return same
    listed = hdf5.texts(group, "layer_names", None, size)
    groups = {name: hdf5.member(group, name) for name in listed}
    stored = [name for name in listed if _has_weights(groups[name])]
    if stored == layers or len(stored) != len(layers):
        return same
    if set(stored) == set(layers):
        raise ValueError(
            f"the file has the layers {', '.join(stored)}, the model has them in another order, "
            f"{', '.join(layers)}: they could be loaded by their names or in their order"
        )
    return dict(zip(layers, stored, strict=True))


def _has_weights(group: Any) -> bool:
    """Return False for a layer's group in an older ``.h5`` that lists no weights."""
    if group is None or "weight_names" not in group.attrs:
        return True  # damage, which is reported where the names are read
    return bool(group.attrs.get_id("weight_names").shape != (0,))


def _forward_first(layer: str, weights: list[str], listed: list[str]) -> list[str]:
    """Return the listed names in the order of a layer's weights.

    Keras lists trainable weights first. So if only the forward layer of a `Bidirectional` is
    frozen, the names of the backward layer come first.
    """
    if not any(weight.startswith("forward_") for weight in weights):
        return listed

    def is_backward(path: str) -> bool:  # "bidirectional/backward_gru/gru_cell/kernel:0"
        inside = f"/{path}".rpartition(f"/{layer}/")[2]
        return not inside.startswith("forward_")

    return sorted(listed, key=is_backward)


def _vars_of(layer: Layer, names: list[str]) -> list[str]:
    """Return the paths of a layer's weights in its group of a ``.weights.h5``."""
    if isinstance(layer, MultiHeadAttention):
        parts = (name.removeprefix("attention_").split("_") for name in names)
        return [f"{part}_dense/vars/{int(kind == 'bias')}" for part, kind in parts]
    if isinstance(layer, RNN):
        return list(_vars_of_cells(layer))
    if isinstance(layer, TimeDistributed):
        return [f"layer/{place}" for place in _vars_of(layer.layer, names)]
    if isinstance(layer, Bidirectional):
        forward = sum(name.startswith("forward_") for name in names)
        backward = len(names) - forward
        return [
            *(f"forward_layer/cell/vars/{i}" for i in range(forward)),
            *(f"backward_layer/cell/vars/{i}" for i in range(backward)),
        ]
    inner = "cell/" if isinstance(layer, Recurrent) else ""
    return [f"{inner}vars/{i}" for i in range(len(names))]


def _vars_of_cells(layer: RNN) -> Iterator[str]:
    """Yield the paths of the weights of an `RNN` in its group."""
    seen: Counter[str] = Counter()
    for cell, direction in zip(layer.cells, layer.directions, strict=True):
        base = snake_case(type(cell).__name__)
        group = f"cells/{base}_{seen[base]}" if seen[base] else f"cells/{base}"
        seen[base] += 1
        inside = f"{group}/" if isinstance(layer.cell, StackedRNNCells) else ""
        for number in range(2 + direction.use_bias):
            yield f"cell/{inside}vars/{number}"
