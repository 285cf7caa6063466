"""ONNX's small operators in NumPy: those that exporters write around a GRU.

The functions have the parameters of those in `gru_c.interop.onnx.rearranging`. They do not repeat
the checks of `gru_c.interop.onnx.node_checker`: types, attributes, and the number of inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gru_c.activations import ACTIVATIONS
from gru_c.common.arrays import Array
from gru_c.interop.onnx.proto import Node, element_type
from gru_c.interop.onnx.rearranging import (
    REARRANGING,
    OpenShape,
    Operator,
    axes_of,
    axis_of,
    places_of,
    scatter_elements,
    top_k,
)
from gru_c.interop.onnx.size_limit import ElementBudget

_LARGEST = float(np.finfo(np.float32).max)

# ---- new values ---------------------------------------------------------------------------------


def _constant(node: Node, budget: ElementBudget) -> Any:
    kinds: dict[str, type] = {"value_int": np.int64, "value_ints": np.int64}
    kinds |= {"value_float": np.float32, "value_floats": np.float32}
    for name, value in node.attributes.items():
        if name == "value":
            return np.asarray(value)
        if name in kinds:
            return np.asarray(value, kinds[name])
    raise ValueError("gru_c reads numbers only")


def _constant_of_shape(node: Node, budget: ElementBudget, shape: Array) -> Any:
    value = np.asarray(node.get("value", np.zeros(1, np.float32)))
    return np.full(budget.require(shape.tolist()), value.reshape(()))


def _shape(node: Node, budget: ElementBudget, x: Array) -> Any:
    return np.array(x.shape[node.get("start", 0) : node.get("end")], np.int64)


def _range(node: Node, budget: ElementBudget, start: Array, limit: Array, delta: Array) -> Any:
    first, last, step = start.item(), limit.item(), delta.item()
    whole = start.dtype.kind in "iu"
    count = max(-((first - last) // step) if whole else math.ceil((last - first) / step), 0)
    budget.require((count,))
    return (start + np.arange(count) * delta).reshape(count).astype(start.dtype)


# ---- functions of values ------------------------------------------------------------------------


def _cast(node: Node, budget: ElementBudget, x: Array) -> Any:
    return x.astype(element_type(node.attributes["to"], "the result"))


def _where(node: Node, budget: ElementBudget, condition: Array, a: Array, b: Array) -> Any:
    budget.broadcast(condition, a, b)
    return np.where(condition, a, b)


def _divide(a: Array, b: Array) -> Any:
    """Return the quotient; that of integers is rounded towards zero."""
    if a.dtype.kind not in "iu":
        return np.divide(a, b)
    if not b.all():
        raise ValueError("it divides integers by zero")
    floor = np.floor_divide(a, b)
    return floor + ((floor * b != a) & ((a < 0) != (b < 0))).astype(a.dtype)


def _power(a: Array, b: Array) -> Any:
    """Return the power in the type of the first."""
    whole = a.dtype.kind in "iu" and b.dtype.kind in "iu" and not (b < 0).any()
    if whole:  # an overflow wraps around, as in products of this type
        wide = np.uint64 if a.dtype.kind == "u" else np.int64
        a, b, dtype = a.astype(wide), b.astype(wide), a.dtype
        return np.power(a, b).astype(dtype)
    base = a.astype(np.float64) if a.dtype.kind in "iu" else a
    return np.power(base, b).astype(a.dtype)


def _binary(function: Callable[[Array, Array], Any]) -> Operator:
    def operator(node: Node, budget: ElementBudget, a: Array, b: Array) -> Any:
        budget.broadcast(a, b)
        return function(a, b)

    return operator


def _unary(function: Callable[[Array], Any]) -> Operator:
    return lambda node, budget, x: function(x)


def _widened(x: Array) -> Array:
    """Return float16 as float32, in which it is computed."""
    return x.astype(np.float32) if x.dtype == np.float16 else x


def _activation(name: str) -> Operator:
    """Return the activation of Dense layers, computed in float32 for float16."""
    forward = ACTIVATIONS[name].forward

    def operator(node: Node, budget: ElementBudget, x: Array) -> Any:
        return forward(_widened(x)).astype(x.dtype, copy=False)

    return operator


def _relu(node: Node, budget: ElementBudget, x: Array) -> Any:
    return _RELU(node, budget, x) if x.dtype.kind == "f" else np.maximum(x, x.dtype.type(0))


_RELU = _activation("relu")


def _hard_sigmoid(node: Node, budget: ElementBudget, x: Array) -> Any:
    alpha, beta = (x.dtype.type(node.get(k, v)) for k, v in (("alpha", 0.2), ("beta", 0.5)))
    return np.clip(alpha * x + beta, x.dtype.type(0), x.dtype.type(1))


def _elu(node: Node, budget: ElementBudget, x: Array) -> Any:
    alpha = x.dtype.type(node.get("alpha", 1.0))
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, x.dtype.type(0))))


def _leaky_relu(node: Node, budget: ElementBudget, x: Array) -> Any:
    return np.where(x < 0, x.dtype.type(node.get("alpha", 0.01)) * x, x)


def _thresholded_relu(node: Node, budget: ElementBudget, x: Array) -> Any:
    return np.where(x > x.dtype.type(node.get("alpha", 1.0)), x, x.dtype.type(0))


def _clip(
    node: Node, budget: ElementBudget, x: Array, low: Array | None = None, high: Array | None = None
) -> Any:
    if node.opset < 11:
        least, most = (x.dtype.type(node.get(*b)) for b in (("min", -_LARGEST), ("max", _LARGEST)))
    else:
        limits: Any = (np.finfo if x.dtype.kind == "f" else np.iinfo)(x.dtype)
        least = x.dtype.type(limits.min if low is None else low.item())
        most = x.dtype.type(limits.max if high is None else high.item())
    low_enough = np.where(x < least, least, x)  # a bound that is NaN has no effect
    return np.where(low_enough > most, most, low_enough)


def _along_axis(function: Operator) -> Operator:
    """Return the operator that applies a function of the last axis along the node's axis."""

    def operator(node: Node, budget: ElementBudget, x: Array) -> Any:
        axis = axis_of(node, 1 if node.opset < 13 else -1, x.ndim)
        if not x.size:
            return x
        if node.opset < 13:  # along all axes from that one, flattened
            flat = function(node, budget, x.reshape(math.prod(x.shape[:axis]), -1))
            return flat.reshape(x.shape)
        return np.moveaxis(function(node, budget, np.moveaxis(x, axis, -1)), -1, axis)

    return operator


def _log_softmax(node: Node, budget: ElementBudget, x: Array) -> Any:
    wide = _widened(x)
    below = wide - wide.max(-1, keepdims=True)
    return (below - np.log(np.exp(below).sum(-1, keepdims=True))).astype(x.dtype, copy=False)


def _reduce(function: Callable[..., Any]) -> Operator:
    def operator(node: Node, budget: ElementBudget, x: Array, axes: Array | None = None) -> Any:
        where = axes_of(node, axes)
        if not where and node.get("noop_with_empty_axes", 0):
            return x
        where = places_of(where or tuple(range(x.ndim)), x.ndim)
        result = function(_widened(x), axis=where, keepdims=bool(node.get("keepdims", 1)))
        return np.asarray(result).astype(x.dtype, copy=False)  # sums of integers come as int64

    return operator


def _mean(x: Array, axis: tuple[int, ...], keepdims: bool) -> Any:
    """Return the mean; NaN, without NumPy's warning, for no numbers."""
    total = np.asarray(np.sum(x, axis=axis, keepdims=keepdims))
    count = x.size // max(total.size, 1)
    if x.dtype.kind == "f":
        return total / count
    if not count:
        raise ValueError(f"the mean of no numbers of {x.dtype} is not defined")
    return _divide(total, total.dtype.type(count))


def require_inside(name: str, shape: OpenShape, other: OpenShape) -> None:
    """Raise ValueError if broadcasting `other` would enlarge an array of this shape.

    An axis of length None is open; `name` is that of the input with the shape `other`.
    """
    fits = len(other) <= len(shape)
    for size, wanted in zip(other[::-1], shape[::-1], strict=False):
        fits = fits and (size in (1, None) or wanted in (size, None))
    if not fits:
        raise ValueError(f"{name} of shape {tuple(other)} goes beyond {tuple(shape)}")


def _layer_normalization(
    node: Node, budget: ElementBudget, x: Array, scale: Array, bias: Array | None = None
) -> Any:
    for name, array in (("Scale", scale), ("B", bias)):
        require_inside(name, x.shape, () if array is None else array.shape)
    axes = tuple(range(axis_of(node, -1, x.ndim), x.ndim))
    wide = _widened(x)
    mean = _mean(wide, axes, True)
    normal = wide - mean
    variance = _mean(np.square(normal), axes, True)
    deviation = np.sqrt(variance + wide.dtype.type(node.get("epsilon", 1e-5)))
    y = normal / deviation * scale
    y = (y if bias is None else y + bias).astype(x.dtype, copy=False)
    if len(node.outputs) == 1:
        return y
    return y, mean.astype(np.float32), (1 / deviation).astype(np.float32)  # stash_type=1


def _matmul(node: Node, budget: ElementBudget, a: Array, b: Array) -> Any:
    if a.ndim > 1 and b.ndim > 1:
        stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        budget.require((*stack, a.shape[-2], b.shape[-1]))
    return np.matmul(a, b)


def _gemm(node: Node, budget: ElementBudget, a: Array, b: Array, c: Array | None = None) -> Any:
    if a.ndim != 2 or b.ndim != 2:
        raise ValueError(f"A and B must be matrices, got the shapes {a.shape} and {b.shape}")
    a = a.T if node.get("transA", 0) else a
    b = b.T if node.get("transB", 0) else b
    y, beta = _times(_matmul(node, budget, a, b), node.get("alpha", 1.0)), node.get("beta", 1.0)
    if c is None or not beta:  # as in BLAS, which does not read C if beta is 0
        return y
    require_inside("C", y.shape, c.shape)
    return y + _times(c, beta)


def _times(x: Array, factor: float) -> Array:
    scaled: Array = x if factor == 1 else x * x.dtype.type(factor)
    return scaled


OPERATORS: dict[str, Operator] = {
    **REARRANGING,
    "ScatterElements": scatter_elements,
    "TopK": top_k,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Shape": _shape,
    "Range": _range,
    "Cast": _cast,
    "Where": _where,
    "Equal": _binary(np.equal),
    "Add": _binary(np.add),
    "Sub": _binary(np.subtract),
    "Mul": _binary(np.multiply),
    "Div": _binary(_divide),
    "Pow": _binary(_power),
    "Neg": _unary(np.negative),
    "Sqrt": _unary(np.sqrt),
    "Log": _unary(np.log),
    "Exp": _activation("exponential"),
    "Relu": _relu,
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
