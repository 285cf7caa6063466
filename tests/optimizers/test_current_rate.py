"""The learning rate of an optimizer is a float that can be assigned, and follows a schedule."""

import copy
import json
import pickle

import numpy as np
import pytest

from gru_c import optimizers, schedules


def test_the_learning_rate_is_a_float_that_can_be_assigned():
    optimizer = optimizers.SGD(0.5)
    rate = optimizer.learning_rate
    assert isinstance(rate, float)
    assert rate.numpy() == rate.value == rate == 0.5
    assert rate.assign(rate / 2) is rate
    assert optimizer.learning_rate == rate == rate.value == float(rate) == 0.25
    assert (rate * 2, 1 - rate, f"{rate:.3f}", round(rate, 1), repr(rate)) == (
        *(0.5, 0.75),
        *("0.250", 0.2, "0.25"),
    )
    optimizer.learning_rate = 0.125  # by somebody else: a number that was read before stays
    assert rate == 0.25
    optimizer.learning_rate *= 2
    assert type(optimizer.rate_or_schedule) is float
    assert repr(optimizer).startswith("SGD(learning_rate=0.25")
    optimizer.learning_rate.assign(np.array([0.5]))
    assert optimizer.learning_rate == 0.5
    for wrong in (-1, np.nan, "fast", np.ones(2)):
        with pytest.raises((ValueError, TypeError), match=r"learning_rate\.assign: the value"):
            optimizer.learning_rate.assign(wrong)
    assert optimizer.learning_rate == 0.5


def test_copies_of_a_rate_are_plain_numbers():
    rate = optimizers.SGD(0.5).learning_rate
    assert json.dumps({"rate": rate}) == '{"rate": 0.5}'
    for again in (copy.deepcopy(rate), pickle.loads(pickle.dumps(rate))):
        assert type(again) is float
        assert again == 0.5


def test_the_learning_rate_of_a_schedule_is_the_current_one():
    schedule = schedules.ExponentialDecay(0.5, 10, 0.5)
    optimizer = optimizers.SGD(schedule)
    assert optimizer.learning_rate == 0.5
    optimizer.iterations = 20
    assert optimizer.learning_rate == 0.125
    assert optimizer.rate_or_schedule is schedule
    assert optimizer.get_config()["learning_rate"]["class_name"] == "ExponentialDecay"
    with pytest.raises(TypeError, match=r"set optimizer\.learning_rate = number"):
        optimizer.learning_rate.assign(0.25)
    optimizer.learning_rate = 0.25
    assert optimizer.learning_rate == optimizer.rate_or_schedule == 0.25


def test_a_function_is_not_called_for_a_description():
    optimizer = optimizers.SGD(lambda: 1 / 0)
    assert "learning_rate=<function" in repr(optimizer)
    optimizer.momentum = 0.5
    assert optimizer.momentum == 0.5
