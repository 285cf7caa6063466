"""Frozen layers beside Keras's own, and in its files."""

import numpy as np
import pytest
from keras_peer import keras

import gru_c
from gru_c import optimizers
from gru_c.interop import keras as interop

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

RNG = np.random.default_rng(53)
X = RNG.standard_normal((24, 5, 4)).astype(np.float32)
Y = RNG.standard_normal((24, 1)).astype(np.float32)
MATRIX = RNG.standard_normal((9, 4)).astype(np.float32)
WORDS = RNG.integers(0, 9, (24, 5))
OPTIMIZERS = [
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "weight_decay": 0.1}),
    ("Adam", {"learning_rate": 0.01}),
    ("Adam", {"learning_rate": 0.01, "global_clipnorm": 0.1}),
    ("AdamW", {"learning_rate": 0.01, "clipnorm": 0.1}),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.5, "centered": True}),
]


def layers_of(library):
    layers = library.layers
    return [
        layers.GRU(5, return_sequences=True, kernel_regularizer="l2", name="low"),
        layers.LayerNormalization(name="norm"),
        layers.Bidirectional(layers.GRU(3), name="both"),
        layers.Dense(1, kernel_constraint="max_norm", name="head"),
    ]


def twins(freeze, optimizer="SGD", settings=None, layers=layers_of, shape=(5, 4)):
    """Return a Keras model and the same model of gru_c, with the same layers frozen."""
    models = []
    for library, module in ((keras, keras.optimizers), (gru_c, optimizers)):
        model = library.Sequential([library.Input(shape), *layers(library)])
        freeze(model)
        model.compile(getattr(module, optimizer)(**(settings or {})), "mse")
        models.append(model)
    models[1].set_weights(models[0].get_weights())
    return models


def train(model, x=X, y=Y, epochs=3):
    history = model.fit(x, y, batch_size=8, epochs=epochs, shuffle=False, verbose=0)
    return history.history["loss"]


def stayed(model, before):
    """Return a flag for each weight: True if no bit of it has changed."""
    return [(a == b).all() for a, b in zip(model.get_weights(), before, strict=True)]


def assert_alike(models, before):
    """Assert that the models' weights agree up to rounding, and that the same ones changed."""
    for expected, weight in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-4, atol=1e-5)
    theirs, ours = map(stayed, models, before)
    assert ours == theirs


def bottom(model):
    model.layers[0].trainable = False


def middle(model):
    model.layers[1].trainable = model.layers[2].trainable = False


def top(model):
    model.layers[3].trainable = False


def direction(model):
    model.layers[0].trainable = model.layers[2].forward_layer.trainable = False


def all_but_the_head(model):
    model.trainable = False
    model.trainable = True
    for layer in model.layers[:-1]:
        layer.trainable = False


FREEZES = [bottom, middle, top, direction, all_but_the_head]


@pytest.mark.parametrize(
    ("freeze", "optimizer", "settings"),
    [(freeze, *OPTIMIZERS[3]) for freeze in FREEZES]
    + [(direction, *optimizer) for optimizer in OPTIMIZERS],
)
def test_the_rest_is_trained_as_by_keras(freeze, optimizer, settings):
    theirs, ours = models = twins(freeze, optimizer, settings)
    before = [model.get_weights() for model in models]
    np.testing.assert_allclose(train(ours), train(theirs), rtol=1e-4)
    assert_alike(models, before)
    losses = [model.evaluate(X, Y, verbose=0) for model in (ours, theirs)]
    np.testing.assert_allclose(*losses, rtol=1e-4)  # penalties of trainable weights alone


def test_freezing_and_thawing_after_fit_is_as_with_keras():
    models = twins(lambda model: None, "Adam", {"learning_rate": 0.01})
    for flag in (True, False, True):  # a Keras optimizer that has begun with all weights
        before = [model.get_weights() for model in models]
        for model in models:
            model.layers[0].trainable = flag
            train(model)
        assert_alike(models, before)


@pytest.mark.parametrize("freeze", [bottom, direction, all_but_the_head])
def test_the_lists_of_weights_are_keras_s(freeze):
    theirs, ours = twins(freeze)
    for name in ("trainable_weights", "non_trainable_weights"):
        expected = [weight.shape for weight in getattr(theirs, name)]
        assert [item.value.shape for item in getattr(ours, name)] == expected
        for mine, layer in zip(ours.layers, theirs.layers, strict=True):
            assert len(getattr(mine, name)) == len(getattr(layer, name))
            assert mine.trainable == layer.trainable


@pytest.mark.parametrize(
    "options", [{"weights": [MATRIX]}, {"weights": MATRIX}, {"embeddings_initializer": MATRIX}]
)
def test_frozen_embeddings_are_keras_s(options):
    def layers(library):
        embedding = library.layers.Embedding(9, 4, trainable=False, **options)
        return [embedding, library.layers.GRU(3), library.layers.Dense(1)]

    theirs, ours = models = twins(lambda model: None, layers=layers, shape=(5,))
    before = [model.get_weights() for model in models]
    np.testing.assert_array_equal(ours.layers[0].get_weights()[0], MATRIX)
    np.testing.assert_allclose(train(ours, WORDS), train(theirs, WORDS), rtol=1e-4)
    assert_alike(models, before)


# ---- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("freeze", FREEZES)
@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
def test_keras_files_of_frozen_layers(tmp_path, freeze, suffix):
    theirs, ours = twins(freeze)
    path = tmp_path / f"model{suffix}"
    if suffix == ".weights.h5":
        theirs.save_weights(path)
        ours.set_weights([np.zeros_like(weight) for weight in ours.get_weights()])
        read = interop.load(path, ours)
    else:
        theirs.save(path)
        read = interop.load(path)
    for weight, expected in zip(read.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
    assert [len(layer.trainable_weights) for layer in read.layers] == [
        len(layer.trainable_weights) for layer in theirs.layers
    ]
    interop.save(read, tmp_path / "again.keras")
    again = keras.saving.load_model(tmp_path / "again.keras")
    np.testing.assert_allclose(again.predict(X, verbose=0), theirs.predict(X, verbose=0), atol=1e-6)
    assert [weight.shape for weight in again.trainable_weights] == [
        weight.shape for weight in theirs.trainable_weights
    ]


@pytest.mark.parametrize("own_backward_layer", [False, True])
@pytest.mark.parametrize("name", ["both", "forward_both"])
@pytest.mark.parametrize("frozen", [(True, False), (False, True), (True, True)])
def test_older_files_list_trainable_weights_first(tmp_path, own_backward_layer, name, frozen):
    layers = keras.layers
    backward = layers.GRU(3, go_backwards=True, name="b") if own_backward_layer else None
    both = layers.Bidirectional(layers.GRU(3, name="a"), backward_layer=backward, name=name)
    theirs = keras.Sequential([keras.Input((5, 4)), both, layers.Dense(1)])
    both.forward_layer.trainable, both.backward_layer.trainable = (not flag for flag in frozen)
    theirs.save(tmp_path / "model.h5")
    ours = interop.load(tmp_path / "model.h5")
    for weight, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
    assert [not part.trainable for part in ours.layers[0].directions] == list(frozen)


@pytest.mark.parametrize("frozen", ["outer", "inner"])
def test_a_frozen_dense_of_each_step(tmp_path, frozen):
    dense = keras.layers.Dense(2, trainable=frozen != "inner")
    layer = keras.layers.TimeDistributed(dense)
    theirs = keras.Sequential([keras.Input((5, 4)), layer])
    if frozen == "outer":
        layer.trainable = False
    theirs.save(tmp_path / "model.keras")
    assert not interop.load(tmp_path / "model.keras").layers[0].trainable


def test_initial_values_that_are_arrays_are_left_out_of_keras_files(tmp_path):
    constant = gru_c.initializers.Constant(MATRIX)
    embedding = gru_c.Embedding(9, 4, embeddings_initializer=constant, trainable=False)
    model = gru_c.Sequential([gru_c.Input((5,)), embedding, gru_c.GRU(3)], seed=0)
    interop.save(model, tmp_path / "model.keras")
    theirs = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(theirs.get_weights()[0], MATRIX)
    assert not theirs.layers[0].trainable
    theirs.layers[0].embeddings_initializer = keras.initializers.Constant(MATRIX)
    theirs.save(tmp_path / "theirs.keras")
    again = interop.load(tmp_path / "theirs.keras")
    np.testing.assert_array_equal(again.get_weights()[0], MATRIX)
    assert not again.layers[0].trainable
