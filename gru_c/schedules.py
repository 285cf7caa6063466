"""Learning rates that change with the step, with Keras's names, arguments and formulas.

A schedule is called with the number of optimizer steps taken so far, from 0, and returns the
learning rate of the next one.

References
----------
- Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, 2017 (the cosine
  schedules).
"""

from __future__ import annotations

import inspect
import math
import numbers
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, cast

from gru_c.utils import keras_names
from gru_c.utils.registry import Configurable, deserialize, serialize, snake_case
from gru_c.utils.validation import Range, check_flag, check_real

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "Schedule",
    "get",
    "rate_at",
    "serialize",
]


class Schedule(Configurable):
    """Base of all schedules; a subclass defines ``__call__``."""

    _keras_names = keras_names.SCHEDULE

    def __call__(self, step: int) -> float:
        """Return the learning rate at `step`, counted from 0."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step)")

    def _check(self, name: str, value: Any, interval: Range = ">= 0") -> float:
        return check_real(f"{type(self).__name__}: {name}", value, interval, keep_int=True)


class _RateDecay(Schedule):
    """What ExponentialDecay and InverseTimeDecay share: their arguments and the staircase."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
    ) -> None:
        self.initial_learning_rate = self._check("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._check("decay_steps", decay_steps, "> 0")
        self.decay_rate = self._check("decay_rate", decay_rate)
        self.staircase = check_flag("staircase", staircase)

    def _periods(self, step: int) -> float:
        periods = step / self.decay_steps
        return math.floor(periods) if self.staircase else periods


class ExponentialDecay(_RateDecay):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate, decay_steps, decay_rate : float
        As in the formula.
    staircase : bool
        Round the exponent down, so that the rate falls once every `decay_steps`.

    Examples
    --------
    >>> ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)(20)
    0.025
    """

    def __call__(self, step: int) -> float:
        """Return the learning rate at `step`."""
        return float(self.initial_learning_rate * self.decay_rate ** self._periods(step))


class InverseTimeDecay(_RateDecay):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate, decay_steps, decay_rate : float
        As in the formula.
    staircase : bool
        Round ``step / decay_steps`` down.

    Examples
    --------
    >>> InverseTimeDecay(0.1, decay_steps=10, decay_rate=1.0)(10)
    0.05
    """

    def __call__(self, step: int) -> float:
        """Return the learning rate at `step`."""
        return self.initial_learning_rate / (1 + self.decay_rate * self._periods(step))


def _cosine(fraction: float, scale: float, alpha: float) -> float:
    """Half a cosine from `scale` at fraction 0 down to 0 at 1, mixed with the floor `alpha`."""
    return (1 - alpha) * scale * 0.5 * (1 + math.cos(math.pi * fraction)) + alpha


class CosineDecay(Schedule):
    """Half a cosine from the initial rate down to `alpha` times it, after an optional warm-up.

    Parameters
    ----------
    initial_learning_rate : float
        Where it starts, the warm-up included.
    decay_steps : int
        Steps of the decay, those of the warm-up not counted.
    alpha : float
        The last rate as a fraction of the first.
    warmup_target : float, optional
        Rate at the end of a linear warm-up, from which it then decays. None: no warm-up, whatever
        `warmup_steps` is.
    warmup_steps : int
        Length of the warm-up.

    Examples
    --------
    >>> rate = CosineDecay(0.0, 100, warmup_target=0.2, warmup_steps=10)
    >>> rate(5), rate(10), round(rate(60), 3), rate(1000)
    (0.1, 0.2, 0.1, 0.0)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.initial_learning_rate = self._check("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._check("decay_steps", decay_steps, "> 0")
        self.alpha = self._check("alpha", alpha)
        if warmup_target is not None:
            warmup_target = self._check("warmup_target", warmup_target)
        self.warmup_target = warmup_target
        self.warmup_steps = self._check("warmup_steps", warmup_steps)

    def __call__(self, step: int) -> float:
        """Return the learning rate at `step`."""
        first = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return first + (self.warmup_target - first) * step / self.warmup_steps
            step, first = step - int(self.warmup_steps), self.warmup_target
        return first * _cosine(min(step / self.decay_steps, 1.0), 1.0, self.alpha)


class CosineDecayRestarts(Schedule):
    """Cosine decay that starts again and again, each cycle `t_mul` times as long as the one before.

    Parameters
    ----------
    initial_learning_rate : float
        Rate at the start of the first cycle.
    first_decay_steps : int
        Length of the first cycle.
    t_mul : float
        Growth of the cycles, at least 1.
    m_mul : float
        Factor of the starting rate from one cycle to the next.
    alpha : float
        The lowest rate as a fraction of the initial one.

    Examples
    --------
    >>> rate = CosineDecayRestarts(0.1, 10, t_mul=2.0, m_mul=0.5)
    >>> rate(0), rate(10), rate(30)
    (0.1, 0.05, 0.025)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
    ) -> None:
        self.initial_learning_rate = self._check("initial_learning_rate", initial_learning_rate)
        self.first_decay_steps = self._check("first_decay_steps", first_decay_steps, "> 0")
        self.t_mul = self._check("t_mul", t_mul)
        if self.t_mul < 1:
            # The lengths of shrinking cycles add up to a finite sum; no rate is defined beyond it.
            raise ValueError(f"CosineDecayRestarts: t_mul must be >= 1, got {t_mul}")
        self.m_mul = self._check("m_mul", m_mul)
        self.alpha = self._check("alpha", alpha)

    def _start(self, cycle: int) -> float:
        """Start of a cycle in units of the first one: 1 + t + ... + t^(cycle - 1)."""
        return cycle if self.t_mul == 1 else (self.t_mul**cycle - 1) / (self.t_mul - 1)

    def _cycle(self, time: float) -> int:
        if self.t_mul == 1:
            return math.floor(time)
        cycle = math.floor(math.log1p(time * (self.t_mul - 1)) / math.log(self.t_mul))
        # Rounding may leave the step of a restart at the very end of the old cycle, at rate 0.
        while time * (1 + 1e-12) >= self._start(cycle + 1):
            cycle += 1
        return cycle

    def __call__(self, step: int) -> float:
        """Return the learning rate at `step`."""
        time = step / self.first_decay_steps
        cycle = self._cycle(time)
        fraction = max(0.0, time - self._start(cycle)) / self.t_mul**cycle
        return self.initial_learning_rate * _cosine(fraction, self.m_mul**cycle, self.alpha)


class PiecewiseConstantDecay(Schedule):
    """``values[0]`` up to and including step ``boundaries[0]``, then ``values[1]``, and so on.

    Parameters
    ----------
    boundaries : sequence of int
        Strictly increasing.
    values : sequence of float
        One more than boundaries.

    Examples
    --------
    >>> rate = PiecewiseConstantDecay([10, 20], [0.1, 0.01, 0.001])
    >>> rate(0), rate(10), rate(11), rate(21)
    (0.1, 0.1, 0.01, 0.001)
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float]) -> None:
        self.boundaries = [self._check("each boundary", b) for b in boundaries]
        self.values = [self._check("each value", v) for v in values]
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                "PiecewiseConstantDecay wants one value more than boundaries, got "
                f"{len(self.values)} values and {len(self.boundaries)} boundaries"
            )
        if any(a >= b for a, b in zip(self.boundaries, self.boundaries[1:])):  # noqa: B905
            raise ValueError(
                f"PiecewiseConstantDecay: boundaries must increase, got {self.boundaries}"
            )

    def __call__(self, step: int) -> float:
        """Return the learning rate at `step`."""
        return self.values[bisect_left(self.boundaries, step)]


class PolynomialDecay(Schedule):
    """``(initial - end) * (1 - step / decay_steps) ** power + end``, constant after `decay_steps`.

    Parameters
    ----------
    initial_learning_rate, decay_steps, end_learning_rate, power : float
        As in the formula.
    cycle : bool
        Instead of staying constant, stretch `decay_steps` to the next multiple beyond the step.

    Examples
    --------
    >>> PolynomialDecay(0.1, 10, end_learning_rate=0.0)(5)
    0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
    ) -> None:
        self.initial_learning_rate = self._check("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._check("decay_steps", decay_steps, "> 0")
        self.end_learning_rate = self._check("end_learning_rate", end_learning_rate)
        self.power = self._check("power", power, "> 0")
        self.cycle = check_flag("cycle", cycle)

    def __call__(self, step: int) -> float:
        """Return the learning rate at `step`."""
        steps = self.decay_steps
        if self.cycle:
            steps *= max(1, math.ceil(step / steps))
        left = 1 - min(step / steps, 1.0)
        span = self.initial_learning_rate - self.end_learning_rate
        return float(span * left**self.power + self.end_learning_rate)


_CLASSES: tuple[type[Schedule], ...] = (
    ExponentialDecay,
    CosineDecay,
    CosineDecayRestarts,
    PiecewiseConstantDecay,
    PolynomialDecay,
    InverseTimeDecay,
)
SCHEDULES: dict[str, type[Schedule]] = {snake_case(c.__name__): c for c in _CLASSES}


class _Timeless:
    """A user's function without arguments, called as a schedule is."""

    def __init__(self, function: Callable[[], float]) -> None:
        self.function = function

    def __call__(self, step: int) -> float:
        """Return the rate that the function gives now."""
        return self.function()

    def __repr__(self) -> str:
        return repr(self.function)


def _of_function(function: Callable[..., float]) -> Callable[[int], float]:
    """Return a user's function as one of the step; TypeError where it takes something else."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # something built in, which has no signature
        return function
    if _binds(signature):
        first = next(iter(signature.parameters), "")
        if _binds(signature, 0) and ("step" in first or "iteration" in first):
            raise TypeError(
                f"a learning rate that is a function of {signature} can be called as f(), as Keras "
                f"does, and as f(step): write it without arguments, or {first!r} without a default"
            )
        return _Timeless(function)
    if _binds(signature, 0):
        return cast(Callable[[int], float], function)
    raise TypeError(
        f"a learning rate that is a function takes the number of steps, f(step), or nothing, f(); "
        f"got one with the arguments {signature}"
    )


def _binds(signature: inspect.Signature, *arguments: int) -> bool:
    try:
        signature.bind(*arguments)
    except TypeError:
        return False
    return True


def get(spec: object) -> float | Schedule | Callable[[int], float]:
    """Turn what a user gives as a learning rate into a number, a schedule or a function.

    Parameters
    ----------
    spec : float, Schedule, dict or callable
        A finite number >= 0, an instance, the dict of `serialize`, or a function: of the number
        of steps taken, ``f(step) -> float``, or of nothing, ``f() -> float``, as in Keras. It is
        called before every step. Arguments with a default keep it, as in ``lambda rate=0.1: rate``.

    Raises
    ------
    ValueError
        If the number is negative, infinite or NaN, or there is no schedule of that name.
    TypeError
        If `spec` is something else.

    Examples
    --------
    >>> get(0.1), get({"class_name": "CosineDecay",
    ...                "config": {"initial_learning_rate": 0.1, "decay_steps": 10}})(10)
    (0.1, 0.0)
    """
    if isinstance(spec, numbers.Real) and not isinstance(spec, bool):
        return check_real("learning rate: the value", spec, ">= 0")
    if callable(spec) and not isinstance(spec, (type, Schedule)):
        return spec if isinstance(spec, _Timeless) else _of_function(spec)
    return deserialize("learning-rate schedule", spec, SCHEDULES, Schedule)


def rate_at(rate: float | Callable[[int], float], step: int) -> float:
    """Return the learning rate at a step, whatever `get` returned.

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
    if type(value) is float and 0 <= value < math.inf:  # every optimizer step asks: no message yet
        return value
    return check_real(f"learning rate at step {step}: the value", value, ">= 0")
