"""Graphs in Keras's configurations of functional models, both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gru_c.interop.keras.config import as_keras, read_spec
from gru_c.layers import LAYERS, Input, Layer, MultiHeadAttention
from gru_c.layers.base.tensor import Node, Tensor, holds_tensors
from gru_c.models.functional import Functional

_TENSOR = "__keras_tensor__"
# Operations by which Keras records how masks come from the inputs; here tensors carry their masks.
_OF_MASKS = ("NotEqual", "Any", "LogicalAnd", "LogicalOr")
Read = Callable[[Any, int], Layer]


# ---- writing ----


def graph_as_keras(
    model: Functional, describe: Callable[[Layer], dict[str, Any]]
) -> dict[str, Any]:
    """Return Keras's configuration of a graph.

    Parameters
    ----------
    model : Functional
    describe : callable
        Returns Keras's configuration of a layer.

    Raises
    ------
    ValueError
        When a node is an operation or a model, or `describe` does not know a layer.
    """
    places: dict[int, list[Any]] = {}
    nodes: dict[int, list[Node]] = {id(layer): [] for layer in model.layers}
    for tensor in model.graph.inputs:
        places[id(tensor)] = [tensor.name, 0, 0]
    for node in model.graph.nodes:
        _require_layer(model, node)
        number = len(nodes[id(node.layer)])
        nodes[id(node.layer)].append(node)
        for index, tensor in enumerate(node.outputs):
            places[id(tensor)] = [node.label, number, index]
    specs = []
    for layer in model.layers:
        spec = _input_spec(layer) if isinstance(layer, Input) else describe(layer)
        calls = [_call_as_keras(node, places) for node in nodes[id(layer)]]
        specs.append({**spec, "name": layer.name, "inbound_nodes": calls})
    config = {
        "name": model.name,
        "trainable": model.trainable,
        "layers": specs,
        "input_layers": model.input_structure.packed([places[id(t)] for t in model.graph.inputs]),
        "output_layers": model.output_structure.packed(
            [places[id(t)] for t in model.graph.outputs]
        ),
    }
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": config,
        "registered_name": "Functional",
    }


def _require_layer(model: Functional, node: Node) -> None:
    if not isinstance(node.layer, Layer):
        raise ValueError(
            f"model {model.name!r} has the operation {node.label!r}, and Keras's files of graphs "
            "that gru_c writes hold layers alone: take a layer such as Add or Concatenate, or the "
            "suffix .safetensors"
        )
    if node.layer.runs_graph:
        raise ValueError(
            f"model {model.name!r} has the model {node.label!r} inside, which gru_c writes to "
            ".safetensors files alone"
        )


def _input_spec(layer: Input) -> dict[str, Any]:
    config = {"batch_shape": list(layer.shape), "dtype": layer.value_dtype, "name": layer.name}
    return as_keras("keras.layers", "InputLayer", config)


def _call_as_keras(node: Node, places: Mapping[int, list[Any]]) -> dict[str, Any]:
    values = [_tensor_as_keras(tensor, places) for tensor in node.inputs]
    states = node.options.get("states", 0)
    inputs = values[: len(values) - states]
    keywords: dict[str, Any] = dict(node.options.get("flags", {}))
    if states:
        keywords["initial_state"] = values[-states:] if states > 1 else values[-1]
    if "training" in node.options:
        keywords["training"] = node.options["training"]
    listed = node.layer.takes_several and not isinstance(node.layer, MultiHeadAttention)
    return {"args": [inputs] if listed else inputs, "kwargs": keywords}


def _tensor_as_keras(tensor: Tensor, places: Mapping[int, list[Any]]) -> dict[str, Any]:
    config = {"shape": list(tensor.shape), "dtype": tensor.dtype}
    return {"class_name": _TENSOR, "config": {**config, "keras_history": places[id(tensor)]}}


# ---- reading ----


def read_graph(config: Mapping[str, Any], read_layer: Read) -> tuple[Functional, list[Layer]]:
    """Return a model of new weights, and its layers in the order of the configuration.

    Parameters
    ----------
    config : dict
        The configuration of Keras's Functional, of Keras 2 or 3.
    read_layer : callable
        Returns the layer of a configuration, whose input has a number of axes.

    Raises
    ------
    ValueError
        When the configuration is damaged, or has something that gru_c lacks.
    """
    masks = {str(spec.get("name")) for spec in config["layers"] if _makes_mask(spec)}
    specs = [spec for spec in config["layers"] if not _makes_mask(spec)]
    tensors: dict[tuple[str, int], list[Tensor]] = {}
    layers: dict[str, Layer] = {}
    waiting = [
        (str(spec.get("name")), number, _without_masks(call, masks), spec)
        for spec in specs
        for number, call in enumerate(_calls(spec))
    ]
    while waiting:
        left = []
        for name, number, call, spec in waiting:
            if not _are_known(call, tensors):
                left.append((name, number, call, spec))
                continue
            tensors[name, number] = _made(name, call, spec, layers, tensors, read_layer)
        if len(left) == len(waiting):
            raise ValueError(f"layer {left[0][0]!r} takes tensors that no layer of the file gives")
        waiting = left
    ends = [_tensors_at(config.get(key), tensors) for key in ("input_layers", "output_layers")]
    model = Functional(ends[0], ends[1], name=str(config.get("name", "functional")))
    return model, [layer for layer in layers.values() if not isinstance(layer, Input)]


def _calls(spec: Any) -> list[Any]:
    """Return the calls of a layer; one without arguments for an input."""
    nodes = spec.get("inbound_nodes") if isinstance(spec, dict) else None
    if not isinstance(nodes, list):
        raise ValueError(f"the layer {str(spec)[:60]} has no 'inbound_nodes'")
    return nodes or [None]


def _makes_mask(spec: Any) -> bool:
    """Return True for an operation that Keras has recorded for a mask."""
    return isinstance(spec, dict) and spec.get("class_name") in _OF_MASKS


def _without_masks(call: Any, masks: set[str]) -> Any:
    """Return a call of Keras 3 without the argument `mask`, if operations for masks give it."""
    named = call.get("kwargs") if isinstance(call, dict) else None
    if not isinstance(named, dict) or "mask" not in named:
        return call
    places = [_place(named["mask"])]
    if isinstance(named["mask"], list):
        places = [_place(value) for value in named["mask"] if value is not None]
    if any(place is None or place[0] not in masks for place in places):
        return call
    return {**call, "kwargs": {key: value for key, value in named.items() if key != "mask"}}


def _references(call: Any) -> tuple[Any, dict[str, Any]]:
    """Return the positional and the named arguments of a call of Keras 2 or 3."""
    if call is None:
        return [], {}
    if isinstance(call, dict):
        return call.get("args") or [], dict(call.get("kwargs") or {})
    if call and isinstance(call[0], str):  # one tensor of Keras 2
        call = [call]
    named: dict[str, Any] = next((entry[3] for entry in call if len(entry) > 3 and entry[3]), {})
    return [call[0] if len(call) == 1 else list(call)], dict(named)


def _place(value: Any) -> tuple[str, int, int] | None:
    """Return the layer, node and index that a value refers to; None for another value."""
    if isinstance(value, dict) and value.get("class_name") == _TENSOR:
        value = value["config"]["keras_history"]
    if isinstance(value, (list, tuple)) and len(value) in (3, 4):
        name, node, index = value[:3]
        if isinstance(name, str) and type(node) is int and type(index) is int:
            return name, node, index
    return None


def _are_known(call: Any, tensors: Mapping[tuple[str, int], list[Tensor]]) -> bool:
    def known(value: Any) -> bool:
        place = _place(value)
        if place is not None:
            return place[:2] in tensors
        if isinstance(value, dict):
            return all(map(known, value.values()))
        return not isinstance(value, (list, tuple)) or all(map(known, value))

    return known(list(_references(call)))


def _resolved(value: Any, tensors: Mapping[tuple[str, int], list[Tensor]]) -> Any:
    """Return a value with tensors in place of references."""
    place = _place(value)
    if place is not None:
        name, node, index = place
        outputs = tensors[name, node]
        if not 0 <= index < len(outputs):
            raise ValueError(f"layer {name!r} has no output {index}")
        return outputs[index]
    if isinstance(value, (list, tuple)):
        return [_resolved(item, tensors) for item in value]
    return value


def _tensors_at(value: Any, tensors: Mapping[tuple[str, int], list[Tensor]]) -> Any:
    if isinstance(value, dict):
        return {key: _tensors_at(item, tensors) for key, item in value.items()}
    if _place(value) is None and not isinstance(value, (list, tuple)):
        raise ValueError(f"the model's configuration names no inputs or outputs: {value!r}")
    try:
        resolved = _resolved(value, tensors)
    except KeyError as error:
        raise ValueError(f"the model's configuration names {error}, which no layer gives") from None
    return resolved[0] if isinstance(resolved, list) and len(resolved) == 1 else resolved


def _made(
    name: str,
    call: Any,
    spec: Any,
    layers: dict[str, Layer],
    tensors: Mapping[tuple[str, int], list[Tensor]],
    read_layer: Read,
) -> list[Tensor]:
    """Return the outputs of a call, for which the layer is made if it is the first one."""
    class_name = spec.get("class_name")  # perhaps of a user's class, which `read_layer` knows
    if class_name == "InputLayer":
        _, config = read_spec(spec)
        shape = config.get("batch_shape") or config.get("batch_input_shape")
        if not isinstance(shape, (list, tuple)) or not shape:
            raise ValueError(f"layer {name!r} (InputLayer) has no shape")
        layers[name] = Input(shape[1:], dtype=config.get("dtype"), name=name)
        return [layers[name].tensor]  # type: ignore[attr-defined]
    positional, named = _references(call)
    arguments = [_resolved(value, tensors) for value in positional]
    keywords = {key: _resolved(value, tensors) for key, value in named.items() if value is not None}
    if class_name == "MultiHeadAttention":
        arguments += [keywords.pop(key) for key in ("value", "key") if key in keywords]
    label = f"layer {name!r} ({class_name})"
    if not arguments or not holds_tensors(arguments[0]):
        raise ValueError(f"{label} is called without a tensor")
    taken = {"initial_state", *getattr(LAYERS.get(class_name), "call_flags", ())}
    for key, value in keywords.items():
        if key not in taken | {"training"} and value is not False:
            raise ValueError(f"{label} is called with {key}=, which gru_c has no equivalent for")
    options = {key: value for key, value in keywords.items() if key in taken}
    if keywords.get("training") is True:
        options["training"] = True
    if name not in layers:
        first = arguments[0] if arguments else None
        first = first[0] if isinstance(first, list) else first
        layers[name] = read_layer(spec, len(getattr(first, "shape", ())))
    if layers[name].takes_several and not isinstance(arguments[0], list):
        arguments = [arguments]
    try:
        result = layers[name](*arguments, **options)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{label}: {error}") from error
    return list(result) if isinstance(result, (list, tuple)) else [result]
