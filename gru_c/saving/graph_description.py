"""The description of a model for a file: its layers, and the graph that connects them.

A graph is described by its values, which have numbers: first the inputs, then the outputs of the
nodes in their order. Each node names its layer by its place in the list of layers, and the values
that it takes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from gru_c.layers import Input, Layer
from gru_c.losses import OutputLosses
from gru_c.network.network import Network
from gru_c.saving.files import plain_config

if TYPE_CHECKING:
    from gru_c.network.graph import Graph

Describe = Callable[[Layer], dict[str, Any]]


def graph_of(model: Network) -> Graph | None:
    """Return the graph of a model; None for a row of layers."""
    graph: Graph | None = vars(model).get("graph")
    return graph


def describe_layers(model: Network, describe: Describe) -> dict[str, Any]:
    """Return name, dtype, shapes, layers and, for a graph, its nodes.

    `describe` returns the class name and the configuration of a layer.
    """
    graph = graph_of(model)
    layers = [layer for layer in model.layers if not isinstance(layer, Input)]
    config: dict[str, Any] = {
        "name": model.name,
        "dtype": model.dtype,
        "trainable": model.trainable,
        "input_shape": [] if graph else list(model.input_shape or ()),
        "layers": [_describe_layer(layer, describe) for layer in layers],
    }
    if graph is not None:
        config["graph"] = _describe_graph(model, graph, layers)
    return config


def _describe_layer(layer: Layer, describe: Describe) -> dict[str, Any]:
    if not layer.runs_graph:
        return describe(layer)
    model: Any = layer.model  # type: ignore[attr-defined]
    return {"class_name": "Model", "config": describe_layers(model, describe)}


def _describe_graph(model: Any, graph: Graph, layers: list[Layer]) -> dict[str, Any]:
    numbers = {id(layer): number for number, layer in enumerate(layers)}
    nodes = []
    for node, takes in zip(graph.nodes, graph.takes, strict=True):
        spec: dict[str, Any] = {"takes": takes}
        if isinstance(node.layer, Layer):
            spec["layer"] = numbers[id(node.layer)]
            spec.update(node.options)
        else:
            spec["operation"] = _describe_operation(node.layer)
            spec["constants"] = [_plain(node.layer, item) for item in node.options["constants"]]
        nodes.append(spec)
    inputs = [
        {"shape": list(tensor.shape), "dtype": tensor.dtype, "name": name}
        for tensor, name in zip(graph.inputs, model.input_structure.names, strict=True)
    ]
    forms = [model.input_structure, model.output_structure]
    return {
        "inputs": inputs,
        "nodes": nodes,
        "outputs": graph.results,
        "forms": [{"form": item.form, "keys": item.keys} for item in forms],
    }


def _describe_operation(operation: Any) -> dict[str, Any]:
    get_config = getattr(operation, "get_config", None)
    if get_config is None:
        raise ValueError(f"operation {operation.name!r} cannot be described in a file")
    config: dict[str, Any] = get_config()
    try:
        json.dumps(config)
    except TypeError as error:
        raise ValueError(
            f"operation {operation.name!r} cannot be described in a file: {error}"
        ) from None
    return config


def _plain(operation: Any, value: Any) -> Any:
    """Return a constant in a form that JSON can hold."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        array = np.empty(0, object)
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"operation {operation.name!r} cannot be described in a file: it holds {value!r}"
        )
    return {"array": array.tolist(), "dtype": array.dtype.name}


def settings_of_outputs(model: Any) -> dict[str, Any]:
    """Return the losses, weights and metrics of several outputs, a list of each."""
    assert isinstance(model.loss, OutputLosses)
    every, names = model._output_metrics, model.output_structure.keys
    losses = [item and plain_config(item, f"the loss {item.name!r}") for item in model.loss.losses]
    rows = (("metrics", every.plain), ("weighted_metrics", every.weighted))
    return {
        "loss": losses,
        "loss_weights": model.loss.weights,
        **{
            key: [
                [_metric(name, item) for item in items]
                for name, items in zip(names, row, strict=True)
            ]
            for key, row in rows
        },
    }


def _metric(output: str, metric: Any) -> dict[str, Any]:
    """Return a metric's configuration, with the name that it has without that of its output."""
    spec = plain_config(metric, f"metric {metric.name!r}")
    if "name" in spec["config"]:
        spec["config"]["name"] = metric.name.removeprefix(f"{output}_")
    return spec
