"""Quantities that callbacks monitor, and arguments that callbacks refuse."""

import math

import numpy as np
import pytest
from callback_models import compiled, fit
from tools import feed

from gru_c import callbacks


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
