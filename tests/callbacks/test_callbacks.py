"""Callbacks: when they are called, with what, and what those of the package do."""

import csv
import math

import numpy as np
import pytest
from tools import feed, recorder

from gru_c import GRU, Dense, History, Sequential, callbacks, load_model, optimizers, schedules
from gru_c.metrics import Metric

RNG = np.random.default_rng(41)
X, Y = RNG.standard_normal((20, 3)), RNG.standard_normal(20)


def compiled(optimizer="adam", metrics=None):
    model = Sequential([Dense(4, input_shape=(3,)), Dense(1)], seed=0)
    model.compile(optimizer, "mse", metrics)
    return model


def fit(model, callbacks, epochs=3, **options):
    return model.fit(X, Y, 8, epochs, 0, callbacks, **options)


# ---- the hooks ----------------------------------------------------------------------------------


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
    keep = callbacks.LambdaCallback(on_train_batch_end=lambda batch, found: logs.append(found))
    fit(model, keep, 1, shuffle=False)
    for seen, found in zip((8, 16, 20), logs, strict=True):
        expected = model.evaluate(X[:seen], Y[:seen], verbose=0)
        np.testing.assert_allclose([found["loss"], found["mae"]], expected, rtol=1e-6)


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
    assert fit(model, None, 2).epoch == [0, 1]  # not for ever


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
    ("given", "message"),
    [
        ([callbacks.TerminateOnNaN], r"write TerminateOnNaN\(\)"),
        ([print], "got <built-in function print>"),
        (0, "must be a list of Callback, got 0"),
    ],
)
def test_what_is_no_callback_is_refused(given, message):
    model = compiled()
    before = model.get_weights()
    with pytest.raises(TypeError, match=message):
        fit(model, given)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    with pytest.raises(TypeError, match=message):
        model.evaluate(X, Y, verbose=0, callbacks=given)
    with pytest.raises(TypeError, match=message):
        model.predict(X, verbose=0, callbacks=given)


def test_lambda_callback_refuses_what_is_no_hook():
    with pytest.raises(TypeError, match=r"no hook 'on_epoch_ends'; there are on_train_begin"):
        callbacks.LambdaCallback(on_epoch_ends=print)
    with pytest.raises(TypeError, match="on_epoch_end must be a function, got 3"):
        callbacks.LambdaCallback(on_epoch_end=3)


# ---- what is monitored --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        callbacks.EarlyStopping,
        callbacks.ReduceLROnPlateau,
        lambda **given: callbacks.ModelCheckpoint("a.safetensors", save_best_only=True, **given),
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


def test_early_stopping_goes_back_to_the_best_epoch():
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
        ("ModelCheckpoint", {"filepath": "a.keras"}, "should not be named 'a.keras'"),
        (
            "ModelCheckpoint",
            {"filepath": "a", "save_freq": 0},
            "save_freq must be an integer of at least 1",
        ),
        ("ModelCheckpoint", {"filepath": "a", "save_freq": "day"}, "save_freq must be an integer"),
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


# ---- learning rates -----------------------------------------------------------------------------


def test_reduce_on_plateau_in_a_fit():
    model = compiled(optimizers.SGD(0.0))  # whose loss stays
    model.optimizer.learning_rate = 1e-30
    reduce = callbacks.ReduceLROnPlateau("loss", 0.5, patience=2, min_lr=2e-31)
    history = fit(model, reduce, 9)
    expected = [1e-30] * 3 + [5e-31] * 2 + [2.5e-31] * 2 + [2e-31] * 2
    assert history.history["learning_rate"] == expected


@pytest.mark.parametrize(
    "given", [schedules.ExponentialDecay(0.1, 1, 0.5), lambda e, r: 0.1 * 0.5**e]
)
def test_learning_rate_scheduler(given):
    history = fit(compiled(), callbacks.LearningRateScheduler(given))
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


# ---- NaN ----------------------------------------------------------------------------------------


def diverging(epoch):
    """A model, and a callback that makes its loss infinite in an epoch."""
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
    model = compiled(optimizers.SGD(1e39))  # the first step's harm shows in no loss
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


# ---- files --------------------------------------------------------------------------------------


def test_model_checkpoint_names(tmp_path):
    path = tmp_path / "new" / "{epoch:02d}-{val_loss:.2f}.safetensors"
    model = compiled()
    history = fit(model, callbacks.ModelCheckpoint(path), 2, validation_split=0.2)
    first, second = history.history["val_loss"]
    names = sorted(file.name for file in path.parent.iterdir())
    assert names == [f"01-{first:.2f}.safetensors", f"02-{second:.2f}.safetensors"]
    again = load_model(path.parent / names[1])
    assert again.optimizer.iterations == 4
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    with pytest.raises(
        KeyError, match=r"has 'accuracy', which is not among the logs.* epoch, loss"
    ):
        fit(model, callbacks.ModelCheckpoint(tmp_path / "{accuracy}.safetensors"), 1)


def test_model_checkpoint_of_batches_and_of_weights(tmp_path):
    path = tmp_path / "{epoch}-{batch}.safetensors"
    fit(compiled(), callbacks.ModelCheckpoint(path, save_freq=2, save_weights_only=True), 2)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["1-2.safetensors", "2-1.safetensors", "2-3.safetensors"]
    assert load_model(tmp_path / names[0]).optimizer.iterations == 0
    monitored = callbacks.ModelCheckpoint(path, save_freq=2, save_best_only=True)
    with pytest.raises(ValueError, match="monitors 'val_loss', which no batch has"):
        fit(compiled(), monitored, validation_split=0.2)


def test_model_checkpoint_of_the_best(tmp_path, capsys):
    path = tmp_path / "{epoch}.safetensors"
    model = compiled()
    values = iter([2.0, 3.0, 1.0, 1.5])
    add = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(a=next(values)))
    save = callbacks.ModelCheckpoint(path, "a", verbose=1, save_best_only=True, mode="min")
    fit(model, [add, save], 4)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["1.safetensors", "3.safetensors"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "Epoch 2: a did not improve from 2.00000"
    assert lines[2].startswith("Epoch 3: a improved from 2.00000 to 1.00000, saved ")


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    model = compiled(metrics=["mae"])
    first = fit(model, callbacks.CSVLogger(path, ";"), 2, validation_split=0.2).history
    second = fit(model, callbacks.CSVLogger(path, ";", append=True), 1, validation_split=0.2)
    rows = list(csv.reader(path.read_text().splitlines(), delimiter=";"))
    assert rows[0] == ["epoch", "loss", "mae", "val_loss", "val_mae"]
    values = [[float(value) for value in row] for row in rows[1:]]
    assert values[1] == [1, *(first[name][1] for name in rows[0][1:])]
    assert values[2] == [0, *(second.history[name][0] for name in rows[0][1:])]
    fit(model, callbacks.CSVLogger(path), 1)
    assert len(path.read_text().splitlines()) == 2  # not appended
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        fit(model, callbacks.CSVLogger(tmp_path / "none" / "log.csv"))


def test_tensorboard(tmp_path):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    model = compiled(metrics=["mae"])
    board = callbacks.TensorBoard(tmp_path, update_freq=2)
    history = fit(model, board, 2, validation_split=0.2).history

    def read(part, tag):
        accumulator = accumulators.EventAccumulator(str(tmp_path / part))
        accumulator.Reload()
        events = accumulator.Tensors(tag)
        return [e.step for e in events], [e.tensor_proto.float_val[0] for e in events]

    for part, prefix in (("train", ""), ("validation", "val_")):
        for name in ("loss", "mae"):
            steps, values = read(part, f"epoch_{name}")
            assert steps == [0, 1]
            np.testing.assert_allclose(values, history[prefix + name], rtol=1e-6)
    assert read("train", "batch_loss")[0] == [2, 4]
    np.testing.assert_allclose(read("train", "epoch_learning_rate")[1], 0.001, rtol=1e-6)


def test_tensorboard_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorboard.summary", None)
    monkeypatch.setitem(__import__("sys").modules, "tensorboard", None)
    with pytest.raises(ImportError, match=r'pip install "gru_c\[tensorboard\]"'):
        fit(compiled(), callbacks.TensorBoard("nowhere"))


# ---- the history --------------------------------------------------------------------------------


def test_plot():
    pytest.importorskip("matplotlib").use("agg")
    from matplotlib import pyplot

    history = fit(compiled(metrics=["mae"]), None, 3, validation_split=0.2)
    figure = history.plot()
    assert [panel.get_ylabel() for panel in figure.axes] == ["loss", "mae"]
    training, validation = figure.axes[1].lines
    np.testing.assert_array_equal(training.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(training.get_ydata(), history.history["mae"])
    np.testing.assert_array_equal(validation.get_ydata(), history.history["val_mae"])
    assert len(history.plot("loss").axes) == 1
    pyplot.close("all")
    with pytest.raises(ValueError, match="no 'accuracy' has been recorded; there are loss, mae"):
        history.plot(["accuracy"])
    with pytest.raises(ValueError, match="nothing to plot"):
        History().plot()


def test_metrics_give_and_take_their_state():
    one, two = (compiled(metrics=["mae"]).metrics[0] for _ in range(2))
    one.update(Y, X[:, :1])
    two.set_state(one.get_state())
    assert isinstance(two, Metric)
    assert two.result() == one.result()
