"""Schedules: Keras's formulas at chosen steps, and refused arguments."""

import math

import pytest

from gru_c.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)


def half_cosine(fraction):
    return 0.5 * (1 + math.cos(math.pi * fraction))


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (ExponentialDecay(0.1, 10, 0.5), {0: 0.1, 5: 0.1 * 0.5**0.5, 10: 0.05, 30: 0.0125}),
        (ExponentialDecay(0.1, 10, 0.5, staircase=True), {0: 0.1, 9: 0.1, 10: 0.05, 19: 0.05}),
        (InverseTimeDecay(0.1, 10, 0.5), {0: 0.1, 5: 0.08, 10: 0.1 / 1.5, 20: 0.05}),
        (InverseTimeDecay(0.1, 10, 0.5, staircase=True), {9: 0.1, 10: 0.1 / 1.5, 19: 0.1 / 1.5}),
        (PolynomialDecay(0.1, 10), {0: 0.1, 5: 0.05005, 10: 1e-4, 99: 1e-4}),
        (PolynomialDecay(0.1, 10, 0.02, power=2), {0: 0.1, 5: 0.04, 10: 0.02}),
        (PolynomialDecay(0.1, 10, 0.0, cycle=True), {0: 0.1, 10: 0.0, 15: 0.025, 20: 0.0}),
        (PiecewiseConstantDecay([5, 9], [3, 2, 1]), {0: 3, 5: 3, 6: 2, 9: 2, 10: 1, 99: 1}),
        (CosineDecay(0.1, 10), {0: 0.1, 3: 0.1 * half_cosine(0.3), 5: 0.05, 10: 0.0, 50: 0.0}),
        (CosineDecay(0.1, 10, alpha=0.2), {0: 0.1, 5: 0.06, 10: 0.02, 50: 0.02}),
        (
            CosineDecay(0.1, 10, warmup_target=0.5, warmup_steps=4),
            {0: 0.1, 1: 0.2, 3: 0.4, 4: 0.5, 9: 0.25, 14: 0.0, 90: 0.0},
        ),
        (CosineDecay(0.1, 10, warmup_steps=4), {0: 0.1, 5: 0.05}),  # no target: no warm-up
        (
            CosineDecayRestarts(0.1, 10, t_mul=1.0, m_mul=0.5),
            {0: 0.1, 5: 0.05, 10: 0.05, 25: 0.0125},
        ),
        (
            CosineDecayRestarts(0.1, 10, t_mul=2.0, m_mul=0.5, alpha=0.1),
            {
                0: 0.1,
                5: 0.055,
                10: 0.1 * (0.9 * 0.5 + 0.1),
                20: 0.1 * (0.9 * 0.25 + 0.1),
                30: 0.1 * (0.9 * 0.25 + 0.1),
                70: 0.1 * (0.9 * 0.125 + 0.1),
            },
        ),
    ],
    ids=repr,
)
def test_rates(schedule, rates):
    assert {step: schedule(step) for step in rates} == pytest.approx(rates, rel=1e-12, abs=1e-17)


@pytest.mark.parametrize("t_mul", [1.05, 1.1, 1.4, 1.5, 1.6, 1.8, 2.0, 3.0])
def test_restarts_fall_on_the_right_step(t_mul):
    # Exactly where the cycles 1 + t + t^2 + ... end, logarithms round either way.
    schedule = CosineDecayRestarts(1.0, 10_000, t_mul=t_mul)
    start = 0.0
    for cycle in range(8):
        first = math.ceil(start)
        assert schedule(first) > 0.999, cycle
        start += 10_000 * t_mul**cycle
        last = math.ceil(start) - 1
        assert 0 <= schedule(last) < 0.001, cycle


@pytest.mark.parametrize(
    ("cls", "arguments", "message"),
    [
        (ExponentialDecay, (-0.1, 10, 0.5), "ExponentialDecay: initial_learning_rate .* >= 0"),
        (ExponentialDecay, (0.1, 0, 0.5), "ExponentialDecay: decay_steps .* > 0, got 0"),
        (ExponentialDecay, (0.1, 10, math.nan), "decay_rate must be a finite number"),
        (InverseTimeDecay, (0.1, 10, -0.5), "InverseTimeDecay: decay_rate .* >= 0"),
        (CosineDecay, (0.1, -5), "CosineDecay: decay_steps .* > 0"),
        (CosineDecay, (0.1, 5, -1), "alpha"),
        (CosineDecay, (0.1, 5, 0.0, math.inf), "warmup_target"),
        (CosineDecay, (0.1, 5, 0.0, 0.2, -1), "warmup_steps"),
        (CosineDecayRestarts, (0.1, 0), "first_decay_steps"),
        (CosineDecayRestarts, (0.1, 5, 0.5), "t_mul must be >= 1, got 0.5"),
        (CosineDecayRestarts, (0.1, 5, 2.0, -1.0), "m_mul"),
        (PolynomialDecay, (0.1, 5, -0.1), "end_learning_rate"),
        (PolynomialDecay, (0.1, 5, 0.1, 0), "power .* > 0"),
        (PiecewiseConstantDecay, ([1], [0.1]), "got 1 values and 1 boundaries"),
        (PiecewiseConstantDecay, ([2, 2], [3, 2, 1]), "boundaries must increase"),
        (PiecewiseConstantDecay, ([2], [0.1, -0.1]), "each value"),
    ],
)
def test_bad_arguments(cls, arguments, message):
    with pytest.raises(ValueError, match=message):
        cls(*arguments)
