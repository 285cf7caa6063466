"""Numbers that come in as arguments."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from typing import Any

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


def finite_number(owner: str, name: str, value: Any, wanted: str = "") -> float:
    """Return a finite number, of the range `wanted`: any (""), ">= 0", "> 0" or "of float32".

    An integer stays one, so that a count reads as one in a stored configuration.

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
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not _is_finite(value) or not _RANGES[wanted](value):
        range_ = f" {wanted}" if wanted else ""
        raise ValueError(f"{owner}: {name} must be a finite number{range_}, got {value!r}")
    return int(value) if isinstance(value, numbers.Integral) else float(value)
