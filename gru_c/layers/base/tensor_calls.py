"""Calls of layers on symbolic tensors: the checks, the weights, and the node of the graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from gru_c.common.arrays import Shape
from gru_c.common.attributes import assign
from gru_c.common.registry import snake_case
from gru_c.common.validation import check_flag
from gru_c.layers.base.tensor import PHASE, Node, Tensor, flattened, holds_tensors, tensors_of

Layer = Any  # `gru_c.layers.base.layer.Layer`, which calls this module

_COUNTS: Counter[str] = Counter()  # of the names that calls have given


def forget_names() -> None:
    """Begin again with the numbers in the names of layers."""
    _COUNTS.clear()


def name_layer(layer: Any) -> None:
    """Give a layer without a name that of its class, with a number from the second one on."""
    if layer.name is None:
        base = getattr(layer, "name_base", None) or snake_case(type(layer).__name__)
        number = _COUNTS[base]
        _COUNTS[base] += 1
        assign(layer, name=f"{base}_{number}" if number else base, named_by_itself=True)


def call_on_tensors(layer: Layer, x: Any, training: Any, options: dict[str, Any]) -> Any:
    """Record a call of a layer on symbolic tensors; return its output, or a list of several."""
    given = {name: value for name, value in options.items() if value is not None}
    states = list(flattened(given.pop("initial_state", [])))
    names = sorted(layer.call_flags & set(given))
    flags = {name: True for name in names if check_flag(name, given.pop(name))}
    given = {name: value for name, value in given.items() if value is not False}
    if given:
        raise TypeError(
            f"layer {layer.label!r} was called on a symbolic tensor with {' and '.join(given)}=: "
            "a mask reaches the layer through the tensor, from Embedding(mask_zero=True), Masking "
            "or the lengths that fit and predict are given"
        )
    inputs = tensors_of(f"layer {layer.label!r}", x)
    if not layer.takes_several and len(inputs) > 1 and not states and _state_units(layer):
        inputs, states = inputs[:1], list(inputs[1:])  # Keras's layer([x, h, c])
    inputs, several = _checked_inputs(layer, inputs), tensors_of(f"layer {layer.label!r}", states)
    _check_states(layer, several)
    node_options: dict[str, Any] = {"states": len(several)} if several else {}
    if flags:
        node_options["flags"] = flags
    if training is not None and training is not PHASE:
        node_options["training"] = check_flag("training", training)
    shapes = _prepared(layer, inputs, flags)
    node = Node(layer, [*inputs, *several], node_options)
    outputs = node.add_outputs(shapes, layer.output_dtype or layer.dtype or "float32")
    layer.nodes.append(node)
    return outputs[0] if len(outputs) == 1 else outputs


def _checked_inputs(layer: Layer, inputs: list[Tensor]) -> list[Tensor]:
    """Return the inputs, whose number and dtype must be right."""
    if not inputs or (len(inputs) > 1 and not layer.takes_several):
        raise ValueError(
            f"layer {layer.label!r} takes one tensor, got {len(inputs)}: {_shapes_text(inputs)}; "
            "Concatenate, Add and other merging layers take several"
        )
    dtypes = {tensor.dtype for tensor in inputs if tensor.dtype.startswith("float")}
    if len(dtypes) > 1 or not all(map(layer.fits_dtype, dtypes)):
        raise ValueError(
            f"layer {layer.label!r} is {layer.dtype or 'of the dtype of its input'}, its inputs "
            f"are {', '.join(sorted(dtypes))}: give all layers and inputs one dtype"
        )
    return inputs


def _prepared(layer: Layer, inputs: list[Tensor], flags: dict[str, bool]) -> list[Shape]:
    """Name and build the layer, and return the shapes of its outputs."""
    shapes: Any = [tensor.shape for tensor in inputs]
    if layer.takes_texts and any(tensor.dtype != "string" for tensor in inputs):
        raise ValueError(
            f"layer {layer.label!r} takes texts, but its input holds numbers: write "
            "Input(..., dtype='string')"
        )
    shape: Any = shapes if layer.takes_several else shapes[0]
    output_shapes(layer, shapes, flags)  # before anything is changed
    if layer.built and not layer.takes_several and not layer.runs_graph:
        wanted = layer.weight_shapes(shape)
        if any(item.array.shape != wanted[item.name] for item in layer.parameters):
            raise ValueError(
                f"layer {layer.label!r} has weights for input of shape {layer.built_shape}, which "
                f"do not fit {shape}"
            )
    name_layer(layer)
    dtype = next((t.dtype for t in inputs if t.dtype.startswith("float")), layer.dtype or "float32")
    if not layer.built:
        before = layer.dtype
        assign(layer, dtype=layer.dtype or dtype)
        try:
            layer.build(shape)
        except BaseException:
            assign(layer, dtype=before)
            raise
    layer.take_dtype(dtype)
    return output_shapes(layer, shapes, flags)


def output_shapes(layer: Layer, shapes: list[Any], flags: Mapping[str, bool]) -> list[Shape]:
    """Return the shapes of the outputs of a layer, those of its last states among them."""
    shape: Any = shapes if layer.takes_several else shapes[0]
    output: Any = layer.compute_output_shape(shape)
    several = layer.many_outputs or getattr(layer, "merge_mode", "") is None
    outputs = list(output) if several else [output]
    if getattr(layer, "return_state", False):
        outputs += [(shapes[0][0], units) for units in _state_units(layer)]
    if flags.get("return_attention_scores"):
        outputs.append(layer.scores_shape(shapes))
    return outputs


def _state_units(layer: Any) -> list[int]:
    """Return the sizes of the states of a recurrent layer, [] for other layers."""
    parts = getattr(layer, "directions", ())
    return [part.units for part in parts for _ in range(part.state_count)]


def _check_states(layer: Layer, states: list[Tensor]) -> None:
    wanted = _state_units(layer)
    if not states:
        return
    got = [tensor.shape for tensor in states]
    if len(got) != len(wanted) or any(
        len(shape) != 2 or shape[1] not in (None, units)
        for shape, units in zip(got, wanted, strict=True)
    ):
        shapes = ", ".join(f"(None, {units})" for units in wanted) or "none, it keeps no states"
        raise ValueError(
            f"layer {layer.label!r} wants initial states of the shapes {shapes}, got "
            f"{_shapes_text(states)}"
        )


def _shapes_text(tensors: list[Tensor]) -> str:
    return ", ".join(f"{tensor.name!r} {tensor.shape}" for tensor in tensors) or "none"


def only_tensor(layer: Any, kind: str) -> Any:
    """Return the input or the output of the only call of a layer on tensors, as Keras does."""
    nodes = layer.nodes
    if not nodes and layer.record_in_model is not None:
        layer.record_in_model()
        nodes = layer.nodes
    if not nodes:
        raise AttributeError(
            f"layer {layer.label!r} has no {kind} tensor before it is called on one, such as "
            "gru_c.Input((10, 8)), or is part of a model whose input shape is known"
        )
    if len(nodes) > 1:
        raise AttributeError(
            f"layer {layer.label!r} was called on {len(nodes)} tensors, so it has no one {kind}: "
            "keep the tensor that the call returned"
        )
    tensors = nodes[0].inputs if kind == "input" else nodes[0].outputs
    return tensors[0] if len(tensors) == 1 else list(tensors)


__all__ = ["call_on_tensors", "forget_names", "holds_tensors", "name_layer", "only_tensor"]
