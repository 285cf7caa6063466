"""Files by suffix, written here and read by Keras, and written by Keras and read here."""

import numpy as np
import pytest
from keras_peer import keras

import gru_c
from gru_c import optimizers

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's own
pytest.importorskip("h5py")

RNG = np.random.default_rng(7)
X = RNG.standard_normal((8, 5, 4)).astype(np.float32)
Y = RNG.standard_normal(8).astype(np.float32)
OPTIMIZERS = {
    "adam": ("Adam", {"learning_rate": 0.01}),
    "rmsprop": ("RMSprop", {"momentum": 0.5, "centered": True}),
    "sgd": ("SGD", {"learning_rate": 0.05, "momentum": 0.9}),
    "plain sgd": ("SGD", {"learning_rate": 0.05}),
}
FIT = {"batch_size": 4, "shuffle": False, "verbose": 0}


def make(library, name="adam", frozen=False):
    """Return the same model, compiled, of Keras or of gru_c."""
    K = library.layers
    layers = [
        library.Input((5, 4)),
        K.Bidirectional(K.GRU(3, return_sequences=True)),
        K.LayerNormalization(),
        K.GRU(2),
        K.Dense(1),
    ]
    model = library.Sequential(layers)
    model.layers[0].forward_layer.trainable = not frozen
    cls, options = OPTIMIZERS[name]
    loss = library.losses.Huber() if library is keras else "huber"
    model.compile(getattr(library.optimizers, cls)(**options), loss, metrics=["mae"])
    return model


def assert_same_predictions(first, second):
    np.testing.assert_allclose(first.predict(X, verbose=0), second.predict(X, verbose=0), atol=1e-6)


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".hdf5"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_keras_loads_models_and_compile_settings(tmp_path, suffix, name):
    model = make(gru_c, name, frozen=True)
    model.fit(X, Y, epochs=2, **FIT)
    model.save(tmp_path / f"model{suffix}")
    theirs = keras.models.load_model(tmp_path / f"model{suffix}")
    assert_same_predictions(theirs, model)
    expected = model.evaluate(X, Y, verbose=0)
    np.testing.assert_allclose(theirs.evaluate(X, Y, verbose=0), expected, rtol=1e-5)
    assert type(theirs.optimizer).__name__ == type(model.optimizer).__name__
    assert float(theirs.optimizer.learning_rate) == pytest.approx(model.optimizer.learning_rate)
    losses = theirs.fit(X, Y, epochs=3, **FIT).history["loss"]
    if suffix == ".keras":  # from an .h5 Keras does not take the state, not even from its own
        assert losses == pytest.approx(model.fit(X, Y, epochs=3, **FIT).history["loss"], rel=1e-4)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_continues_from_files_of_keras(tmp_path, suffix, name):
    theirs = make(keras, name, frozen=True)
    theirs.fit(X, Y, epochs=2, **FIT)
    theirs.save(tmp_path / f"model{suffix}")
    model = gru_c.load_model(tmp_path / f"model{suffix}")
    assert_same_predictions(theirs, model)
    assert isinstance(model.optimizer, optimizers.Optimizer)
    losses = [other.fit(X, Y, epochs=3, **FIT).history["loss"] for other in (theirs, model)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("suffix", [".weights.h5", ".h5", ".keras"])
def test_weights_go_both_ways(tmp_path, suffix, frozen):
    ours, theirs = make(gru_c, frozen=frozen), make(keras, frozen=frozen)
    path = str(tmp_path / f"ours{suffix}")
    (ours.save if suffix == ".keras" else ours.save_weights)(path)
    theirs.load_weights(path)
    assert_same_predictions(theirs, ours)
    again, theirs = make(gru_c, frozen=frozen), make(keras, frozen=frozen)
    path = str(tmp_path / f"theirs{suffix}")
    (theirs.save_weights if suffix == ".weights.h5" else theirs.save)(path)
    again.load_weights(path)
    assert_same_predictions(theirs, again)
