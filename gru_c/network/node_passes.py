"""The passes of one node of a graph: a layer or an operation, with its inputs in a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gru_c.common.arrays import Array, Shape
from gru_c.common.warnings import warn
from gru_c.layers import Layer
from gru_c.layers.base.random_layer import DrawingLayer
from gru_c.layers.base.tensor import Node, flattened
from gru_c.layers.base.tensor_calls import output_shapes as shapes_of_layer
from gru_c.network.graph_tape import GraphOptions

_UNCHANGED = ("input returned as it is",)


class NodeTape(NamedTuple):
    """The tape of a node.

    Attributes
    ----------
    saved : object
        The layer's tape, or the value that an operation saved.
    shapes : list of tuple
        Shapes of the outputs.
    dtype : dtype
        Of the outputs.
    """

    saved: Any
    shapes: list[tuple[int, ...]]
    dtype: Any


class Wanted(NamedTuple):
    """The request for a backward pass.

    Attributes
    ----------
    inputs : list of bool
        True for each input whose gradient is needed.
    accumulate, keep_tape, through_activation : bool
        See `Layer.backward` and `Network.backward`.
    """

    inputs: list[bool]
    accumulate: bool = False
    keep_tape: bool = True
    through_activation: bool = True
    activity_scale: float = 1.0


def output_shapes(node: Node, shapes: list[Any]) -> list[Shape]:
    """Return the shapes of the outputs for shapes of the inputs."""
    if isinstance(node.layer, Layer):
        states = node.options.get("states", 0)
        flags = node.options.get("flags", {})
        return shapes_of_layer(node.layer, shapes[: len(shapes) - states], flags)
    rest = iter(shapes)
    constants = node.options["constants"]
    given = [next(rest) if item is None else np.shape(item) for item in constants]
    return [node.layer.output_shape(given)]


def forward(
    node: Node, inputs: list[Array], masks: list[Array | None], training: bool
) -> tuple[list[Array], NodeTape | None, list[Array | None]]:
    """Return the outputs, the tape (None unless training) and the masks of the outputs."""
    layer = node.layer
    if not isinstance(layer, Layer):
        return _operation_forward(node, inputs, masks, training)
    if layer.runs_graph:
        return _nested_forward(node, inputs, masks, training)
    fixed = node.options.get("training")
    if fixed is False and training:
        _require_same_in_training(layer)
        if isinstance(layer, DrawingLayer) and not layer.parameters:
            shapes = [inputs[0].shape]
            return inputs[:1], NodeTape(_UNCHANGED, shapes, inputs[0].dtype), masks[:1]
    runs_in_training = training or bool(fixed)
    states = node.options.get("states", 0)
    options: dict[str, Any] = dict(node.options.get("flags", {}))
    if states:
        options["initial_state"] = _grouped(layer, inputs[-states:])
        inputs, masks = inputs[:-states], masks[:-states]
    x: Any = inputs if layer.takes_several else inputs[0]
    mask: Any = masks if layer.takes_several else masks[0]
    if layer.takes_several and all(item is None for item in masks):
        mask = None
    next_mask = layer.compute_mask(x, mask)
    if mask is not None and layer.takes_mask:
        options["mask"] = mask
    call: Any = layer.forward
    results = list(flattened(call(x, training=runs_in_training, **options)))
    tape = None
    if training:
        tape = NodeTape(layer.tape, [y.shape for y in results], results[0].dtype)
    both = getattr(layer, "merge_mode", "") is None
    output_masks = [next_mask if i == 0 or (both and i == 1) else None for i in range(len(results))]
    return results, tape, output_masks


def _nested_forward(
    node: Node, inputs: list[Array], masks: list[Array | None], training: bool
) -> tuple[list[Array], NodeTape | None, list[Array | None]]:
    layer, fixed = node.layer, node.options.get("training")
    if fixed is False and training and layer.trainable_weights:
        raise ValueError(
            f"model {layer.label!r} was called with training=False, but it is trained: freeze it "
            "with trainable = False"
        )
    in_training = training if fixed is None else fixed
    outputs, output_masks, tape = layer.run(inputs, masks, in_training)
    return outputs, NodeTape(tape, [y.shape for y in outputs], outputs[0].dtype), output_masks


def _operation_forward(
    node: Node, inputs: list[Array], masks: list[Array | None], training: bool
) -> tuple[list[Array], NodeTape | None, list[Array | None]]:
    rest = iter(inputs)
    constants = node.options["constants"]
    values = [next(rest) if constant is None else constant for constant in constants]
    y, saved = node.layer.forward(values, training)
    y = np.asarray(y)
    dtype = np.dtype(inputs[0].dtype) if inputs else y.dtype
    if y.dtype.kind == "f" and dtype.kind == "f" and y.dtype != dtype:
        y = y.astype(dtype)  # a number in float64 does not change the dtype of the graph
    if any(mask is not None and mask.shape == y.shape[:2] for mask in masks):
        warn(
            f"operation {node.label!r} gets a mask and passes none on, as in Keras, so all steps "
            "of its output count: a layer such as Add, Multiply or Lambda can keep the mask"
        )
    return [y], NodeTape(saved, [y.shape], y.dtype) if training else None, [None]


def _require_same_in_training(layer: Layer) -> None:
    """Raise ValueError for ``training=False`` on a layer whose training it would change."""
    if layer.moves_statistics and layer.trainable:
        raise ValueError(
            f"layer {layer.label!r} was called with training=False, but it is trained: freeze it "
            "with layer.trainable = False, then it uses its moving statistics"
        )


def _grouped(layer: Any, states: Sequence[Any]) -> Any:
    """Return states in the form in which the layer takes them."""
    rest = iter(states)
    groups = []
    for part in layer.directions:
        parts = [next(rest) for _ in range(part.state_count)]
        groups.append(tuple(parts) if len(parts) > 1 else parts[0])
    return groups[0] if len(groups) == 1 else groups


def backward(
    node: Node, tape: NodeTape, d_outputs: list[Array | None], wanted: Wanted
) -> list[Array | None]:
    """Write the gradients of the weights; return those of the inputs, None for zeros."""
    layer = node.layer
    if tape.saved is _UNCHANGED:
        return [d_outputs[0]]
    if not isinstance(layer, Layer):
        return _operation_backward(node, tape, d_outputs, wanted)
    if layer.runs_graph:
        gradients: list[Array | None] = layer.backward_graph(  # type: ignore[attr-defined]
            tape.saved,
            d_outputs,
            GraphOptions(
                wanted.keep_tape, wanted.activity_scale, wanted.accumulate, any(wanted.inputs)
            ),
        )
        return gradients
    states = node.options.get("states", 0)
    extra: dict[str, Any] = {} if wanted.through_activation else {"through_activation": False}
    count = len(tape.shapes)
    if getattr(layer, "return_state", False):
        units = sum(part.state_count for part in layer.directions)  # type: ignore[attr-defined]
        count -= units
        if any(d is not None for d in d_outputs[count:]):
            filled = [_or_zeros(d, i + count, tape) for i, d in enumerate(d_outputs[count:])]
            extra["d_state"] = _grouped(layer, filled)
    d: Any = d_outputs[0]
    if node.options.get("flags", {}).get("return_attention_scores"):
        if d_outputs[1] is not None:
            raise ValueError(
                f"no gradient passes through the attention scores of layer {layer.label!r}: use "
                "ops.stop_gradient on them, or leave them out of what is trained"
            )
        d = _or_zeros(d, 0, tape)
    elif count > 1:
        d = [_or_zeros(item, i, tape) for i, item in enumerate(d_outputs[:count])]
    result = layer.backward(
        d,
        tape=tape.saved,
        accumulate=wanted.accumulate,
        input_gradient=any(wanted.inputs),
        keep_tape=wanted.keep_tape,
        **extra,
    )
    if layer.takes_several:
        return list(result) if result is not None else [None] * len(wanted.inputs)
    if not states:
        return [result]
    d_x, d_states = result
    return [d_x, *flattened(list(flattened(d_states)))]


def _or_zeros(d: Array | None, i: int, tape: NodeTape) -> Array:
    return np.zeros(tape.shapes[i], tape.dtype) if d is None else d


def _operation_backward(
    node: Node, tape: NodeTape, d_outputs: list[Array | None], wanted: Wanted
) -> list[Array | None]:
    rest = iter(wanted.inputs)
    constants = node.options["constants"]
    needed = [next(rest) if constant is None else False for constant in constants]
    gradients = node.layer.backward(tape.saved, d_outputs[0], needed)
    return [d for d, constant in zip(gradients, constants, strict=True) if constant is None]
