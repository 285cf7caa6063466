"""fit(..., checkpoint=, resume=True): the bits of a run that nothing interrupted."""

import signal

import numpy as np
import pytest
from checkpoint_runs import RUNS, Crash, X, Y, at, crash, dropping, everything, train

from gru_c import GRU, Dense, Sequential, callbacks, load_model, optimizers
from gru_c.training.interrupt import Interrupt


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
    assert len(list(tmp_path.glob(".run.safetensors.*.tmp"))) == 0  # the third run deleted it
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


def test_callbacks_resume_with_their_states(tmp_path):
    def run(folder, epochs=12, **options):
        folder.mkdir(exist_ok=True)
        savable = [
            callbacks.ReduceLROnPlateau("loss", 0.5, patience=1, min_delta=0.05),
            callbacks.EarlyStopping(min_delta=0.02, patience=3, restore_best_weights=True),
            callbacks.ModelCheckpoint(folder / "{epoch}.safetensors", save_best_only=True),
            callbacks.CSVLogger(folder / "log.csv"),
        ]
        return train("arrays", epochs, callbacks=savable + options.pop("more", []), **options)

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
    # A callback ended the run: it does not continue, and the best weights are restored again.
    assert everything(run(tmp_path / "parts", 20, resume=True, **path)) == everything(expected)


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


def test_a_model_that_is_trained_already_is_restored(tmp_path):
    path = tmp_path / "run.safetensors"
    model = train("arrays", checkpoint=path)
    expected = everything(model)
    model.fit(X, Y, epochs=1, verbose=0)
    _, x, y, options = RUNS["arrays"]
    model.fit(x, y, 7, 2, 0, checkpoint=path, resume=True, **options)
    assert everything(model) == expected


def test_a_rollback_in_a_resumed_run(tmp_path):
    path = tmp_path / "run.safetensors"
    train("arrays", callbacks=at(2, crash), checkpoint=path, checkpoint_interval=0)

    def spoil(batch, logs):
        model.parameters.values[:] = np.nan

    model = dropping()
    _, x, y, options = RUNS["arrays"]
    with pytest.raises(FloatingPointError, match="as they were when this run was resumed"):
        model.fit(
            x, y, 7, 2, 0, callbacks.LambdaCallback(on_train_batch_begin=spoil),
            checkpoint=path, resume=True, **options,
        )  # fmt: skip
    assert model.optimizer.iterations == 1
    assert np.isfinite(model.get_weights()[0]).all()
