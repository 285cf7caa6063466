"""Numbers that come in as arguments."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

_RANGES: dict[str, Callable[[Any], bool]] = {
    "": lambda value: True,
    ">= 0": lambda value: bool(value >= 0),
    "> 0": lambda value: bool(value > 0),
    "of float32": lambda value: abs(float(value)) <= (2 - 2**-23) * 2.0**127,
}


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        return False


def _plain(value: Any) -> Any:
    """Return the number in an array of no axes, of whatever library; anything else as it is."""
    if isinstance(value, numbers.Real) or getattr(value, "shape", None) != ():
        return value
    try:
        return value.item() if hasattr(value, "item") else float(value)
    except (TypeError, ValueError, RuntimeError):
        return value


def finite_number(owner: str, name: str, value: Any, wanted: str = "") -> float:
    """Return a finite number, of the range `wanted`: any (""), ">= 0", "> 0" or "of float32".

    An integer stays one, so that a count reads as one in a stored configuration. An array of no
    axes stands for its number, such as a tensor that a schedule of another library returns.

    Raises
    ------
    ValueError
        If it is none, and says whose argument it is.

    Examples
    --------
    >>> finite_number("Huber", "delta", 0, "> 0")
    Traceback (most recent call last):
    ...
    ValueError: Huber: delta must be a finite number > 0, got 0
    """
    number = _plain(value)
    real = isinstance(number, numbers.Real) and not isinstance(number, bool)
    if not real or not _is_finite(number) or not _RANGES[wanted](number):
        range_ = f" {wanted}" if wanted else ""
        raise ValueError(f"{owner}: {name} must be a finite number{range_}, got {value!r}")
    return int(number) if isinstance(number, numbers.Integral) else float(number)


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


def check_flags(**flags: object) -> None:
    """Raise TypeError unless all of these are flags; see `check_flag`."""
    for name, value in flags.items():
        if value is not True and value is not False:
            check_flag(name, value)
