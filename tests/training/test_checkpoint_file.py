"""The checkpoint file: runs and files that are refused, and the times at which it is written."""

import json
import re

import numpy as np
import pytest
from checkpoint_runs import RUNS, X, Y, at, crash, dropping, train
from safetensors import safe_open
from safetensors.numpy import save_file

from gru_c import callbacks, optimizers
from gru_c.training import checkpoint

# ---- runs that are refused -----------------------------------------------------------------------


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


def test_files_without_a_run(tmp_path):
    path = tmp_path / "run.safetensors"
    model = train("arrays")
    model.save(path)
    with pytest.raises(ValueError, match="this is a model, but not a run that can be resumed"):
        train("arrays", checkpoint=path, resume=True)
    save_file({"a": np.ones(3)}, path)
    with pytest.raises(ValueError, match="not of a gru_c model"):
        train("arrays", checkpoint=path, resume=True)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="not a readable safetensors file"):
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
    options = {
        "callbacks": [callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True)]
    }
    options["callbacks"].append(at(2, crash))
    train("arrays", checkpoint=path, checkpoint_interval=0, **options)
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
    options["callbacks"].pop()
    with pytest.raises(ValueError, match=re.escape(str(path))):
        model.fit(X, Y, 7, 2, 0, validation_split=0.2, checkpoint=path, resume=True, **options)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# ---- when the file is written --------------------------------------------------------------------


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def monotonic(self):
        return self.now


@pytest.mark.parametrize(
    ("interval", "passed", "took", "expected"),
    [
        (None, 29.0, 0.1, (False, True)),
        (None, 31.0, 0.1, (True, True)),
        (None, 4.0, 0.1, (False, False)),  # 2% of 5 s
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
    file = checkpoint.CheckpointFile(tmp_path / "run.safetensors", interval, False, {})
    file.write(train("arrays", 0), {})
    clock.now += passed
    assert (file.due(epoch_ended=False), file.due(epoch_ended=True)) == expected
