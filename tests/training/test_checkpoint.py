"""fit(..., checkpoint=, resume=True): the bits of a run that nothing interrupted."""

import json
import re
import signal
from contextlib import suppress

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from gru_c import (
    GRU,
    Bidirectional,
    Dense,
    Dropout,
    Sequential,
    callbacks,
    load_model,
    optimizers,
    schedules,
)
from gru_c.metrics import Metric, RootMeanSquaredError
from gru_c.training import checkpoint
from gru_c.training.interrupt import Interrupt

RNG = np.random.default_rng(47)
X = RNG.standard_normal((20, 6, 2)).astype(np.float32)
Y, STEPS = RNG.standard_normal(20), RNG.standard_normal((20, 6, 1))
LISTS = [RNG.standard_normal((n, 2)) for n in RNG.integers(1, 7, 20)]


class Crash(Exception):  # noqa: N818
    """What ends a run somewhere."""


def at(batch, action):
    """A callback that does something after so many batches of a run."""
    seen = []

    def count(number, logs):
        seen.append(number)
        if len(seen) == batch:
            action()

    return callbacks.LambdaCallback(on_train_batch_end=count)


def crash():
    raise Crash


def dropping(optimizer=None, loss="mse", **options):
    layers = [
        GRU(4, dropout=0.2, recurrent_dropout=0.2, return_sequences=True, input_shape=(None, 2)),
        Dropout(0.3, seed=3),
        Bidirectional(GRU(3, zoneout=0.2, dropout=0.1, **options)),
        Dense(1),
    ]
    model = Sequential(layers, seed=5)
    model.compile(optimizer or optimizers.Adam(0.01, global_clipnorm=1.0), loss, ["mae", "rmse"])
    return model


def stateful():
    model = Sequential(
        [GRU(3, stateful=True, return_sequences=True, input_shape=(6, 2)), Dense(1)], seed=5
    )
    model.compile(optimizers.SGD(schedules.CosineDecay(0.1, 9), momentum=0.9), "mse")
    return model


RUNS = {
    "arrays": (dropping, X, Y, {"validation_split": 0.2}),
    "lists": (dropping, LISTS, Y, {"bucket": True, "seed": 1}),
    "pieces": (stateful, X, STEPS, {"bptt_steps": 4, "shuffle": False, "batch_size": 10}),
    "states": (stateful, X, STEPS, {"shuffle": True, "batch_size": 5}),
}


def train(kind, epochs=2, **options):
    """A new model, trained; it is returned also where the run crashed."""
    make, x, y, given = RUNS[kind]
    model = make()
    with suppress(Crash):
        model.fit(x, y, **{"epochs": epochs, "verbose": 0, "batch_size": 7, **given, **options})
    return model


def everything(model):
    """What a run leaves, as comparable values; the padding of the slots is nobody's."""
    optimizer, parameters = model.optimizer, model.parameters
    slots = [parameters.views(slot) for slot in optimizer.slots.values()]
    arrays = [*model.get_weights(), *(view for views in slots for view in views)]
    arrays += [one.state for layer in model.stateful_layers for one in layer.directions]
    generators = [model.rng, *(layer.rng for layer in model.layers if hasattr(layer, "rng"))]
    return (
        [array.tobytes() for array in arrays],
        [generator.bit_generator.state for generator in generators],
        optimizer.iterations,
        optimizer.learning_rate if isinstance(optimizer.learning_rate, float) else None,
        model.history.history,
        model.history.epoch,
    )


# ---- interrupted, and gone on with --------------------------------------------------------------


@pytest.mark.parametrize("kind", RUNS)
def test_interrupted_at_every_batch(kind, tmp_path):
    expected = everything(train(kind))
    batches = 2 * {"arrays": 3, "lists": 3, "pieces": 2, "states": 4}[kind]
    for batch in range(1, batches + 1):
        options = {"checkpoint": tmp_path / f"{batch}.safetensors"}
        broken = train(kind, callbacks=at(batch, crash), checkpoint_interval=0, **options)
        assert everything(broken) != expected
        assert everything(train(kind, resume=True, **options)) == expected, batch


def test_interrupted_again_and_again(tmp_path):
    options = {"checkpoint": tmp_path / "run.safetensors", "checkpoint_interval": 0}
    for _ in range(20):
        last = train("arrays", callbacks=at(2, crash), resume=True, **options)
        if len(last.history.epoch) == 2:
            break
    assert everything(last) == everything(train("arrays"))


PROGRAM = """
import hashlib, json, os, signal, sys
import numpy as np
from gru_c import GRU, Bidirectional, Dense, Dropout, Sequential, callbacks, optimizers
kill_at, where, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
rng = np.random.default_rng(0)
X, Y = rng.standard_normal((40, 5, 3)), rng.standard_normal(40)
gru = GRU(6, dropout=0.2, return_sequences=True, input_shape=(5, 3))
both = Bidirectional(GRU(3, recurrent_dropout=0.1))
model = Sequential([gru, Dropout(0.2), both, Dense(1)], seed=1)
model.compile(optimizers.Adam(0.01), "mse", ["mae"])
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
seen = []
def count(batch, logs):
    seen.append(batch)
    if len(seen) == kill_at:
        if where == "write":
            os.fsync = die
        else:
            die()
history = model.fit(
    X, Y, 8, 5, 0, callbacks.LambdaCallback(on_train_batch_end=count), validation_split=0.2,
    checkpoint=path, checkpoint_interval=0, resume=True,
)
slots = [v.tobytes() for s in model.optimizer.slots.values() for v in model.parameters.views(s)]
state = [w.tobytes() for w in model.get_weights()] + slots
print(hashlib.md5(b"".join(state)).hexdigest(), json.dumps(history.history), model.rng.random())
"""


def test_killed(run_python, tmp_path):
    def run(kill_at, where, path):
        code = f"import sys; sys.argv[1:] = [{kill_at}, {where!r}, {str(tmp_path / path)!r}]\n"
        return run_python(code + PROGRAM)

    whole = run(99, "", "whole.safetensors")
    assert whole.returncode == 0, whole.stderr
    for kill_at, where in ((7, "batch"), (5, "write"), (3, "batch")):
        assert run(kill_at, where, "run.safetensors").returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob(".run.safetensors.*.tmp"))) == 0  # the third one took it away
    assert run(99, "", "run.safetensors").stdout == whole.stdout


@pytest.mark.parametrize("hook", ["on_train_batch_end", "on_test_batch_begin", "on_epoch_end"])
def test_after_ctrl_c(hook, tmp_path, monkeypatch):
    monkeypatch.setattr(Interrupt, "_last", -100.0)
    path, calls = tmp_path / "run.safetensors", []

    def press(number, logs):
        calls.append(number)
        if len(calls) == 1:
            signal.raise_signal(signal.SIGINT)

    first = train("arrays", callbacks=callbacks.LambdaCallback(**{hook: press}), checkpoint=path)
    assert first.history.interrupted
    again = train("arrays", checkpoint=path, resume=True)
    assert not again.history.interrupted
    assert everything(again) == everything(train("arrays"))


def test_the_callbacks_go_on_where_they_were(tmp_path):
    def run(folder, epochs=12, **options):
        folder.mkdir(exist_ok=True)
        kept = [
            callbacks.ReduceLROnPlateau("loss", 0.5, patience=1, min_delta=0.05),
            callbacks.EarlyStopping(min_delta=0.02, patience=3, restore_best_weights=True),
            callbacks.ModelCheckpoint(folder / "{epoch}.safetensors", save_best_only=True),
            callbacks.CSVLogger(folder / "log.csv"),
        ]
        return train("arrays", epochs, callbacks=kept + options.pop("more", []), **options)

    expected = run(tmp_path / "whole")
    assert 5 < len(expected.history.epoch) < 12
    assert len(set(expected.history.history["learning_rate"])) > 1
    path = {"checkpoint": tmp_path / "run.safetensors"}
    for batch in (5, 8, 2):
        run(tmp_path / "parts", more=[at(batch, crash)], resume=True, checkpoint_interval=0, **path)
    assert everything(run(tmp_path / "parts", resume=True, **path)) == everything(expected)
    whole, parts = (tmp_path / "whole", tmp_path / "parts")
    assert (whole / "log.csv").read_text() == (parts / "log.csv").read_text()
    assert {file.name for file in whole.iterdir()} == {file.name for file in parts.iterdir()}
    # It was ended by a callback: that holds, and the weights are those of the best epoch again.
    assert everything(run(tmp_path / "parts", 20, resume=True, **path)) == everything(expected)


def test_lines_behind_the_file_are_written_again(tmp_path):
    log, path = tmp_path / "log.csv", tmp_path / "run.safetensors"
    train("arrays", callbacks=[callbacks.CSVLogger(log)], checkpoint=path)
    lines = log.read_text()
    log.write_text(lines + "2,of a run that was killed before it wrote its file\n")
    train("arrays", 3, callbacks=[callbacks.CSVLogger(log)], checkpoint=path, resume=True)
    assert log.read_text().startswith(lines)
    assert [line.split(",")[0] for line in log.read_text().splitlines()] == ["epoch", *"012"]


def test_a_finished_run_and_more_epochs(tmp_path):
    path = tmp_path / "run.safetensors"
    assert not path.exists()
    expected = train("arrays", resume=True, checkpoint=path)  # no file: anew
    assert everything(expected) == everything(train("arrays"))
    refuse = callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: crash())
    again = train("arrays", resume=True, checkpoint=path, callbacks=refuse)
    assert everything(again) == everything(expected)
    longer = train("arrays", 4, resume=True, checkpoint=path)
    assert everything(longer) == everything(train("arrays", 4))


def test_without_resume_a_run_begins_anew(tmp_path):
    path = tmp_path / "run.safetensors"
    train("arrays", 1, checkpoint=path)
    assert everything(train("arrays", checkpoint=path)) == everything(train("arrays"))


def test_a_model_that_is_not_built_yet(tmp_path):
    def run(**options):
        model = Sequential([GRU(3, dropout=0.2), Dense(1)], seed=0)
        model.compile("rmsprop", "mse")
        return model, lambda: model.fit(X, Y, 8, 2, 0, **options)

    whole, fit = run()
    fit()
    path = {"checkpoint": tmp_path / "run.safetensors", "checkpoint_interval": 0}
    _, fit = run(callbacks=at(4, crash), **path)
    with pytest.raises(Crash):
        fit()
    model, fit = run(resume=True, **path)
    fit()
    assert everything(model) == everything(whole)


def test_functions_of_the_user(tmp_path):
    def loss(y, p):
        return float(((p[:, 0] - y) ** 2).mean()), 2 * (p - y[:, None]) / len(y)

    def run(**options):
        model = dropping(optimizers.SGD(lambda step: 0.1 / (1 + step)), loss)
        model.fit(X, Y, 8, 3, 0, **options)
        return model

    path = {"checkpoint": tmp_path / "run.safetensors", "checkpoint_interval": 0}
    with pytest.raises(Crash):
        run(callbacks=at(5, crash), **path)
    assert everything(run(resume=True, **path)) == everything(run())
    assert load_model(path["checkpoint"]).optimizer is None


def test_the_file_is_a_model(tmp_path):
    path = tmp_path / "run.safetensors"
    model = train("arrays", checkpoint=path)
    again = load_model(path)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_model_that_is_trained_already_goes_back(tmp_path):
    path = tmp_path / "run.safetensors"
    model = train("arrays", checkpoint=path)
    expected = everything(model)
    model.fit(X, Y, epochs=1, verbose=0)
    _, x, y, options = RUNS["arrays"]
    model.fit(x, y, 7, 2, 0, checkpoint=path, resume=True, **options)
    assert everything(model) == expected


def test_a_rollback_after_going_on(tmp_path):
    path = tmp_path / "run.safetensors"
    train("arrays", callbacks=at(2, crash), checkpoint=path, checkpoint_interval=0)

    def spoil(batch, logs):
        model.parameters.values[:] = np.nan

    model = dropping()
    _, x, y, options = RUNS["arrays"]
    with pytest.raises(FloatingPointError, match="as they were when this run was taken up again"):
        model.fit(
            x, y, 7, 2, 0, callbacks.LambdaCallback(on_train_batch_begin=spoil),
            checkpoint=path, resume=True, **options,
        )  # fmt: skip
    assert model.optimizer.iterations == 1
    assert np.isfinite(model.get_weights()[0]).all()


# ---- what callbacks and metrics keep ------------------------------------------------------------


class Keeping(callbacks.Callback):
    def __init__(self, value=None):
        self.value = value

    def get_state(self):
        return {"value": self.value}

    def set_state(self, state):
        self.value = state["value"]


def test_a_state_of_the_user(tmp_path):
    path = tmp_path / "run.safetensors"
    value = [{"a": np.arange(3), "b": [np.float32(0.5), None, True, "c"]}, np.ones((0, 2))]
    train("arrays", callbacks=Keeping(value), checkpoint=path)
    train("arrays", callbacks=(kept := Keeping()), checkpoint=path, resume=True)
    assert kept.value[0]["b"] == [0.5, None, True, "c"]
    np.testing.assert_array_equal(kept.value[0]["a"], [0, 1, 2])
    assert kept.value[1].shape == (0, 2)
    for bad in (crash, {"tensor": 1}, {1: 2}):
        with pytest.raises(TypeError, match=r"cannot hold state\['callbacks'\]\[0\]\['value'\]"):
            train("arrays", callbacks=Keeping(bad), checkpoint=path)
    train("arrays", callbacks=Keeping(), checkpoint=path, resume=True)  # the file is whole


def test_a_metric_that_sums_something_else(tmp_path):
    class Largest(Metric):
        def reset(self):
            self.largest = 0.0

        def update(self, y, p, mask=None):
            self.largest = max(self.largest, float(abs(p).max()))

        def result(self):
            return self.largest

    model = dropping()
    model.compile("adam", "mse", [Largest()])
    with pytest.raises(ValueError, match=r"'largest' has its own reset.*define get_state"):
        model.fit(X, Y, verbose=0, checkpoint=tmp_path / "run.safetensors")
    model.compile("adam", "mse", [RootMeanSquaredError()])  # which only has its own result
    model.fit(X, Y, verbose=0, checkpoint=tmp_path / "run.safetensors")


# ---- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 5}, "batch_size was 7, is 5"),
        ({"epochs": 1}, "epochs was 2, is 1"),
        ({"shuffle": False}, "shuffle was True, is False"),
        ({"seed": np.int64(3)}, "seed was None, is 3"),
        ({"initial_epoch": 1}, "initial_epoch was 0, is 1"),
        (
            {"validation_split": 0.0},
            "validation was 0.2, is None",
        ),
        (
            {"callbacks": callbacks.EarlyStopping()},
            r"callbacks was \[\], is absent; callbacks.0 was",
        ),
        (
            {"model": {"optimizer": optimizers.Adam(0.02, global_clipnorm=1.0)}},
            "rate was 0.01, is 0.02",
        ),
        ({"model": {"optimizer": "sgd"}}, "optimizer.class was 'Adam', is 'SGD'"),
        ({"model": {"loss": "mae"}}, "loss.class was"),
        ({"model": {"reset_after": False}}, "reset_after was True, is False"),
    ],
)
def test_another_run_is_refused(changes, message, tmp_path):
    path = tmp_path / "run.safetensors"
    train("arrays", checkpoint=path)
    content = path.read_bytes()
    model = dropping(**changes.pop("model", {}))
    before = model.get_weights()
    options = {"batch_size": 7, "epochs": 2, **RUNS["arrays"][-1], **changes}
    with pytest.raises(ValueError, match=f"run.safetensors: this is another run: .*{message}"):
        model.fit(X, Y, verbose=0, checkpoint=path, resume=True, **options)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    assert model.optimizer.iterations == 0
    assert path.read_bytes() == content


def test_other_arguments_that_are_refused(tmp_path):
    model = dropping()

    def fit(**options):
        model.fit(X, Y, verbose=0, **options)

    with pytest.raises(ValueError, match="need a file: give checkpoint=path"):
        fit(resume=True)
    with pytest.raises(ValueError, match="need a file: give checkpoint=path"):
        fit(checkpoint_interval=3)
    with pytest.raises(
        ValueError, match="checkpoint_interval must be a finite number >= 0 or None, got -1"
    ):
        fit(checkpoint=tmp_path / "a.safetensors", checkpoint_interval=-1)
    with pytest.raises(ValueError, match=r"should not be named 'a.keras'"):
        fit(checkpoint=tmp_path / "a.keras")
    with pytest.raises(FileNotFoundError, match="is a folder, not a file"):
        fit(checkpoint=tmp_path)
    with pytest.raises(FileNotFoundError, match=r"the folder of '.*a.safetensors' is not there"):
        fit(checkpoint=tmp_path / "none" / "a.safetensors")
    assert model.history is None


def test_files_that_are_no_run(tmp_path):
    path = tmp_path / "run.safetensors"
    model = train("arrays")
    model.save(path)
    with pytest.raises(ValueError, match="this is a model, but not a run to go on with"):
        train("arrays", checkpoint=path, resume=True)
    save_file({"a": np.ones(3)}, path)
    with pytest.raises(ValueError, match="not of a gru_c model"):
        train("arrays", checkpoint=path, resume=True)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="no readable safetensors file"):
        train("arrays", checkpoint=path, resume=True)


def test_damaged_files(tmp_path):
    path = tmp_path / "run.safetensors"
    train("arrays", checkpoint=path)
    content = path.read_bytes()
    for place in range(0, len(content), len(content) // 150):
        spoilt = bytearray(content)
        spoilt[place] ^= 1 << place % 8
        path.write_bytes(spoilt)
        with pytest.raises(ValueError, match=re.escape(str(path))):
            train("arrays", checkpoint=path, resume=True)
    for length in range(0, len(content), len(content) // 40):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=re.escape(str(path))):
            train("arrays", checkpoint=path, resume=True)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("epoch",), -1),
        (("epoch",), "1"),
        (("totals", "batches"), 1.5),
        (("totals", "batches"), None),
        (("totals",), {}),
        (("order",), {"bit_generator": "MT19937"}),
        (("model", "metrics"), []),
        (("model", "metrics", 0), {"sum": "a"}),
        (("history",), None),
        (("logs",), 3),
        (("callbacks",), []),
        (("callbacks", 0), {}),
        (("callbacks", 0, "best_weights"), [{"tensor": 0}]),
        (("model",), {}),
        (("model", "iterations"), -1),
        (("model", "learning_rate"), -1.0),
        (("model", "generators"), []),
        (("model", "generators", 0, "state", "state"), -5),
        (("model", "generators", 0, "state"), "import os"),
        (("model", "states"), [None]),
    ],
)
def test_a_state_that_was_tampered_with(place, value, tmp_path):
    path = tmp_path / "run.safetensors"
    kept = {"callbacks": [callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True)]}
    kept["callbacks"].append(at(2, crash))
    train("arrays", checkpoint=path, checkpoint_interval=0, **kept)
    with safe_open(path, framework="numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    run = json.loads(metadata["run"])
    at_place = run["state"]
    for key in place[:-1]:
        at_place = at_place[key]
    at_place[place[-1]] = value
    metadata["run"] = json.dumps(run)
    metadata["digest"] = checkpoint._digest(metadata, tensors)
    save_file(tensors, path, metadata)
    model = dropping()
    before = model.get_weights()
    kept["callbacks"].pop()
    with pytest.raises(ValueError, match=re.escape(str(path))):
        model.fit(X, Y, 7, 2, 0, validation_split=0.2, checkpoint=path, resume=True, **kept)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# ---- when it is written -------------------------------------------------------------------------


class Clock:
    """Time that passes when it is told to."""

    now = 0.0

    def monotonic(self):
        return self.now


@pytest.mark.parametrize(
    ("interval", "passed", "took", "expected"),
    [
        (None, 29.0, 0.1, (False, True)),
        (None, 31.0, 0.1, (True, True)),
        (None, 4.0, 0.1, (False, False)),  # 2% of five seconds
        (None, 40.0, 1.0, (False, False)),
        (None, 51.0, 1.0, (True, True)),
        (10.0, 9.0, 1.0, (False, True)),
        (10.0, 10.0, 1.0, (True, True)),
        (0.0, 0.0, 1.0, (True, True)),
    ],
)
def test_when_a_write_is_due(interval, passed, took, expected, tmp_path, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(checkpoint, "time", clock)

    def slow(*_):
        clock.now += took

    monkeypatch.setattr("gru_c.saving.files.write_tensors", slow)
    file = checkpoint.RunFile(tmp_path / "run.safetensors", interval, False, {})
    file.write(train("arrays", 0), {})
    clock.now += passed
    assert (file.due(epoch_ended=False), file.due(epoch_ended=True)) == expected
