"""Callbacks that end a run: early stopping, and an end at NaN."""

import math

import numpy as np
import pytest
from callback_models import X, Y, compiled, fit
from tools import feed

from gru_c import callbacks, optimizers


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
