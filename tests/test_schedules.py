"""Schedules: Keras's formulas at chosen steps, and refused arguments."""

import math

import numpy as np
import pytest

from gru_c import Dense, Sequential, optimizers, schedules
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


@pytest.mark.parametrize("rate", [0, 0.0, 1e-3, 2, np.float32(0.5), np.int64(1)])
def test_get_numbers(rate):
    got = schedules.get(rate)
    assert type(got) is float
    assert got == rate


@pytest.mark.parametrize("rate", [-1e-3, math.nan, math.inf, np.float32("nan")])
def test_bad_numbers(rate):
    with pytest.raises(ValueError, match="learning rate: the value must be a finite number >= 0"):
        schedules.get(rate)
    with pytest.raises(
        ValueError, match=r"learning rate at step 3: .* must be a finite number >= 0"
    ):
        schedules.rate_at(lambda step: rate, 3)


def test_get_others():
    schedule = CosineDecay(0.1, 10)
    assert schedules.get(schedule) is schedule
    spec = {"class_name": "ExponentialDecay", "config": {"initial_learning_rate": 0.1}}
    with pytest.raises(TypeError, match=r"'ExponentialDecay': .*decay_steps"):
        schedules.get(spec)

    def function(step):
        return 0.1 / (1 + step)

    assert schedules.get(function) is function
    assert schedules.rate_at(function, 1) == 0.05
    assert schedules.rate_at(schedule, 5) == pytest.approx(0.05)
    assert schedules.rate_at(0.25, 5) == 0.25


def test_a_function_without_arguments_is_called_before_every_step():
    rates = iter([0.5, 0.25, 0.125])
    optimizer = optimizers.SGD(lambda: next(rates))
    model = Sequential([Dense(1, kernel_initializer="zeros", use_bias=False, input_shape=(1,))])
    model.compile(optimizer, lambda y, p: (0.0, np.ones_like(p)))
    model.fit(np.ones((3, 1)), np.ones(3), batch_size=1, verbose=0)
    assert model.get_weights()[0] == -3 * 0.875 / 3
    optimizer.learning_rate = schedules.get(optimizer.rate_or_schedule)  # unchanged
    with pytest.raises(StopIteration):
        optimizer.rate_or_schedule(3)


def test_what_a_function_gives_is_checked():
    with pytest.raises(TypeError, match=r"f\(step\), or nothing, f\(\); got one with .*\(a, b\)"):
        schedules.get(lambda a, b: 0.1)
    with pytest.raises(ValueError, match=r"learning rate at step 4: .* got -1"):
        schedules.rate_at(schedules.get(lambda: -1), 4)


@pytest.mark.parametrize("spec", [True, None, [0.1], 1j])
def test_get_refuses(spec):
    with pytest.raises(TypeError, match="learning-rate schedule must be"):
        schedules.get(spec)


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


def test_arguments_with_defaults_keep_them_as_in_keras():
    assert schedules.rate_at(schedules.get(lambda rate=0.25: rate), 3) == 0.25
    assert schedules.rate_at(schedules.get(lambda *rates: 0.5 + len(rates)), 3) == 0.5
    for ambiguous in (lambda step=5: 0.1 * step, lambda iterations=0: 0.1):
        with pytest.raises(TypeError, match=r"as f\(\), as Keras does, and as f\(step\)"):
            schedules.get(ambiguous)


@pytest.mark.parametrize(
    "rate", [np.array([0.1]), np.array(-0.1), np.array(np.nan), np.array(True), np.array(1j), "0.1"]
)
def test_a_rate_of_a_function_that_is_no_number_is_refused(rate):
    with pytest.raises(ValueError, match="learning rate at step 3: the value must be a finite num"):
        schedules.rate_at(lambda step: rate, 3)
