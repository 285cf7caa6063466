"""Learning rates as numbers, names, schedules and functions, and others that are refused."""

import math

import numpy as np
import pytest

from gru_c import schedules
from gru_c.schedules import CosineDecay


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


@pytest.mark.parametrize("spec", [True, None, [0.1], 1j])
def test_get_refuses(spec):
    with pytest.raises(TypeError, match="learning-rate schedule must be"):
        schedules.get(spec)
