"""Initial values from initializers and from users' functions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, as_real, is_finite
from gru_c.initializers.base import Initializer

InitializerFunction = Callable[[tuple[int, ...], npt.DTypeLike, "np.random.Generator"], Array]


def initial_value(
    initializer: Initializer | InitializerFunction,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    rng: np.random.Generator,
    owner: str,
) -> Array:
    """Return the initial value of a weight, from an initializer or a user's function.

    `owner` is what the messages call the initializer.

    Raises
    ------
    ValueError
        If the array has another shape, or NaN or infinities.
    TypeError
        If it does not hold real numbers, or a function cannot be called with the shape.
    """
    made = as_real(f"the array of {owner}", _call(initializer, shape, dtype, rng, owner))
    with np.errstate(over="ignore"):
        value = np.array(made, dtype, order="C")
    if value.shape != shape:
        raise ValueError(f"{owner} made an array of shape {value.shape}, wanted {shape}")
    if not is_finite(value, dtype):
        raise ValueError(
            f"{owner} made an array with NaN or infinity in {dtype}: all initial values must be "
            "finite"
        )
    return value


def _call(
    initializer: Initializer | InitializerFunction,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    rng: np.random.Generator,
    owner: str,
) -> Array:
    """Call an initializer or a function with the arguments that it takes."""
    if isinstance(initializer, Initializer) and _draws(type(initializer)):
        return initializer(shape, dtype, rng)
    with_rng = takes_rng(initializer)
    try:
        if with_rng:
            return initializer(shape, dtype, rng)
        return cast(Callable[..., Array], initializer)(shape, dtype=dtype.name)
    except TypeError as error:
        arguments = "(shape, dtype, rng)" if with_rng else "(shape, dtype=...)"
        name = getattr(initializer, "__name__", type(initializer).__name__)
        raise TypeError(
            f"{owner} is the function {name}, which was called with {arguments} and failed: "
            f"{error}. Make a function of these arguments of it, such as "
            "lambda shape, dtype, rng: rng.standard_normal(shape)"
        ) from error


def _draws(cls: type[Initializer]) -> bool:
    """Return False for a class of Keras's kind, with a ``__call__`` of its own."""
    return cls.__call__ is Initializer.__call__


def takes_rng(function: Callable[..., Any]) -> bool:
    """Return True if a function takes (shape, dtype, rng), False if (shape, dtype=...).

    A third argument that has a default and another name than ``rng`` is one of Keras's. Raises
    TypeError for a function that takes neither list of arguments.
    """
    try:
        signature = inspect.signature(function)
    except ValueError:  # a built-in function without a signature
        return True
    third = [*signature.parameters.values()][2:3]
    is_rng = all(item.default is item.empty or item.name == "rng" for item in third)
    if is_rng and _binds(signature, (), "", None):
        return True
    if _binds(signature, (), dtype="float32"):
        return False
    raise TypeError(
        "an initializer of your own takes (shape, dtype, rng), or (shape, dtype=...) as in "
        f"Keras; got one with the arguments {signature}"
    )


def _binds(signature: inspect.Signature, *arguments: Any, **options: Any) -> bool:
    try:
        signature.bind(*arguments, **options)
    except TypeError:
        return False
    return True
