"""Beside Keras, in both directions: training resumed from a file, and models of all sizes."""

import numpy as np
import pytest
from keras_peer import keras

pytest.importorskip("h5py")
from gru_c import GRU, Bidirectional, Dense, Sequential, optimizers
from gru_c.interop import keras as files

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's, PyTorch's and absl's own

K, O = keras.layers, keras.optimizers
RNG = np.random.default_rng(71)
X = RNG.standard_normal((12, 6, 4)).astype(np.float32)
Y = RNG.standard_normal((12, 1)).astype(np.float32)
STATES = {
    "adam": lambda: O.Adam(0.01, clipnorm=1.0),
    "adamw": lambda: O.AdamW(0.01),
    "momentum": lambda: O.SGD(0.05, momentum=0.9, nesterov=True),
    "plain": lambda: O.SGD(O.schedules.InverseTimeDecay(0.1, 5, 0.5)),
    "rmsprop": lambda: O.RMSprop(0.01, momentum=0.5, centered=True),
}


@pytest.mark.parametrize(
    ("name", "suffix"),
    [*((name, ".keras") for name in STATES), ("adam", ".h5"), ("rmsprop", ".h5")],
)
def test_training_goes_on_where_it_ended(tmp_path, name, suffix):
    """Ours from Keras's file continues like Keras, and Keras from our file like ours."""
    theirs = keras.Sequential([K.Input((6, 4)), K.GRU(3), K.Dense(1)])
    theirs.compile(STATES[name](), "mse")
    settings = {"epochs": 2, "batch_size": 4, "shuffle": False, "verbose": 0}
    theirs.fit(X, Y, **settings)
    theirs.save(tmp_path / f"model{suffix}")
    ours = files.load(tmp_path / f"model{suffix}")
    assert ours.optimizer.iterations == 6
    files.save(ours, tmp_path / "ours.keras")
    again = keras.saving.load_model(tmp_path / "ours.keras")
    expected = theirs.fit(X, Y, **settings).history["loss"]
    for model in (ours, again):
        np.testing.assert_allclose(model.fit(X, Y, **settings).history["loss"], expected, rtol=1e-5)


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("H", [1, 2, 7, 8, 9, 15, 16, 17])
def test_every_size(tmp_path, H, reset_after):
    """Sizes around those of vectors and tiles; one feature, one row, one time step."""
    options = {"reset_after": reset_after}
    layers = [K.GRU(H, return_sequences=True, **options), K.Bidirectional(K.GRU(H, **options))]
    theirs = keras.Sequential([K.Input((None, 1)), *layers])
    rng = np.random.default_rng(H)
    theirs.set_weights([rng.standard_normal(w.shape) / 2 for w in theirs.get_weights()])
    theirs.save(tmp_path / "theirs.keras")
    theirs.save(tmp_path / "theirs.h5")
    ours = [files.load(tmp_path / f"theirs{suffix}") for suffix in (".keras", ".h5")]
    files.save(ours[0], tmp_path / "ours.keras")
    again = keras.saving.load_model(tmp_path / "ours.keras")
    for shape in [(1, 1, 1), (1, 4, 1), (5, 1, 1), (5, 4, 1)]:
        x = rng.standard_normal(shape).astype(np.float32)
        expected = keras.ops.convert_to_numpy(theirs(x))
        for result in (ours[0](x), ours[1](x), keras.ops.convert_to_numpy(again(x))):
            np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-6)


def frozen_model(model):
    model.trainable = False


def frozen_but_for_one(model):
    model.trainable = False
    model.layers[1].trainable = True  # after the model's flag, which it overrides


def frozen_layers(model):
    for layer in model.layers[:-1]:
        layer.trainable = False


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("freeze", [frozen_model, frozen_but_for_one, frozen_layers])
def test_keras_trains_what_is_trained_here(tmp_path, freeze, compiled):
    ours = Sequential(
        [
            GRU(3, return_sequences=True, input_shape=(6, 4)),
            Bidirectional(GRU(2), merge_mode="sum"),
            Dense(1),
        ],
        seed=0,
    )
    if compiled:
        ours.compile("adam", "mse")
        ours.train_on_batch(X, Y)
    freeze(ours)
    files.save(ours, tmp_path / "ours.keras")
    theirs = keras.saving.load_model(tmp_path / "ours.keras")
    assert len(theirs.trainable_variables) == len(ours.trainable_weights)
    again = files.load(tmp_path / "ours.keras")
    assert len(again.trainable_weights) == len(ours.trainable_weights)
    if compiled:
        assert again.optimizer.iterations == theirs.optimizer.iterations.numpy() == 1


def test_transfer_learning_goes_as_in_keras(tmp_path):
    """Train a new head on frozen layers, then all layers, then the old model, which shares them."""
    settings = {"epochs": 2, "batch_size": 4, "shuffle": False, "verbose": 0}
    old = keras.Sequential(
        [K.Input((6, 4)), K.GRU(3, return_sequences=True), K.GRU(2), K.Dense(1, name="head")]
    )
    old.compile(O.SGD(0.05, momentum=0.9), "mse")
    old.fit(X, Y, **settings)
    old.save(tmp_path / "old.keras")
    ours = files.load(tmp_path / "old.keras")
    head = K.Dense(2, name="new")
    theirs = [old, keras.Sequential([K.Input((6, 4)), *old.layers[:-1], head])]
    ours = [ours, Sequential([*ours.layers[:-1], Dense(2)], seed=0)]
    ours[1].layers[-1].set_weights(head.get_weights())
    both = np.concatenate([Y, -Y], axis=1)
    losses = []
    for (first, second), module in ((theirs, O), (ours, optimizers)):
        for layer in second.layers[:-1]:
            layer.trainable = False
        second.compile(module.Adam(0.01), "mse")
        histories = [second.fit(X, both, **settings).history["loss"]]
        for layer in second.layers[:-1]:
            layer.trainable = True
        second.compile(module.Adam(0.01), "mse")
        histories += [
            model.fit(X, y, **settings).history["loss"]
            for model, y in ((second, both), (first, Y), (second, both))
        ]
        losses.append(histories)
    np.testing.assert_allclose(losses[1], losses[0], rtol=2e-5)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(
            a.predict(X, verbose=0), b.predict(X, verbose=0), rtol=1e-4, atol=1e-5
        )
