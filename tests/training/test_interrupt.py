"""Ctrl-C while a model trains."""

import signal
import threading

import numpy as np
import pytest

from gru_c import GRU, Dense, Sequential, callbacks, optimizers
from gru_c.training.interrupt import Interrupt

RNG = np.random.default_rng(43)
X, Y = RNG.standard_normal((20, 4, 3)).astype(np.float32), RNG.standard_normal(20)


@pytest.fixture(autouse=True)
def _clean_handler(monkeypatch):
    """Require Python's handler before and after a test, and forget earlier Ctrl-C."""
    monkeypatch.setattr(Interrupt, "_last", -100.0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def compiled():
    model = Sequential([GRU(3, input_shape=(4, 3)), Dense(1)], seed=0)
    model.compile("adam", "mse")
    return model


def press(number=None, times=1):
    """Return a hook that presses Ctrl-C, in every call or only in that of a number."""

    def hook(now, logs):
        if number in (None, now):
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)

    return hook


def fit(model, epochs=3, **options):
    return model.fit(X, Y, 8, epochs, 0, shuffle=False, **options)


def steps(count):
    """Return a model after so many optimizer steps."""
    model = compiled()
    for n in range(count):
        part = slice(n % 3 * 8, n % 3 * 8 + 8)
        model.train_on_batch(X[part], Y[part])
    return model


def assert_same(actual, expected):
    assert actual.optimizer.iterations == expected.optimizer.iterations
    for a, b in zip(actual.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert actual.optimizer.slots
    for name in actual.optimizer.slots:
        views = [m.parameters.views(m.optimizer.slots[name]) for m in (actual, expected)]
        pairs = zip(*views, strict=True)
        assert all((a == b).all() for a, b in pairs)


@pytest.mark.parametrize("batch", [0, 1, 2])
def test_the_first_ends_the_run_after_the_batch(batch, capsys):
    model, ended = compiled(), []
    hooks = callbacks.LambdaCallback(
        on_train_batch_begin=press(batch), on_train_end=lambda logs: ended.append(logs)
    )
    history = fit(model, callbacks=hooks)
    assert history is model.history
    assert history.interrupted
    assert history.epoch == []
    assert ended == [{}]
    assert_same(model, steps(batch + 1))
    assert f"Interrupted after batch {batch + 1} of epoch 1" in capsys.readouterr().out


def test_the_history_has_the_epochs_before():
    model = compiled()
    hooks = callbacks.LambdaCallback(on_epoch_begin=press(2))
    history = fit(model, 9, callbacks=hooks)
    assert history.epoch == [0, 1]
    assert len(history.history["loss"]) == 2
    assert_same(model, steps(7))
    assert "interrupted" in repr(history)


def test_in_the_validation_or_after_an_epoch():
    for hook, epochs in (("on_test_batch_begin", []), ("on_epoch_end", [0])):
        model, number = compiled(), 0
        history = fit(
            model,
            validation_data=(X, Y),
            callbacks=callbacks.LambdaCallback(**{hook: press(number)}),
        )
        assert history.epoch == epochs
        assert history.interrupted
        assert_same(model, steps(3))
        Interrupt._last = -100.0


def test_the_second_raises_at_once():
    model = compiled()
    with pytest.raises(KeyboardInterrupt):
        fit(model, callbacks=callbacks.LambdaCallback(on_train_batch_begin=press(1, times=2)))
    assert_same(model, steps(1))


def test_the_second_raises_in_the_next_run_too():
    hooks = callbacks.LambdaCallback(on_train_batch_begin=press())
    assert fit(compiled(), callbacks=hooks).interrupted
    with pytest.raises(KeyboardInterrupt):
        fit(compiled(), callbacks=hooks)
    Interrupt._last = -100.0  # a long time ago
    assert fit(compiled(), callbacks=hooks).interrupted


def test_the_second_in_the_middle_of_a_step_restores_the_beginning_of_the_epoch():
    class Pressed(optimizers.Adam):
        def _update(self, *arguments):
            if self.iterations == 5:  # counted, but not taken yet
                press(times=2)(None, None)
            super()._update(*arguments)

    model = compiled()
    model.compile(Pressed(), "mse")
    with pytest.raises(KeyboardInterrupt):
        fit(model)
    assert_same(model, steps(3))


def test_a_handler_of_the_program_stays():
    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    try:
        history = fit(compiled(), callbacks=callbacks.LambdaCallback(on_epoch_begin=press(0)))
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [1]
    assert not history.interrupted
    assert history.epoch == [0, 1, 2]


def test_other_threads_train_without_a_handler():
    seen = []

    def train():
        hook = callbacks.LambdaCallback(
            on_epoch_begin=lambda *_: seen.append(signal.getsignal(signal.SIGINT))
        )
        seen.append(fit(compiled(), 1, callbacks=hook).epoch)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler, [0]]


def test_the_handler_goes_with_an_exception():
    def fail(epoch, logs):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit(compiled(), callbacks=callbacks.LambdaCallback(on_epoch_end=fail))
    # the fixture checks the handler


def test_an_estimator_stays_unfitted():
    estimator = pytest.importorskip("gru_c.sklearn").GRURegressor(3, epochs=10**6, random_state=0)
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X, Y)
    timer.join()
    assert not hasattr(estimator, "model_")
