"""Callbacks that set the learning rate."""

import math

import pytest
from callback_models import compiled, fit

from gru_c import callbacks, optimizers, schedules


def test_reduce_on_plateau_in_a_fit():
    model = compiled(optimizers.SGD(0.0))  # its loss stays the same
    model.optimizer.learning_rate = 1e-30
    reduce = callbacks.ReduceLROnPlateau("loss", 0.5, patience=2, min_lr=2e-31)
    history = fit(model, reduce, 9)
    expected = [1e-30] * 3 + [5e-31] * 2 + [2.5e-31] * 2 + [2e-31] * 2
    assert history.history["learning_rate"] == expected


@pytest.mark.parametrize(
    "schedule", [schedules.ExponentialDecay(0.1, 1, 0.5), lambda e, r: 0.1 * 0.5**e]
)
def test_learning_rate_scheduler(schedule):
    history = fit(compiled(), callbacks.LearningRateScheduler(schedule))
    assert history.history["learning_rate"] == [0.1, 0.05, 0.025]


@pytest.mark.parametrize("returned", [None, "0.1", lambda step: 0.1, -1.0, math.nan])
def test_a_rate_that_is_none(returned):
    model = compiled()
    with pytest.raises(ValueError, match=r"must return a number|must be a finite number"):
        fit(model, callbacks.LearningRateScheduler(lambda epoch: returned))
    assert model.optimizer.learning_rate == 0.001


@pytest.mark.parametrize(
    "callback",
    [callbacks.ReduceLROnPlateau("loss"), callbacks.LearningRateScheduler(lambda epoch: 0.1)],
)
def test_the_rate_of_a_schedule_is_not_set(callback):
    model = compiled(optimizers.Adam(schedules.CosineDecay(0.1, 10)))
    with pytest.raises(TypeError, match=r"sets the learning rate.*CosineDecay.*give the optimizer"):
        fit(model, callback)
    assert model.optimizer.iterations == 0
