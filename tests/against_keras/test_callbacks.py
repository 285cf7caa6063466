"""Callbacks beside Keras's: with the same logs they make the same decisions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras_peer import keras
from tools import feed, recorder

from gru_c import Dense, Sequential, callbacks

# Multiples of 1/8 are exact in float32, in which Keras compares.
VALUES = st.lists(st.integers(-16, 16).map(lambda n: n / 8), min_size=1, max_size=14)
DELTAS = st.sampled_from([0, 0.125, 0.5])
MODES = st.sampled_from(["auto", "min", "max"])


def both(kind, values, options, **feeder):
    """Return callback, model and rates of ours and of Keras's."""
    pair = [getattr(package, kind)(**options) for package in (callbacks, keras.callbacks)]
    return [(callback, *feed(callback, values, **feeder)) for callback in pair]


@given(
    VALUES,
    st.fixed_dictionaries(
        {
            "min_delta": DELTAS,
            "patience": st.integers(0, 4),
            "mode": MODES,
            "baseline": st.none() | st.integers(-8, 8).map(lambda n: n / 8),
            "restore_best_weights": st.booleans(),
            "start_from_epoch": st.integers(0, 4),
        }
    ),
)
def test_early_stopping(values, options):
    (ours, model, _), (theirs, peer, _) = both(
        "EarlyStopping", values, {"monitor": "loss", **options}
    )
    assert model.epoch == peer.epoch
    assert model.stop_training == peer.stop_training
    assert model.restored == peer.restored
    for name in ("wait", "stopped_epoch", "best", "best_epoch"):
        assert getattr(ours, name) == getattr(theirs, name), name


@given(
    VALUES,
    st.fixed_dictionaries(
        {
            "min_delta": DELTAS,
            "patience": st.integers(0, 3),
            "mode": MODES,
            "cooldown": st.integers(0, 3),
            "factor": st.sampled_from([0.5, 0.25]),
            "min_lr": st.sampled_from([0.0, 1 / 32]),
        }
    ),
)
def test_reduce_on_plateau(values, options):
    options = {"monitor": "loss", **options}
    (ours, _, rates), (theirs, _, wanted) = both("ReduceLROnPlateau", values, options, rate=0.25)
    assert rates == wanted  # powers of two: exact in both
    for name in ("wait", "cooldown_counter", "best"):
        assert getattr(ours, name) == getattr(theirs, name), name


@given(VALUES, MODES, st.none() | st.integers(-8, 8).map(lambda n: n / 8))
def test_the_best_models_are_saved_in_the_same_epochs(values, mode, threshold):
    saved = []
    for package, suffix in ((callbacks, "safetensors"), (keras.callbacks, "keras")):
        checkpoint = package.ModelCheckpoint(
            f"{{epoch}}.{suffix}",
            "loss",
            save_best_only=True,
            mode=mode,
            initial_value_threshold=threshold,
        )
        saved.append([])
        feed(checkpoint, values, save=lambda path, **_: saved[-1].append(str(path).split(".")[0]))
    assert saved[0] == saved[1]


@given(st.integers(1, 12))
def test_the_scheduled_rates(epochs):
    schedule = {"schedule": lambda epoch, rate: rate / 2 if epoch % 3 == 2 else rate}
    (*_, rates), (*_, wanted) = both("LearningRateScheduler", range(epochs), schedule, rate=0.25)
    assert rates == wanted


def test_the_lines_of_the_csv_logger(tmp_path):
    lines = []
    for package in (callbacks, keras.callbacks):
        for append in (False, True):
            path = tmp_path / f"{package.__name__}.csv"
            logger = package.CSVLogger(path, append=append)
            feed(logger, [0.5, 1 / 3, 2], "mae")
        lines.append(path.read_bytes())
    assert lines[0] == lines[1]
    assert len(lines[0].splitlines()) == 7


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras's predict
def test_the_order_of_the_hooks():
    x, y = np.zeros((10, 2), np.float32), np.zeros((10, 1), np.float32)
    ours = Sequential([Dense(1, input_shape=(2,))])
    theirs = keras.Sequential([keras.layers.Dense(1), keras.layers.Input((2,))][::-1])
    calls = []
    for model, base in ((ours, callbacks.Callback), (theirs, keras.callbacks.Callback)):
        model.compile("sgd", "mse", metrics=["mae"])
        calling = recorder(base)
        model.fit(x, y, 4, 2, 0, [calling], validation_split=0.2)
        model.evaluate(x, y, 4, 0, callbacks=[calling])
        model.predict(x, 4, 0, callbacks=[calling])
        calls.append(
            [
                (name, *number, sorted(logs) if name.startswith(("on_epoch", "on_train_b")) else "")
                for name, *number, logs in calling.calls
            ]
        )
    assert calls[0] == calls[1]
