"""Callbacks that monitor a quantity, set the learning rate, or end a run."""

import math

import numpy as np
import pytest
from callback_models import X, Y, compiled, fit
from tools import feed

from gru_c import callbacks, optimizers, schedules

# ---- monitored quantities ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        callbacks.EarlyStopping,
        callbacks.ReduceLROnPlateau,
        lambda **options: callbacks.ModelCheckpoint(
            "a.safetensors", save_best_only=True, **options
        ),
    ],
)
def test_what_cannot_be_monitored(make):
    model = compiled(metrics=["mae", lambda y, p: 0.0])
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"monitors 'val_loss', but there is no validation"):
        fit(model, make())
    with pytest.raises(ValueError, match=r"less or more of 'nothing'.*monitor one of loss, mae"):
        fit(model, make(monitor="nothing"))
    with pytest.raises(ValueError, match="less or more of '<lambda>'"):
        fit(model, make(monitor="<lambda>"))
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match=r"'nothing', which is not among the logs: there are loss"):
        fit(model, make(monitor="nothing", mode="max"))
    with pytest.raises(ValueError, match="mode must be one of auto, min, max, got 'less'"):
        make(mode="less")
    with pytest.raises(TypeError, match="monitor must be the name of a log, got 3"):
        make(monitor=3)


@pytest.mark.parametrize(
    ("metric", "better"), [("accuracy", 0.9), ("binary_accuracy", 0.9), ("rmse", 0.1), ("mae", 0.1)]
)
def test_the_direction_of_a_metric_is_known(metric, better):
    model = compiled(metrics=[metric])
    stop = callbacks.EarlyStopping(f"val_{metric}", patience=1)
    feed(stop, [0.5, better, 0.5], f"val_{metric}", metrics=model.metrics)
    assert stop.best == better
    assert stop.stopped_epoch == 2


def test_early_stopping_restores_the_best_epoch():
    model, weights = compiled(optimizers.SGD(0.1)), []
    values = iter([3.0, 1.0, 2.0, 2.5])

    def judge(epoch, logs):
        logs["score"] = next(values)
        weights.append(model.get_weights())

    stop = callbacks.EarlyStopping("score", mode="min", patience=2, restore_best_weights=True)
    history = fit(model, [callbacks.LambdaCallback(on_epoch_end=judge), stop], 9)
    assert history.epoch == [0, 1, 2, 3]
    assert (stop.stopped_epoch, stop.best_epoch, stop.best) == (3, 1, 1.0)
    for a, b in zip(model.get_weights(), weights[1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_nan_never_improves():
    stop = callbacks.EarlyStopping("loss", patience=2)
    feed(stop, [math.nan, 2.0, math.nan, 1.0, math.nan, math.nan, 0.5])
    assert (stop.best, stop.stopped_epoch) == (1.0, 5)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("EarlyStopping", {"patience": -1}, "patience must be an integer of at least 0, got -1"),
        ("EarlyStopping", {"patience": 1.5}, "patience must be an integer of at least 0, got 1.5"),
        ("EarlyStopping", {"min_delta": math.nan}, "min_delta must be a finite number"),
        ("EarlyStopping", {"baseline": "a"}, "baseline must be a finite number"),
        ("ReduceLROnPlateau", {"factor": 1.0}, "factor must be a number in \\(0, 1\\), got 1.0"),
        ("ReduceLROnPlateau", {"factor": 0}, "factor must be a number in"),
        ("ReduceLROnPlateau", {"min_lr": -1}, "min_lr must be a finite number >= 0"),
        ("LearningRateScheduler", {"schedule": 3}, "schedule must be a function, got 3"),
        ("ModelCheckpoint", {"filepath": "a.npz"}, "one of .safetensors, .keras, .h5, .hdf5"),
        (
            "ModelCheckpoint",
            {"filepath": "a.keras", "save_weights_only": True},
            "'a.keras' holds a whole model.* one of .safetensors, .weights.h5, .h5, .hdf5",
        ),
        (
            "ModelCheckpoint",
            {"filepath": "a.h5", "save_freq": 0},
            "save_freq must be an integer of at least 1",
        ),
        (
            "ModelCheckpoint",
            {"filepath": "a.h5", "save_freq": "day"},
            "save_freq must be an integer",
        ),
        ("CSVLogger", {"filename": "a", "separator": "ab"}, "separator must be one character"),
        (
            "TensorBoard",
            {"update_freq": "day"},
            "update_freq must be an integer of at least 1 or 'epoch', got 'day'",
        ),
    ],
)
def test_arguments_that_do_not_fit(kind, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        getattr(callbacks, kind)(**options)


# ---- learning rates ------------------------------------------------------------------------------


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


# ---- NaN -----------------------------------------------------------------------------------------


def diverging(epoch):
    """Return a model, and a callback that makes its loss infinite in an epoch."""
    model = compiled(optimizers.SGD(0.01))

    def spoil(number, logs):
        if number == epoch:
            model.optimizer.learning_rate = 1e15

    return model, callbacks.LambdaCallback(on_epoch_begin=spoil)


def test_terminate_on_nan_ends_quietly(capsys):
    model, spoil = diverging(2)
    twin = compiled(optimizers.SGD(0.01))
    fit(twin, None, 2)
    history = fit(model, [spoil, callbacks.TerminateOnNaN()], 9)
    assert history.epoch == [0, 1]
    assert model.optimizer.iterations == 6
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert "of epoch 3" in capsys.readouterr().out


def test_terminate_on_nan_ends_quietly_for_a_weight():
    model = compiled(optimizers.SGD(1e39))  # after the only step no loss is computed
    history = model.fit(X, Y, 32, 3, 0, callbacks.TerminateOnNaN())
    assert history.epoch == []
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_without_it_or_with_raise_error_there_is_an_exception():
    model, spoil = diverging(1)
    with pytest.raises(RuntimeError, match="the loss became"):
        fit(model, [spoil, callbacks.TerminateOnNaN(raise_error=True)])
    assert model.optimizer.iterations == 3
    model, spoil = diverging(1)
    with pytest.raises(FloatingPointError, match="the loss became"):
        fit(model, spoil)
