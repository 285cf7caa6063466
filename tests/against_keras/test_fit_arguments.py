"""Arguments of `fit` and `compile` beside Keras: weights of classes and losses, validations."""

import numpy as np
import pytest
from keras_peer import keras

import gru_c

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's own

RNG = np.random.default_rng(13)
X = RNG.standard_normal((20, 5, 3)).astype(np.float32)
Y = (X[:, :, 0].mean(1) > 0).astype(int)
STEPS = (X[..., 0] > 0).astype(np.float32)
CLASSES = {0: 0.5, 1: 3.0}


def twins(outputs, loss, sequences=False, **options):
    """Return a compiled Keras model and the same model of gru_c, with the same weights."""
    models = []
    for library in (keras, gru_c):
        layers = [
            library.Input((5, 3)),
            library.layers.GRU(4, return_sequences=sequences),
            library.layers.Dense(outputs, activation="softmax" if outputs > 1 else "sigmoid"),
        ]
        models.append(library.Sequential(layers))
        models[-1].compile(optimizer="adam", loss=loss, **options)
    theirs, ours = models
    ours.set_weights(theirs.get_weights())
    return theirs, ours


def histories(models, *data, **options):
    settings = {"epochs": 4, "batch_size": 8, "shuffle": False, "verbose": 0, **options}
    return [model.fit(*data, **settings).history for model in models]


def assert_same(theirs, ours):
    assert ours.keys() == theirs.keys()
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=2e-4, err_msg=name)


@pytest.mark.parametrize(
    ("outputs", "loss", "y"),
    [
        (1, "binary_crossentropy", Y),
        (1, "binary_crossentropy", Y[:, None]),
        (2, "sparse_categorical_crossentropy", Y),
        (2, "categorical_crossentropy", np.eye(2)[Y]),
    ],
)
def test_weights_of_classes_and_weighted_metrics(outputs, loss, y):
    models = twins(outputs, loss, metrics=["mae"][: outputs % 2], weighted_metrics=["accuracy"])
    assert_same(*histories(models, X, y, class_weight=CLASSES, validation_split=0.25))


def test_factors_of_the_loss():
    models = twins(1, "mse", loss_weights=0.25, metrics=["mae"], weighted_metrics=["mae", "mse"])
    weight = RNG.uniform(0, 2, 20).astype(np.float32)
    options = {"validation_data": (X, Y, weight), "sample_weight": weight}
    assert_same(*histories(models, X, Y, **options))
    options = {"verbose": 0, "sample_weight": weight, "return_dict": True}
    values = [model.evaluate(X, Y, 8, **options) for model in models]
    assert values[1] == pytest.approx(values[0], rel=1e-4)


@pytest.mark.parametrize("sequences", [False, True])
def test_weights_of_samples_with_another_axis(sequences):
    weight = RNG.uniform(0, 2, (20, 1)).astype(np.float32)
    y = STEPS[..., None] if sequences else Y
    assert_same(*histories(twins(1, "mse", sequences), X, y, sample_weight=weight))


@pytest.mark.parametrize("frequency", [2, [1, 4]])
def test_some_epochs_with_validations(frequency):
    models = twins(1, "mse", metrics=["mae"])
    options = {"validation_freq": frequency, "validation_batch_size": 3}
    assert_same(*histories(models, X, Y, validation_split=0.25, **options))
    package = (keras.callbacks, gru_c.callbacks)
    stops = [
        p.EarlyStopping("val_loss", patience=2, min_delta=10, restore_best_weights=True)
        for p in package
    ]
    for model, stop in zip(models, stops, strict=True):
        model.fit(
            *(X, Y),
            epochs=20,
            verbose=0,
            validation_split=0.25,
            validation_freq=3,
            callbacks=[stop],
        )
    assert stops[0].stopped_epoch == stops[1].stopped_epoch > 0


def test_one_batch():
    theirs, ours = twins(1, "mse", weighted_metrics=["mae"])
    for _ in range(2):
        values = [
            model.train_on_batch(X, Y, class_weight=CLASSES, return_dict=True)
            for model in (theirs, ours)
        ]
        theirs.reset_metrics()
        assert values[1] == pytest.approx(values[0], rel=1e-4)
    values = [model.test_on_batch(X, Y, return_dict=True) for model in (theirs, ours)]
    assert values[1] == pytest.approx(values[0], rel=1e-4)
