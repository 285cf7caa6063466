"""Functions of each element of an array."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gru_c import activations
from gru_c.common.arrays import Array
from gru_c.ops import shapes
from gru_c.ops.dtypes import promoted
from gru_c.ops.operation import ARRAYS, FLOATS, RULES, Gradient, Rule, apply

__all__ = [
    "abs",
    "absolute",
    "arccos",
    "arcsin",
    "arctan",
    "ceil",
    "clip",
    "cos",
    "cosh",
    "elu",
    "erf",
    "exp",
    "expm1",
    "floor",
    "gelu",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "isfinite",
    "isinf",
    "isnan",
    "leaky_relu",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_sigmoid",
    "logical_not",
    "negative",
    "reciprocal",
    "relu",
    "relu6",
    "round",
    "rsqrt",
    "selu",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softplus",
    "softsign",
    "sqrt",
    "square",
    "stop_gradient",
    "swish",
    "tan",
    "tanh",
]

Function = Callable[[Any], Any]


def _define(
    name: str,
    compute: Callable[..., Any],
    gradient: Gradient | None,
    summary: str,
    convert: Any = FLOATS,
) -> Function:
    """Return the function of one array that the table has under a name."""
    RULES[name] = Rule(compute, (gradient,), shapes.same, convert)

    def function(x: Any) -> Any:
        return apply(name, (x,))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Return {summary}."
    return function


def _activation(name: str, summary: str) -> Function:
    """Return a function of `gru_c.activations`, with the derivative of its table."""
    known = activations.ACTIVATIONS[name]

    def compute(x: Array) -> Array:
        return known.forward(_computable(x)).astype(x.dtype, copy=False)

    def gradient(d: Array, y: Array, x: Array) -> Array:
        return known.gradient(known.keep(_computable(x), y), d)

    return _define(name, compute, gradient, summary)


def _computable(x: Array) -> Array:
    """Return the array in float32 or float64, for which the core has kernels."""
    return x.astype(np.float32) if x.dtype.itemsize < 4 else x


def _rsqrt(x: Array) -> Array:
    y: Array = np.reciprocal(np.sqrt(x))
    return y


def _erf(x: Array) -> Array:
    from scipy.special import erf as of_scipy  # its import takes longer than that of this package

    y: Array = of_scipy(x)
    return y


negative = _define("negative", np.negative, lambda d, y, x: -d, "-x", promoted)
abs = absolute = _define("abs", np.abs, lambda d, y, x: d * np.sign(x), "abs(x)", promoted)
sign = _define("sign", np.sign, None, "-1, 0 or 1 with the sign of x", promoted)
square = _define(
    "square",
    lambda x: np.square(x.astype(np.int32) if x.dtype.kind == "b" else x),
    lambda d, y, x: 2 * d * x,
    "the square of x",
    promoted,
)
sqrt = _define("sqrt", np.sqrt, lambda d, y, x: d / (2 * y), "the square root")
rsqrt = _define("rsqrt", _rsqrt, lambda d, y, x: -0.5 * d * y**3, "1 / sqrt(x)")
reciprocal = _define("reciprocal", np.reciprocal, lambda d, y, x: -d * y * y, "1 / x")
exp = _define("exp", np.exp, lambda d, y, x: d * y, "e to the power x")
expm1 = _define("expm1", np.expm1, lambda d, y, x: d * (y + 1), "exp(x) - 1")
log = _define("log", np.log, lambda d, y, x: d / x, "the natural logarithm")
log1p = _define("log1p", np.log1p, lambda d, y, x: d / (1 + x), "log(1 + x)")
log2 = _define("log2", np.log2, lambda d, y, x: d / (x * math.log(2)), "the logarithm to base 2")
log10 = _define(
    "log10", np.log10, lambda d, y, x: d / (x * math.log(10)), "the logarithm to base 10"
)
sin = _define("sin", np.sin, lambda d, y, x: d * np.cos(x), "the sine")
cos = _define("cos", np.cos, lambda d, y, x: -d * np.sin(x), "the cosine")
tan = _define("tan", np.tan, lambda d, y, x: d * (1 + y * y), "the tangent")
arcsin = _define("arcsin", np.arcsin, lambda d, y, x: d / np.sqrt(1 - x * x), "the inverse of sin")
arccos = _define("arccos", np.arccos, lambda d, y, x: -d / np.sqrt(1 - x * x), "the inverse of cos")
arctan = _define("arctan", np.arctan, lambda d, y, x: d / (1 + x * x), "the inverse of tan")
sinh = _define("sinh", np.sinh, lambda d, y, x: d * np.cosh(x), "the hyperbolic sine")
cosh = _define("cosh", np.cosh, lambda d, y, x: d * np.sinh(x), "the hyperbolic cosine")
erf = _define(
    "erf", _erf, lambda d, y, x: d * (2 / math.sqrt(math.pi)) * np.exp(-x * x), "the error function"
)
floor = _define("floor", np.floor, None, "the largest whole number that is not above x")
ceil = _define("ceil", np.ceil, None, "the smallest whole number that is not below x")
isnan = _define("isnan", np.isnan, None, "True where x is NaN", ARRAYS)
isinf = _define("isinf", np.isinf, None, "True where x is infinite", ARRAYS)
isfinite = _define("isfinite", np.isfinite, None, "True where x is finite", ARRAYS)
logical_not = _define("logical_not", np.logical_not, None, "True where x is zero", ARRAYS)
tanh = _activation("tanh", "the hyperbolic tangent")
sigmoid = _activation("sigmoid", "1 / (1 + exp(-x))")
relu = _define(
    "relu", lambda x: np.maximum(x, 0), lambda d, y, x: d * (x > 0), "max(x, 0)", promoted
)
relu6 = _activation("relu6", "min(max(x, 0), 6)")
selu = _activation("selu", "1.0507 times the elu with alpha 1.67326")
softplus = _activation("softplus", "log(1 + exp(x))")
softsign = _activation("softsign", "x / (1 + abs(x))")
silu = swish = _activation("silu", "x sigmoid(x)")
hard_sigmoid = _activation("hard_sigmoid", "x / 6 + 1 / 2, limited to the range from 0 to 1")
hard_silu = hard_swish = _activation("hard_silu", "x hard_sigmoid(x)")
log_sigmoid = _activation("log_sigmoid", "log(1 / (1 + exp(-x)))")


def stop_gradient(variable: Any) -> Any:
    """Return the argument, through which no gradient passes."""
    return apply("stop_gradient", (variable,))


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """Return x above 0, and negative_slope times x below."""
    return apply("leaky_relu", (x,), negative_slope=negative_slope)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """Return x above 0, and alpha (exp(x) - 1) below."""
    return apply("elu", (x,), alpha=alpha)


def gelu(x: Any, approximate: bool = True) -> Any:
    """Return x Phi(x) with the normal distribution Phi, or an approximation of it by tanh."""
    return apply("gelu", (x,), approximate=bool(approximate))


def round(x: Any, decimals: int = 0) -> Any:
    """Return the nearest number with so many decimals, the even one of two. No gradient."""
    return apply("round", (x,), decimals=int(decimals))


def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """Return x limited to the range from x_min to x_max, which may be arrays."""
    return apply("clip", (x, x_min, x_max))


def _gelu_gradient(d: Array, y: Array, x: Array, approximate: bool) -> Array:
    if not approximate:
        return activations.ACTIVATIONS["gelu"].gradient(x, d)
    factor = math.sqrt(2 / math.pi)
    t = np.tanh(factor * (x + 0.044715 * x**3))
    inner = factor * (1 + 3 * 0.044715 * x * x)
    slope: Array = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner
    return d * slope


RULES["stop_gradient"] = Rule(lambda x: x, (None,), shapes.same, ARRAYS)
RULES["leaky_relu"] = Rule(
    lambda x, negative_slope: np.where(x > 0, x, x.dtype.type(negative_slope) * x),
    (lambda d, y, x, negative_slope: np.where(x > 0, d, d * negative_slope),),
    shapes.same,
    FLOATS,
)
RULES["elu"] = Rule(
    lambda x, alpha: activations.elu(x, alpha),
    (lambda d, y, x, alpha: d * np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0))),),
    shapes.same,
    FLOATS,
)
RULES["gelu"] = Rule(
    lambda x, approximate: activations.gelu(_computable(x), approximate).astype(x.dtype),
    (_gelu_gradient,),
    shapes.same,
    FLOATS,
)
RULES["round"] = Rule(lambda x, decimals: np.round(x, decimals), (None,), shapes.same)
RULES["clip"] = Rule(
    lambda x, low, high: np.minimum(np.maximum(x, low), high),
    (
        lambda d, y, x, low, high: d * ((x >= low) & (x <= high)),
        lambda d, y, x, low, high: d * ((x < low) & (low <= high)),
        lambda d, y, x, low, high: d * ((x > high) | (low > high)),
    ),
    shapes.broadcast,
)
