"""Checks of arguments: integers, real numbers, flags, dtypes, shapes and seeds.

Each check returns the value in its plain form, or raises an exception that says what was wanted and
what was given. `name` is what the message calls the argument, with its owner where the name alone
does not say enough: ``"Huber: delta"``.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Callable, Sequence
from typing import Any, Literal, NoReturn, overload

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Shape
from gru_c.common.random_seed import fresh_rng

Range = Literal["finite", ">= 0", "> 0", "[0, 1]", "[0, 1)", "(0, 1)", "(0, inf]", "float32"]

# For each range its description for messages, and the test of a number.
_RANGES: dict[Range, tuple[str, Callable[[Any], bool]]] = {
    "finite": ("a finite number", lambda value: _is_finite(value)),
    ">= 0": ("a finite number >= 0", lambda value: _is_finite(value) and value >= 0),
    "> 0": ("a finite number > 0", lambda value: _is_finite(value) and value > 0),
    "[0, 1]": ("a number in [0, 1]", lambda value: 0 <= value <= 1),
    "[0, 1)": ("a number in [0, 1)", lambda value: 0 <= value < 1),
    "(0, 1)": ("a number in (0, 1)", lambda value: 0 < value < 1),
    "(0, inf]": (
        "a number > 0",
        lambda value: value > 0 and (_is_finite(value) or value == math.inf),
    ),
    "float32": (
        "a finite number of float32",
        lambda value: _is_finite(value) and abs(float(value)) <= (2 - 2**-23) * 2.0**127,
    ),
}


class WrongTypeError(TypeError, ValueError):
    """An argument has the wrong type where a number is wanted.

    It is a TypeError, and also a ValueError so that ``except ValueError`` around a constructor
    catches every number that does not fit.
    """


@overload
def check_integer(
    name: str,
    value: object,
    low: int | None = ...,
    high: int | None = ...,
    *,
    optional: Literal[False] = ...,
    also: str = ...,
) -> int: ...


@overload
def check_integer(
    name: str,
    value: object,
    low: int | None = ...,
    high: int | None = ...,
    *,
    optional: Literal[True],
) -> int | None: ...


def check_integer(
    name: str,
    value: object,
    low: int | None = 0,
    high: int | None = None,
    *,
    optional: bool = False,
    also: str = "",
) -> int | None:
    """Return an integer as an int.

    Parameters
    ----------
    name : str
        What the message calls the argument.
    value : object
        An integer of Python, NumPy or another library, or an array without axes; not a bool.
    low, high : int or None
        The smallest and the largest integer allowed; None for no bound.
    optional : bool
        Also take None, and return it.
    also : str
        For the message: the other values that the caller accepts and has handled already.

    Raises
    ------
    WrongTypeError
        If `value` is not an integer. It is both a TypeError and a ValueError.
    ValueError
        If it is out of bounds.

    Examples
    --------
    >>> check_integer("units", 0, 1)
    Traceback (most recent call last):
    ...
    ValueError: units must be an integer of at least 1, got 0
    """
    if optional and value is None:
        return None
    wanted = "an integer"
    if high is not None:
        wanted += f" from {low} to {high}"
    elif low is not None:
        wanted += f" of at least {low}"
    wanted += also or (" or None" if optional else "")
    number = _plain(value)
    if isinstance(number, bool) or getattr(number, "shape", ()) != ():
        _refuse(name, wanted, value, WrongTypeError)
    try:
        integer = operator.index(number)
    except TypeError:
        _refuse(name, wanted, value, WrongTypeError)
    if (low is not None and integer < low) or (high is not None and integer > high):
        _refuse(name, wanted, integer)
    return integer


@overload
def check_real(
    name: str,
    value: object,
    within: Range = ...,
    *,
    optional: Literal[False] = ...,
    keep_int: bool = ...,
) -> float: ...


@overload
def check_real(
    name: str,
    value: object,
    within: Range = ...,
    *,
    optional: Literal[True],
    keep_int: bool = ...,
) -> float | None: ...


def check_real(
    name: str,
    value: object,
    within: Range = "finite",
    *,
    optional: bool = False,
    keep_int: bool = False,
) -> float | None:
    """Return a real number as a float.

    Parameters
    ----------
    name : str
        What the message calls the argument.
    value : object
        A number of Python, NumPy or another library, or an array without axes, such as a
        tensor that a schedule of another library returns; not a bool.
    within : {"finite", ">= 0", "> 0", "[0, 1]", "[0, 1)", "(0, 1)", "(0, inf]", "float32"}
        The numbers allowed; all but ``"(0, inf]"`` exclude infinity.
    optional : bool
        Also take None, and return it.
    keep_int : bool
        Return an integer as an int, so that a count reads as a count in a stored configuration.

    Raises
    ------
    WrongTypeError
        If `value` is not a real number. It is both a TypeError and a ValueError.
    ValueError
        If it is not in the range, or NaN.

    Examples
    --------
    >>> check_real("Huber: delta", 0, "> 0")
    Traceback (most recent call last):
    ...
    ValueError: Huber: delta must be a finite number > 0, got 0
    """
    if optional and value is None:
        return None
    wanted, holds = _RANGES[within]
    number = _plain(value)
    if isinstance(number, bool) or not isinstance(number, numbers.Real):
        _refuse(name, wanted + (" or None" if optional else ""), value, WrongTypeError)
    if not holds(number):
        _refuse(name, wanted + (" or None" if optional else ""), value)
    return int(number) if keep_int and isinstance(number, numbers.Integral) else float(number)


def _refuse(name: str, wanted: str, value: object, kind: type[Exception] = ValueError) -> NoReturn:
    raise kind(f"{name} must be {wanted}, got {value!r}") from None


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        return False


def _plain(value: Any) -> Any:
    """Return the number in an array without axes, of any library; other values unchanged."""
    if isinstance(value, numbers.Real) or getattr(value, "shape", None) != ():
        return value
    try:
        return value.item() if hasattr(value, "item") else float(value)
    except (TypeError, ValueError, RuntimeError):
        return value


def check_flag(name: str, value: object) -> bool:
    """Return a flag as a bool.

    Raises
    ------
    TypeError
        Unless it is True or False (also of NumPy), 0 or 1: any other object counts as True in an
        ``if``, the text "False" too.

    Examples
    --------
    >>> check_flag("use_bias", "False")
    Traceback (most recent call last):
    ...
    TypeError: use_bias must be True or False, got 'False'
    """
    if value is True or value is False:
        return value
    if isinstance(value, (bool, np.bool_)) or (
        isinstance(value, (int, np.integer)) and value in (0, 1)
    ):
        return bool(value)
    raise TypeError(f"{name} must be True or False, got {value!r}")


def check_choice(name: str, value: object, known: Sequence[str]) -> str:
    """Return a word in the spelling of `known`, in upper or lower case.

    Raises
    ------
    WrongTypeError
        If `value` is not a string.
    ValueError
        If it is not one of the words.

    Examples
    --------
    >>> check_choice("padding", "Same", ("valid", "same"))
    'same'
    """
    wanted = f"one of {', '.join(map(repr, known))}"
    if not isinstance(value, str):
        _refuse(name, wanted, value, WrongTypeError)
    for word in known:
        if word.lower() == value.lower():
            return word
    _refuse(name, wanted, value)


def check_flags(**flags: object) -> None:
    """Raise TypeError unless all of these are flags; see `check_flag`."""
    for name, value in flags.items():
        if value is not True and value is not False:
            check_flag(name, value)


def check_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Return float32 or float64 as a NumPy dtype.

    Raises
    ------
    TypeError, ValueError
        If it is not a dtype, or is neither of the two.
    """
    try:
        result = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype must be 'float32' or 'float64', got {dtype!r}") from None
    if result not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r}")
    return result


def check_sample_shape(shape: Sequence[int | None]) -> Shape:
    """Return the shape of one sample as a tuple; None stands for any length.

    Raises
    ------
    TypeError, ValueError
        If it is not a sequence of integers of at least 1 and None.
    """
    if isinstance(shape, (int, np.integer)) and not isinstance(shape, bool):
        raise TypeError(
            f"input_shape must be a tuple such as (10, 8), got {shape!r}: write ({shape},) for "
            f"samples of {shape} numbers, (None, {shape}) for sequences of {shape} features"
        )
    return check_sizes("input_shape", shape)


def check_sizes(name: str, shape: Sequence[int | None]) -> Shape:
    """Return a shape as a tuple of integers of at least 1 and None.

    Raises
    ------
    TypeError, ValueError
        If it is not a sequence of these.
    """
    try:
        sizes = tuple(shape)
    except TypeError:
        raise TypeError(f"{name} must be a tuple such as (10, 8), got {shape!r}") from None
    label = f"every size of {name} {sizes}"
    return tuple(None if size is None else check_integer(label, size, 1) for size in sizes)


def make_rng(seed: int | None) -> np.random.Generator:
    """Return a random generator for a seed; for None, one that differs each time.

    After `set_random_seed` those for None are the same in every run of a program.

    Raises
    ------
    TypeError, ValueError
        If NumPy does not take the seed, or it is a bool.
    """
    if seed is None:
        return fresh_rng()
    kind: type[Exception] = TypeError
    if not isinstance(seed, (bool, np.bool_)):
        try:
            return np.random.default_rng(seed)
        except (TypeError, ValueError):
            kind = ValueError if isinstance(seed, numbers.Integral) else TypeError
    raise kind(f"seed must be a non-negative integer or None, got {seed!r}")
