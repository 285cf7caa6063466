"""The state of a training that a file holds: damaged ones, and those of the user's metrics."""

import json
import re

import numpy as np
import pytest
from checkpoint_runs import X, Y, at, crash, dropping, train
from safetensors import safe_open
from safetensors.numpy import save_file

from gru_c import callbacks
from gru_c.metrics import Metric, RootMeanSquaredError
from gru_c.saving import files


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
    metadata["digest"] = files.digest_of(tensors, metadata)
    save_file(tensors, path, metadata)
    model = dropping()
    before = model.get_weights()
    options["callbacks"].pop()
    with pytest.raises(ValueError, match=re.escape(str(path))):
        model.fit(X, Y, 7, 2, 0, validation_split=0.2, checkpoint=path, resume=True, **options)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


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
    train("arrays", callbacks=(keeping := Keeping()), checkpoint=path, resume=True)
    assert keeping.value[0]["b"] == [0.5, None, True, "c"]
    np.testing.assert_array_equal(keeping.value[0]["a"], [0, 1, 2])
    assert keeping.value[1].shape == (0, 2)
    for bad in (crash, {"tensor": 1}, {1: 2}):
        with pytest.raises(TypeError, match=r"cannot hold state\['callbacks'\]\[0\]\['value'\]"):
            train("arrays", callbacks=Keeping(bad), checkpoint=path)
    train("arrays", callbacks=Keeping(), checkpoint=path, resume=True)  # the file is undamaged


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
    model.compile("adam", "mse", [RootMeanSquaredError()])  # which overrides only its result
    model.fit(X, Y, verbose=0, checkpoint=tmp_path / "run.safetensors")
