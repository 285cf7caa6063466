"""Models from the descriptions of `gru_c.saving.graph_description`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.attributes import assign
from gru_c.common.registry import Registry
from gru_c.layers import LAYERS, Input, Layer
from gru_c.models.model import Model
from gru_c.models.sequential import Sequential
from gru_c.parameters import GivenWeights
from gru_c.saving.contents import check_specs, compare_shapes, require_floats

Tensors = Mapping[str, Array]


class ModelReader:
    """Makes the models of a description.

    Parameters
    ----------
    graph_class : class
        `Functional`.
    own : mapping of str to class
        The user's classes by their names.
    tensors : mapping of str to ndarray, optional
        The weights in a file, by the names of the layers and weights. Without them the weights are
        new.
    """

    def __init__(
        self, graph_class: Any, own: Mapping[str, Any], tensors: Tensors | None = None
    ) -> None:
        self.graph_class = graph_class
        self.own = own
        self.tensors = tensors
        self.used: set[str] = set()  # names of the tensors that were used

    def graph(self, config: Mapping[str, Any], prefix: str = "") -> Model:
        """Return the model of a graph; ValueError if its description contradicts itself.

        `prefix` stands before the names of the weights, for a model in another one.
        """
        try:
            return self._graph(config, prefix)
        except (KeyError, IndexError, AttributeError) as error:
            raise ValueError(f"the description of the graph is damaged: {error}") from None

    def _graph(self, config: Mapping[str, Any], prefix: str) -> Model:
        graph = config["graph"]
        values: list[Any] = [_input(spec) for spec in graph["inputs"]]
        inputs = list(values)
        layers = [self._layer(spec, prefix) for spec in check_specs(config["layers"])]
        for spec in graph["nodes"]:
            if not all(type(i) is int and 0 <= i < len(values) for i in spec["takes"]):
                raise ValueError(f"the description of the graph is damaged: {spec['takes']}")
            takes = [values[i] for i in spec["takes"]]
            values += self._called(spec, takes, layers, prefix)
        outputs = [values[i] for i in graph["outputs"]]
        takes, gives = map(_formed, graph["forms"], (inputs, outputs))
        model: Model = self.graph_class(
            takes,
            gives,
            name=config["name"],
            dtype=config.get("dtype"),
        )
        assign(model, _trainable=bool(config.get("trainable", True)))
        return model

    def _layer(self, spec: Any, prefix: str) -> Any:
        if isinstance(spec, Mapping) and spec.get("class_name") == "Model":
            return self._model(spec["config"], prefix)
        return Registry("layer", {**LAYERS, **self.own}, Layer).get(spec)

    def _model(self, config: Mapping[str, Any], prefix: str) -> Model:
        start = f"{prefix}{config['name']}/" if not prefix else f"{prefix}{config['name']}."
        if "graph" in config:
            return self.graph(config, start)
        layers = [self._layer(spec, start) for spec in check_specs(config["layers"])]
        batch, *sample = config["input_shape"]
        model = Sequential(
            [Input(sample, batch, config.get("dtype"))],
            name=config["name"],
            dtype=config.get("dtype"),
        )
        shape: Any = (None, *sample)
        for layer in layers:
            self._build(layer, shape, start)
            shape = layer.compute_output_shape(shape)
            model.add(layer)
        assign(model, _trainable=bool(config.get("trainable", True)))
        return model

    def _called(self, spec: Any, takes: list[Any], layers: list[Any], prefix: str) -> list[Any]:
        """Return the tensors of the outputs of a node."""
        if "operation" in spec:
            return [_operate(spec, takes)]
        layer = layers[spec["layer"]]
        states = spec.get("states", 0)
        first = takes[: len(takes) - states]
        if isinstance(layer, Layer):
            several = layer.takes_several
            shapes = [tensor.shape for tensor in first]
            self._build(layer, shapes if several else shapes[0], prefix)
            options = dict(spec.get("flags") or {})
            if states:
                options["initial_state"] = takes[len(first) :]
            result = layer(first if several else first[0], training=spec.get("training"), **options)
            return result if isinstance(result, list) else [result]
        node = layer.as_layer()(
            first if len(first) > 1 else first[0], training=spec.get("training")
        )
        return node if isinstance(node, list) else [node]

    def _build(self, layer: Layer, shape: Any, prefix: str) -> None:
        """Build a layer with the weights of the file, whose shapes are compared first."""
        if layer.built or self.tensors is None:
            return
        start = prefix if "/" in prefix else ""
        separator = "." if start else "/"
        shapes = layer.weight_shapes(shape)
        wanted = {f"{start}{layer.name}{separator}{name}": size for name, size in shapes.items()}
        stored = {name: self.tensors[name].shape for name in wanted if name in self.tensors}
        compare_shapes("tensor", wanted, stored)
        require_floats({name: self.tensors[name] for name in wanted})
        self.used |= set(wanted)
        dtype = next((self.tensors[name].dtype.name for name in wanted), None)
        if layer.dtype is None and dtype is not None:
            assign(layer, dtype=dtype)
        layer.build(shape, GivenWeights([self.tensors[name] for name in wanted], fresh=True))


def _input(spec: Mapping[str, Any]) -> Input:
    batch, *sample = spec["shape"]
    dtype = None if spec["dtype"] == "float32" else spec["dtype"]
    return Input(sample, batch, dtype, name=spec["name"])


def _formed(form: Mapping[str, Any], tensors: list[Any]) -> Any:
    """Return tensors in the form in which the model was given them."""
    if form["form"] == "dict":
        return dict(zip(form["keys"], tensors, strict=True))
    return tensors[0] if form["form"] == "one" else tensors


def _operate(spec: Mapping[str, Any], takes: list[Any]) -> Any:
    table = importlib.import_module("gru_c.ops.operation")
    operation = table.TableOperation(spec["operation"]["name"], spec["operation"]["arguments"])
    rest = iter(takes)
    inputs = [next(rest) if item is None else _constant(item) for item in spec["constants"]]
    return takes[0].tensor._record(operation, inputs)


def _constant(item: Any) -> Any:
    return np.array(item["array"], item["dtype"]) if isinstance(item, Mapping) else item
