"""Functions of the elements of two arrays, which are broadcast to one shape; and the choice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.ops import shapes
from gru_c.ops.dtypes import as_array, promoted
from gru_c.ops.operation import ARRAYS, FLOATS, RULES, Gradient, Rule, apply

__all__ = [
    "add",
    "divide",
    "equal",
    "floor_divide",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "logical_and",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "not_equal",
    "power",
    "subtract",
    "true_divide",
    "where",
]

Function = Callable[[Any, Any], Any]


def _define(
    name: str,
    compute: Callable[..., Any],
    gradients: tuple[Gradient | None, Gradient | None],
    summary: str,
    convert: Any = promoted,
) -> Function:
    """Return the function of two arrays that the table has under a name."""
    RULES[name] = Rule(compute, gradients, shapes.broadcast, convert)

    def function(x1: Any, x2: Any) -> Any:
        return apply(name, (x1, x2))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Return {summary}."
    return function


def _numbers(inputs: Any) -> list[Array]:
    """Return arrays of one dtype, and integers in place of booleans."""
    arrays = promoted(inputs)
    if arrays[0].dtype.kind != "b":
        return arrays
    return [a.astype(np.int32) for a in arrays]


def _power_by_base(d: Array, y: Array, a: Array, b: Array) -> Array:
    slope: Array = np.where(b == 0, 0, b * np.power(a, b - 1))
    return d * slope


def _power_by_exponent(d: Array, y: Array, a: Array, b: Array) -> Array:
    slope: Array = np.where((a == 0) & (b >= 0), 0, y * np.log(a))
    return d * slope


def _share(d: Array, y: Array, a: Array, b: Array) -> Array:
    """Return the gradient of the argument a whose elements y are: half of it where both are."""
    part: Array = d * np.where(a == b, 0.5, a == y).astype(d.dtype)
    return part


_NONE = (None, None)
add = _define("add", np.add, (lambda d, y, a, b: d, lambda d, y, a, b: d), "x1 + x2")
subtract = _define(
    "subtract", np.subtract, (lambda d, y, a, b: d, lambda d, y, a, b: -d), "x1 - x2", _numbers
)
multiply = _define(
    "multiply", np.multiply, (lambda d, y, a, b: d * b, lambda d, y, a, b: d * a), "x1 * x2"
)
divide = true_divide = _define(
    "divide",
    np.divide,
    (lambda d, y, a, b: d / b, lambda d, y, a, b: -d * y / b),
    "x1 / x2",
    FLOATS,
)
floor_divide = _define(
    "floor_divide", np.floor_divide, _NONE, "the whole part of x1 / x2", _numbers
)
mod = _define(
    "mod",
    np.mod,
    (lambda d, y, a, b: d, lambda d, y, a, b: -d * np.floor(a / b)),
    "the rest of x1 / x2",
    _numbers,
)
power = _define(
    "power", np.power, (_power_by_base, _power_by_exponent), "x1 to the power x2", _numbers
)
maximum = _define(
    "maximum",
    np.maximum,
    (_share, lambda d, y, a, b: _share(d, y, b, a)),
    "the larger one of x1 and x2",
)
minimum = _define(
    "minimum",
    np.minimum,
    (_share, lambda d, y, a, b: _share(d, y, b, a)),
    "the smaller one of x1 and x2",
)
equal = _define("equal", np.equal, _NONE, "True where x1 is x2")
not_equal = _define("not_equal", np.not_equal, _NONE, "True where x1 is not x2")
greater = _define("greater", np.greater, _NONE, "True where x1 > x2")
greater_equal = _define("greater_equal", np.greater_equal, _NONE, "True where x1 >= x2")
less = _define("less", np.less, _NONE, "True where x1 < x2")
less_equal = _define("less_equal", np.less_equal, _NONE, "True where x1 <= x2")
logical_and = _define("logical_and", np.logical_and, _NONE, "True where both are not 0", ARRAYS)
logical_or = _define("logical_or", np.logical_or, _NONE, "True where one of them is not 0", ARRAYS)
logical_xor = _define(
    "logical_xor", np.logical_xor, _NONE, "True where just one of them is not 0", ARRAYS
)


def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """Return x1 where the condition is true, and x2 elsewhere.

    Raises
    ------
    ValueError
        Without `x1` and `x2`: the number of places that NumPy then returns depends on values.
    """
    if x1 is None or x2 is None:
        raise ValueError(
            "where takes a condition and two choices: where(condition, x1, x2); for the places of "
            "the elements of an array use numpy.nonzero"
        )
    return apply("where", (condition, x1, x2))


def _condition_and_choices(inputs: Any) -> list[Array]:
    return [as_array(inputs[0]).astype(bool, copy=False), *promoted(inputs[1:])]


RULES["where"] = Rule(
    np.where,
    (
        None,
        lambda d, y, condition, a, b: np.where(condition, d, 0),
        lambda d, y, condition, a, b: np.where(condition, 0, d),
    ),
    shapes.broadcast,
    _condition_and_choices,
)
