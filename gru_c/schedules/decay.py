"""The schedules of Keras."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from gru_c.common import keras_names
from gru_c.common.registry import Configurable
from gru_c.common.validation import Range, check_flag, check_real


class Schedule(Configurable):
    """Base of all schedules; a subclass defines ``__call__``."""

    _keras_names = keras_names.SCHEDULE

    def __call__(self, step: int) -> float:
        """Return the learning rate at `step`, counted from 0."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step)")

    def _check(self, name: str, value: Any, interval: Range = ">= 0") -> float:
        return check_real(f"{type(self).__name__}: {name}", value, interval, keep_int=True)


class _RateDecay(Schedule):
    """Base of ExponentialDecay and InverseTimeDecay: their arguments and the staircase."""

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
    """The rate ``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate, decay_steps, decay_rate : float
        The numbers of the formula.
    staircase : bool
        Round the exponent down, so that the rate falls once in `decay_steps` steps.

    Examples
    --------
    >>> ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)(20)
    0.025
    """

    def __call__(self, step: int) -> float:
        """Return the learning rate at `step`."""
        return float(self.initial_learning_rate * self.decay_rate ** self._periods(step))


class InverseTimeDecay(_RateDecay):
    """The rate ``initial_learning_rate / (1 + decay_rate * step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate, decay_steps, decay_rate : float
        The numbers of the formula.
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
    """Return half a cosine from `scale` at fraction 0 to 0 at fraction 1, mixed with `alpha`."""
    return (1 - alpha) * scale * 0.5 * (1 + math.cos(math.pi * fraction)) + alpha


class CosineDecay(Schedule):
    """Half a cosine from the initial rate down to `alpha` times it, after a warm-up.

    Parameters
    ----------
    initial_learning_rate : float
        The first rate, of the warm-up if there is one.
    decay_steps : int
        Number of steps of the decay, without those of the warm-up.
    alpha : float
        The last rate as a fraction of the first.
    warmup_target : float, optional
        Rate at the end of a linear warm-up, where the decay begins. None: no warm-up, whatever
        `warmup_steps` is.
    warmup_steps : int
        Number of steps of the warm-up.

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
    """A cosine decay that is repeated in cycles, each `t_mul` times as long as the one before.

    Parameters
    ----------
    initial_learning_rate : float
        Rate at the start of the first cycle.
    first_decay_steps : int
        Number of steps of the first cycle.
    t_mul : float
        Factor of the length from one cycle to the next, at least 1.
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
        """Return the start of a cycle in lengths of the first one: 1 + t + ... + t^(cycle - 1)."""
        return cycle if self.t_mul == 1 else (self.t_mul**cycle - 1) / (self.t_mul - 1)

    def _cycle(self, time: float) -> int:
        """Return the number of the cycle at a time in lengths of the first one."""
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
    """The rate ``values[0]`` up to and including step ``boundaries[0]``, then ``values[1]``, etc.

    Parameters
    ----------
    boundaries : sequence of int
        Numbers of steps, strictly increasing.
    values : sequence of float
        One value more than boundaries.

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
    """The rate ``(initial - end) * (1 - step / decay_steps) ** power + end``, then ``end``.

    Parameters
    ----------
    initial_learning_rate, decay_steps, end_learning_rate, power : float
        The numbers of the formula.
    cycle : bool
        Stretch `decay_steps` to the next multiple after the step, instead of staying at ``end``.

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
