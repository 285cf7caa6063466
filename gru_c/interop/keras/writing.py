"""The contents of Keras's files, as bytes: the weights' HDF5, and the older ``.h5``.

An older ``.h5`` lists the names of its datasets in attributes, in the order in which Keras assigns
them: the trainable weights of a layer before the others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from gru_c.common.arrays import Array
from gru_c.interop.keras import hdf5, optimizer_state
from gru_c.interop.keras.layers import KerasModel
from gru_c.interop.keras.vocabularies import idf_datasets
from gru_c.interop.keras.weight_places import places_of
from gru_c.layers import Bidirectional, Input, Layer
from gru_c.models.functional import Functional
from gru_c.models.model import Model

KERAS_VERSION = "3.15.1"  # the version whose files are written


def keras_model(model: Model) -> KerasModel:
    """Return the description of a model of gru_c by which its weights are found in a file."""
    layers = [layer for layer in model.layers if not isinstance(layer, Input)]
    names = [type(layer).__name__ for layer in layers]
    if isinstance(model, Functional):
        return KerasModel(model.name, (), layers, names, graph=model)
    return KerasModel(model.name, model.input_shape or (), layers, names)


def weights_file(model: Model, with_optimizer: bool) -> bytes:
    """Return a ``.weights.h5`` of a model, with the optimizer's state if that is wanted."""
    names = {str(layer.name): [item.name for item in layer.parameters] for layer in model.layers}
    datasets = dict(zip(places_of(keras_model(model), names), model.get_weights(), strict=True))
    datasets |= dict(idf_datasets(model.layers))
    if with_optimizer:
        datasets |= optimizer_state.arrays(model)

    def write(h5: Any) -> None:
        for place, array in datasets.items():
            h5[place] = array

    return _file(write)


def legacy_weights_file(model: Model) -> bytes:
    """Return an older ``.h5`` with the weights of a model alone."""
    return _file(lambda h5: _write_weights(h5, model))


def legacy_model_file(
    model: Model, spec: Mapping[str, Any], compiled: Mapping[str, Any] | None, state: bool
) -> bytes:
    """Return an older ``.h5`` with a whole model.

    The optimizer's state is where a ``.keras`` has it. Keras 3 would build the optimizer without
    any weights if it were in the older place, and then refuse to train the model.

    Parameters
    ----------
    model : Sequential or Functional
    spec : dict
        Keras's configuration of the model.
    compiled : dict or None
        Keras's configuration of ``compile``.
    state : bool
        True to write the optimizer's state.
    """

    def write(h5: Any) -> None:
        _write_version(h5)
        config = {"class_name": spec["class_name"], "config": spec["config"]}
        h5.attrs["model_config"] = json.dumps(config)
        if compiled is not None:
            training = {"loss_weights": None, "weighted_metrics": None, **compiled}
            training["optimizer_config"] = training.pop("optimizer")
            h5.attrs["training_config"] = json.dumps(training)
        _write_weights(h5.create_group("model_weights"), model)
        for place, array in (optimizer_state.arrays(model) if state else {}).items():
            h5[place] = array

    return _file(write)


def _file(write: Callable[[Any], None]) -> bytes:
    content = BytesIO()
    with hdf5.h5py().File(content, "w") as h5:
        write(h5)
    return content.getvalue()


def _write_version(group: Any) -> None:
    group.attrs["keras_version"] = KERAS_VERSION
    group.attrs["backend"] = "torch"  # a name that Keras knows; it does not depend on it


def _write_weights(group: Any, model: Model) -> None:
    """Write the weights layer by layer, each into a group of the layer's name."""
    _write_version(group)
    _write_names(group, "layer_names", [str(layer.name) for layer in model.layers])
    for layer in model.layers:
        _write_listed(group.create_group(str(layer.name)), _datasets(layer, model.trainable))
    _write_listed(group.create_group("top_level_model_weights"), {})


def _datasets(layer: Layer, model_is_trainable: bool) -> dict[str, Array]:
    """Return the weights of a layer by the names of their datasets, in Keras's order."""
    items = layer.parameters
    if model_is_trainable:  # a frozen model is written with all layers frozen
        items = [*layer.trainable_weights, *layer.non_trainable_weights]
    return {_dataset_name(layer, item.name): item.array for item in items}


def _dataset_name(layer: Layer, weight: str) -> str:
    if isinstance(layer, Bidirectional):
        direction, _, weight = weight.partition("_")
        return f"{layer.name}/{direction}_layer/{weight}"
    return f"{layer.name}/{weight}"


def _write_listed(group: Any, datasets: Mapping[str, Array]) -> None:
    """Write datasets into a group whose attribute ``weight_names`` lists them."""
    _write_names(group, "weight_names", list(datasets))
    for name, array in datasets.items():
        group[name] = array


def _write_names(group: Any, attribute: str, names: list[str]) -> None:
    """Write a list of names; ValueError if there are more than an attribute can hold."""
    encoded = [name.encode() for name in names]
    if len(encoded) * max(map(len, encoded), default=0) > hdf5.LARGEST_ATTRIBUTE:
        raise ValueError(
            f"an .h5 file cannot hold the {attribute} of {group.name!r}, which are longer than "
            f"{hdf5.LARGEST_ATTRIBUTE} bytes: write a .keras file"
        )
    group.attrs[attribute] = encoded
