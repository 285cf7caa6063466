"""Callbacks: when their hooks are called, and with which arguments."""

import numpy as np
import pytest
from callback_models import X, Y, compiled, fit
from tools import recorder

from gru_c import GRU, Sequential, callbacks, optimizers


def test_the_hooks_of_a_fit():
    calling = recorder()
    history = fit(compiled(metrics=["mae"]), [calling], 1, validation_split=0.2)
    names = [call[:-1] for call in calling.calls]
    batches = [(f"on_train_batch_{moment}", n) for n in range(2) for moment in ("begin", "end")]
    tests = [("on_test_batch_begin", 0), ("on_test_batch_end", 0)]
    assert names == [
        ("on_train_begin",),
        ("on_epoch_begin", 0),
        *batches,
        ("on_test_begin",),
        *tests,
        ("on_test_end",),
        ("on_epoch_end", 0),
        ("on_train_end",),
    ]
    assert calling.calls[-2][-1] == {name: [v][0] for name, (v,) in history.history.items()}
    assert list(calling.calls[3][-1]) == ["loss", "mae"]
    assert calling.params == {"verbose": 0, "epochs": 1, "steps": 2, "validation": True}


def test_the_logs_of_a_batch_are_those_of_the_epoch_so_far():
    model, logs = compiled(optimizers.SGD(0.0), ["mae"]), []
    keep = callbacks.LambdaCallback(on_train_batch_end=lambda batch, values: logs.append(values))
    fit(model, keep, 1, shuffle=False)
    for seen, values in zip((8, 16, 20), logs, strict=True):
        expected = model.evaluate(X[:seen], Y[:seen], verbose=0)
        np.testing.assert_allclose([values["loss"], values["mae"]], expected, rtol=1e-6)


def test_the_hooks_of_evaluate_and_predict():
    model, calling = compiled(metrics=["mae"]), recorder()
    loss, _ = model.evaluate(X, Y, 16, 0, callbacks=calling)
    assert [call[:-1] for call in calling.calls] == [
        ("on_test_begin",),
        *[(f"on_test_batch_{moment}", n) for n in range(2) for moment in ("begin", "end")],
        ("on_test_end",),
    ]
    assert calling.calls[-1][-1]["loss"] == loss
    calling.calls.clear()
    outputs = model.predict(X, 16, 0, callbacks=[calling])
    hooks = [call[0] for call in calling.calls]
    assert hooks == [
        "on_predict_begin",
        *["on_predict_batch_begin", "on_predict_batch_end"] * 2,
        "on_predict_end",
    ]
    np.testing.assert_array_equal(calling.calls[4][-1]["outputs"], outputs[16:])


def test_a_list_of_sequences_has_the_hooks_of_predict():
    model = Sequential([GRU(2, return_sequences=True, input_shape=(None, 1))], seed=0)
    calling = recorder()
    model.predict([np.ones((n, 1)) for n in (1, 2, 3)], 2, 0, callbacks=calling)
    assert [call[0] for call in calling.calls].count("on_predict_batch_end") == 2
    assert calling.calls[2][-1]["outputs"].shape == (2, 2, 2)


def test_the_older_names_of_the_batch_hooks():
    calls = []

    class Older(callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            calls.append((batch, logs["loss"] > 0))

    fit(compiled(), Older(), 1)
    assert calls == [(0, True), (1, True), (2, True)]


def test_what_a_callback_adds_to_the_logs_is_recorded():
    add = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(square=epoch**2))
    assert fit(compiled(), add).history["square"] == [0, 1, 4]


@pytest.mark.parametrize("hook", ["on_train_batch_end", "on_epoch_end"])
def test_stop_training(hook):
    model = compiled()

    def stop(number, logs):
        model.stop_training = number == 1

    history = fit(model, callbacks.LambdaCallback(**{hook: stop}), 5, validation_split=0.2)
    assert history.epoch == ([0] if hook == "on_train_batch_end" else [0, 1])
    assert model.optimizer.iterations == (2 if hook == "on_train_batch_end" else 4)
    assert "val_loss" in history.history
    assert fit(model, None, 2).epoch == [0, 1]  # only until the next fit


@pytest.mark.parametrize("hook", ["on_train_batch_begin", "on_train_batch_end", "on_epoch_end"])
def test_an_exception_ends_fit_and_leaves_a_whole_model(hook):
    model, twin = compiled(), compiled()

    def fail(number, logs):
        if number == 1:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit(model, callbacks.LambdaCallback(**{hook: fail}), shuffle=False)
    steps = {"on_train_batch_begin": 1, "on_train_batch_end": 2, "on_epoch_end": 6}[hook]
    assert model.optimizer.iterations == steps
    for n in range(steps):
        part = slice(n % 3 * 8, n % 3 * 8 + 8)
        twin.train_on_batch(X[part], Y[part])
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.history.epoch == ([0] if hook == "on_epoch_end" else [])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([callbacks.TerminateOnNaN], r"write TerminateOnNaN\(\)"),
        ([print], "got <built-in function print>"),
        (0, "must be a list of Callback, got 0"),
    ],
)
def test_other_objects_than_callbacks_are_refused(value, message):
    model = compiled()
    before = model.get_weights()
    with pytest.raises(TypeError, match=message):
        fit(model, value)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    with pytest.raises(TypeError, match=message):
        model.evaluate(X, Y, verbose=0, callbacks=value)
    with pytest.raises(TypeError, match=message):
        model.predict(X, verbose=0, callbacks=value)


def test_lambda_callback_refuses_unknown_hooks():
    with pytest.raises(TypeError, match=r"no hook 'on_epoch_ends'; there are on_train_begin"):
        callbacks.LambdaCallback(on_epoch_ends=print)
    with pytest.raises(TypeError, match="on_epoch_end must be a function, got 3"):
        callbacks.LambdaCallback(on_epoch_end=3)
