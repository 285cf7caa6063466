"""ONNX's small operators in NumPy: those that exporters write around a GRU.

Each function takes the node, the room for its result, and the node's inputs, None for one that is
left out. An operator that has changed its form between versions is read in every form: what was an
attribute once is an input later.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gru_c.activations import ACTIVATIONS
from gru_c.arrays import Array
from gru_c.interop.onnx.proto import Node, element_type
from gru_c.interop.onnx.room import Room

Operator = Callable[..., Any]


# ---- where values lie ---------------------------------------------------------------------------


def _identity(node: Node, room: Room, x: Array, *_: Any) -> Any:
    return x


def _dropout(
    node: Node, room: Room, x: Array, ratio: Array | None = None, training: Array | None = None
) -> Any:
    if training is not None and training.any():
        raise ValueError("training_mode is for training")
    return (x, np.ones(x.shape, bool)) if len(node.outputs) > 1 else x


def _constant(node: Node, room: Room) -> Any:
    kinds: dict[str, type] = {"value_int": np.int64, "value_ints": np.int64}
    kinds |= {"value_float": np.float32, "value_floats": np.float32}
    for name, value in node.attributes.items():
        if name == "value":
            return np.asarray(value)
        if name in kinds:
            return np.asarray(value, kinds[name])
    raise ValueError("gru_c reads numbers only")


def _constant_of_shape(node: Node, room: Room, shape: Array) -> Any:
    value = np.asarray(node.get("value", np.zeros(1, np.float32)))
    if value.size != 1:
        raise ValueError(f"its value must be one number, got {value.size}")
    return np.full(room.require(shape), value.reshape(()))


def _shape(node: Node, room: Room, x: Array) -> Any:
    return np.array(x.shape[node.get("start", 0) : node.get("end")], np.int64)


def _expand(node: Node, room: Room, x: Array, shape: Array) -> Any:
    together = np.broadcast_shapes(x.shape, tuple(shape.tolist()))
    return np.broadcast_to(x, room.require(together))


def _tile(node: Node, room: Room, x: Array, repeats: Array) -> Any:
    if repeats.shape != (x.ndim,):
        raise ValueError(f"there are {x.ndim} axes, and repeats of shape {repeats.shape}")
    times = repeats.tolist()
    room.require(size * count for size, count in zip(x.shape, times, strict=True))
    return np.tile(x, times)


def _concat(node: Node, room: Room, *arrays: Array) -> Any:
    axis = node.attributes["axis"]
    shape = list(arrays[0].shape)
    shape[axis] = sum(array.shape[axis] for array in arrays)
    room.require(shape)
    return np.concatenate(arrays, axis)


def _axes(node: Node, axes: Array | None) -> tuple[int, ...] | None:
    """Return the axes of an attribute or an input; None for all."""
    given = node.get("axes") if axes is None else axes.tolist()
    return None if given is None else tuple(int(axis) for axis in given)


def _unsqueeze(node: Node, room: Room, x: Array, axes: Array | None = None) -> Any:
    return np.expand_dims(x, _axes(node, axes) or ())


def _squeeze(node: Node, room: Room, x: Array, axes: Array | None = None) -> Any:
    return np.squeeze(x, _axes(node, axes))


def _reshape(node: Node, room: Room, x: Array, shape: Array | None = None) -> Any:
    sizes = node.get("shape") if shape is None else shape.tolist()
    if not node.get("allowzero", 0):
        sizes = [x.shape[i] if size == 0 else size for i, size in enumerate(sizes)]
    return x.reshape(sizes)


def _transpose(node: Node, room: Room, x: Array) -> Any:
    return x.transpose(node.get("perm"))


def _flatten(node: Node, room: Room, x: Array) -> Any:
    axis = node.get("axis", 1)
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


def _gather(node: Node, room: Room, x: Array, indices: Array) -> Any:
    axis = range(x.ndim)[node.get("axis", 0)]
    room.require((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))
    return x.take(indices, axis)


def _slice(
    node: Node,
    room: Room,
    x: Array,
    starts: Array | None = None,
    ends: Array | None = None,
    axes: Array | None = None,
    steps: Array | None = None,
) -> Any:
    first, last = (
        node.attributes[name] if given is None else given.tolist()
        for name, given in (("starts", starts), ("ends", ends))
    )
    where = _axes(node, axes)
    where = tuple(range(len(first))) if where is None else where
    strides = [1] * len(first) if steps is None else steps.tolist()
    index = [slice(None)] * x.ndim
    for axis, begin, end, step in zip(where, first, last, strides, strict=True):
        index[axis] = slice(begin, end, step)  # Python's rules for these are ONNX's
    return x[tuple(index)]


def _reverse_sequence(node: Node, room: Room, x: Array, lengths: Array) -> Any:
    rows, time = node.get("batch_axis", 1), node.get("time_axis", 0)
    sequences = np.moveaxis(x, (rows, time), (0, 1))
    if lengths.shape != sequences.shape[:1]:
        raise ValueError(f"there are {len(sequences)} rows, and lengths of shape {lengths.shape}")
    steps = np.arange(*room.require(sequences.shape[1:2]))
    turned = lengths[:, None] - 1 - steps
    order = np.where(turned >= 0, turned, steps)
    places = order.reshape(*order.shape, *[1] * (x.ndim - 2))
    return np.moveaxis(np.take_along_axis(sequences, places, 1), (0, 1), (rows, time))


def _scatter_elements(node: Node, room: Room, x: Array, indices: Array, updates: Array) -> Any:
    if node.get("reduction", "none") != "none":
        raise ValueError("gru_c scatters without a reduction only")
    result = x.copy()
    np.put_along_axis(result, indices, updates, node.get("axis", 0))
    return result


def _range(node: Node, room: Room, start: Array, limit: Array, delta: Array) -> Any:
    count = max(math.ceil((limit.item() - start.item()) / delta.item()), 0)
    room.require((count,))
    return (start + np.arange(count) * delta).reshape(count).astype(start.dtype)


def _top_k(node: Node, room: Room, x: Array, k: Array) -> Any:
    axis, count = node.get("axis", -1), k.item()
    size = x.shape[axis]
    if not 0 <= count <= size:
        raise ValueError(f"there are {size} values, and k is {count}")
    if node.get("largest", 1):  # of equal ones the first comes first, as ONNX wants it
        order = size - 1 - np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis)
    else:
        order = np.argsort(x, axis, kind="stable")
    first = np.moveaxis(np.moveaxis(order, axis, 0)[:count], 0, axis)
    return np.take_along_axis(x, first, axis), first.astype(np.int64)


# ---- what values are ----------------------------------------------------------------------------


def _cast(node: Node, room: Room, x: Array) -> Any:
    return x.astype(element_type(node.attributes["to"], "the result"))


def _where(node: Node, room: Room, condition: Array, a: Array, b: Array) -> Any:
    room.broadcast(condition, a, b)
    return np.where(condition, a, b)


def _divide(a: Array, b: Array) -> Any:
    if a.dtype.kind not in "iu":
        return np.divide(a, b)
    towards_zero = np.abs(a) // np.abs(b) * (np.sign(a) * np.sign(b))
    return towards_zero.astype(a.dtype)


def _binary(function: Callable[[Array, Array], Any]) -> Operator:
    def operator(node: Node, room: Room, a: Array, b: Array) -> Any:
        room.broadcast(a, b)
        return function(a, b)

    return operator


def _unary(function: Callable[[Array], Any]) -> Operator:
    return lambda node, room, x: function(x)


def _activation(name: str) -> Operator:
    """Return the activation of Dense layers, computed in float32 for float16."""
    forward = ACTIVATIONS[name].forward

    def operator(node: Node, room: Room, x: Array) -> Any:
        wide = x.astype(np.float32) if x.dtype == np.float16 else x
        return forward(wide).astype(x.dtype, copy=False)

    return operator


def _hard_sigmoid(node: Node, room: Room, x: Array) -> Any:
    alpha, beta = (x.dtype.type(node.get(k, v)) for k, v in (("alpha", 0.2), ("beta", 0.5)))
    return np.clip(alpha * x + beta, x.dtype.type(0), x.dtype.type(1))


def _elu(node: Node, room: Room, x: Array) -> Any:
    alpha = x.dtype.type(node.get("alpha", 1.0))
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, x.dtype.type(0))))


def _leaky_relu(node: Node, room: Room, x: Array) -> Any:
    return np.where(x < 0, x.dtype.type(node.get("alpha", 0.01)) * x, x)


def _thresholded_relu(node: Node, room: Room, x: Array) -> Any:
    return np.where(x > x.dtype.type(node.get("alpha", 1.0)), x, x.dtype.type(0))


def _clip(
    node: Node, room: Room, x: Array, low: Array | None = None, high: Array | None = None
) -> Any:
    bounds = node.get("min") if low is None else low, node.get("max") if high is None else high
    least, most = (None if bound is None else x.dtype.type(np.float64(bound)) for bound in bounds)
    y = x if least is None else np.maximum(x, least)
    return y if most is None else np.minimum(y, most)


def _along_axis(function: Operator) -> Operator:
    """Return the operator of a function of the last axis."""

    def operator(node: Node, room: Room, x: Array) -> Any:
        if node.opset < 13:  # all axes from that one on together
            rows = math.prod(x.shape[: node.get("axis", 1)])
            flat = function(node, room, x.reshape(rows, x.size // max(rows, 1)))
            return flat.reshape(x.shape)
        axis = node.get("axis", -1)
        return np.moveaxis(function(node, room, np.moveaxis(x, axis, -1)), -1, axis)

    return operator


def _log_softmax(node: Node, room: Room, x: Array) -> Any:
    below = x - x.max(-1, keepdims=True)
    return below - np.log(np.exp(below).sum(-1, keepdims=True))


def _reduce(function: Callable[..., Any]) -> Operator:
    def operator(node: Node, room: Room, x: Array, axes: Array | None = None) -> Any:
        where = _axes(node, axes)
        if not where and node.get("noop_with_empty_axes", 0):
            return x
        result = function(x, axis=where or None, keepdims=bool(node.get("keepdims", 1)))
        return np.asarray(result, x.dtype)  # sums of integers come as int64

    return operator


def _mean(x: Array, axis: tuple[int, ...] | None, keepdims: bool) -> Any:
    """Return the mean; NaN for that of nothing, where NumPy's would warn."""
    total = np.sum(x, axis=axis, keepdims=keepdims)
    return total / (x.size / max(total.size, 1))


def _layer_normalization(
    node: Node, room: Room, x: Array, scale: Array, bias: Array | None = None
) -> Any:
    room.broadcast(x, scale, *(() if bias is None else (bias,)))
    axes = tuple(range(x.ndim)[node.get("axis", -1) :])
    wide = x.astype(np.float32) if x.dtype == np.float16 else x
    normal = wide - _mean(wide, axes, True)
    variance = _mean(np.square(normal), axes, True)
    y = normal / np.sqrt(variance + wide.dtype.type(node.get("epsilon", 1e-5))) * scale
    return (y if bias is None else y + bias).astype(x.dtype, copy=False)


def _matmul(node: Node, room: Room, a: Array, b: Array) -> Any:
    if a.ndim > 1 and b.ndim > 1:
        stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        room.require((*stack, a.shape[-2], b.shape[-1]))
    return np.matmul(a, b)


def _gemm(node: Node, room: Room, a: Array, b: Array, c: Array | None = None) -> Any:
    a = a.T if node.get("transA", 0) else a
    b = b.T if node.get("transB", 0) else b
    y = _times(_matmul(node, room, a, b), node.get("alpha", 1.0))
    if c is None:
        return y
    room.broadcast(y, c)
    return y + _times(c, node.get("beta", 1.0))


def _times(x: Array, factor: float) -> Array:
    scaled: Array = x if factor == 1 else x * x.dtype.type(factor)
    return scaled


# What only moves numbers, or makes them of shapes: the values themselves stay.
MOVING: dict[str, Operator] = {
    "Identity": _identity,
    "Dropout": _dropout,
    "Expand": _expand,
    "Tile": _tile,
    "Concat": _concat,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Flatten": _flatten,
    "Gather": _gather,
    "Slice": _slice,
    "ReverseSequence": _reverse_sequence,
}

OPERATORS: dict[str, Operator] = {
    **MOVING,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Shape": _shape,
    "ScatterElements": _scatter_elements,
    "Range": _range,
    "TopK": _top_k,
    "Cast": _cast,
    "Where": _where,
    "Equal": _binary(np.equal),
    "Add": _binary(np.add),
    "Sub": _binary(np.subtract),
    "Mul": _binary(np.multiply),
    "Div": _binary(_divide),
    "Pow": _binary(lambda a, b: np.power(a, b).astype(a.dtype)),
    "Neg": _unary(np.negative),
    "Sqrt": _unary(np.sqrt),
    "Log": _unary(np.log),
    "Exp": _activation("exponential"),
    "Relu": _activation("relu"),
    "Sigmoid": _activation("sigmoid"),
    "Tanh": _activation("tanh"),
    "Softplus": _activation("softplus"),
    "Softsign": _activation("softsign"),
    "HardSigmoid": _hard_sigmoid,
    "Elu": _elu,
    "LeakyRelu": _leaky_relu,
    "ThresholdedRelu": _thresholded_relu,
    "Clip": _clip,
    "Softmax": _along_axis(_activation("softmax")),
    "LogSoftmax": _along_axis(_log_softmax),
    "ReduceMean": _reduce(_mean),
    "ReduceSum": _reduce(np.sum),
    "ReduceProd": _reduce(np.prod),
    "LayerNormalization": _layer_normalization,
    "MatMul": _matmul,
    "Gemm": _gemm,
}
