"""Learning rates that change with the optimizer steps, with Keras's names and formulas.

A schedule is called with the number of optimizer steps taken, from 0, and returns the learning rate
of the next step.

References
----------
- Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, 2017 (the cosine
  schedules).
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable

from gru_c.common.registry import Registry, public_classes, serialize, snake_case
from gru_c.common.validation import check_real
from gru_c.schedules.decay import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
    Schedule,
)
from gru_c.schedules.user_function import as_schedule

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "Schedule",
    "deserialize",
    "get",
    "rate_at",
    "serialize",
]

LearningRateSchedule = Schedule  # Keras's name

SCHEDULES: dict[str, type[Schedule]] = {
    snake_case(c.__name__): c for c in public_classes(globals(), Schedule)
}
_REGISTRY = Registry("learning-rate schedule", SCHEDULES, Schedule)


def get(spec: object) -> float | Schedule | Callable[[int], float]:
    """Return a learning rate as a number, a schedule or a function of the step.

    Parameters
    ----------
    spec : float, Schedule, dict or callable
        A finite number >= 0, an instance, the dict of `serialize`, or a function: of the number of
        steps taken, ``f(step) -> float``, or without arguments, ``f() -> float``, as in Keras. It
        is called before every step. Arguments with a default keep it: ``lambda rate=0.1: rate``.

    Raises
    ------
    ValueError, TypeError
        If the number is negative or not finite, the name is unknown, or `spec` is something else.

    Examples
    --------
    >>> get(0.1), get({"class_name": "CosineDecay",
    ...                "config": {"initial_learning_rate": 0.1, "decay_steps": 10}})(10)
    (0.1, 0.0)
    """
    if isinstance(spec, numbers.Real) and not isinstance(spec, bool):
        return check_real("learning rate: the value", spec, ">= 0")
    if callable(spec) and not isinstance(spec, (type, Schedule)):
        return as_schedule(spec)
    return _REGISTRY.get(spec)


deserialize = get


def rate_at(rate: float | Callable[[int], float], step: int) -> float:
    """Return the learning rate at a step, from the number, schedule or function of `get`.

    Raises
    ------
    ValueError
        If a schedule or function gives a rate that is negative, infinite or NaN.

    Examples
    --------
    >>> rate_at(0.1, 7), rate_at(lambda step: 0.5**step, 2)
    (0.1, 0.25)
    """
    value = rate(step) if callable(rate) else rate
    if type(value) is float and 0 <= value < math.inf:  # the usual case, without a message
        return value
    return check_real(f"learning rate at step {step}: the value", value, ">= 0")
