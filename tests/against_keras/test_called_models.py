"""Subclasses of Model and Layer with a call of their own, beside Keras's."""

import numpy as np
import pytest
from called_models import classes
from keras_peer import keras

import gru_c
import gru_c.ops

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

RNG = np.random.default_rng(31)
SERIES = RNG.standard_normal((12, 7, 3)).astype(np.float32)
FACTS = RNG.standard_normal((12, 4)).astype(np.float32)
WORDS = RNG.integers(0, 9, (12, 7))
NUMBERS, CLASSES = RNG.standard_normal((12, 1)), RNG.integers(0, 3, 12)
SPARSE = "sparse_categorical_crossentropy"
CASES = {
    "Stacked": (SERIES, NUMBERS, "mse"),
    "Branches": ([SERIES, FACTS], [NUMBERS, CLASSES], ["mse", SPARSE]),
    "Words": (WORDS, CLASSES, SPARSE),
    "Translator": ([WORDS, WORDS[:, ::-1].copy()], WORDS, SPARSE),
}


def pair(name):
    """Return the two models of a class, with their graphs and the same weights."""
    x, *_ = CASES[name]
    models = [
        getattr(classes(library, ops), name)()
        for library, ops in ((keras, keras.ops), (gru_c, gru_c.ops))
    ]
    for model in models:
        model.predict(x, verbose=0)
    models[1].set_weights(models[0].get_weights())
    return models


def arrays(outputs):
    return [np.asarray(y) for y in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]


@pytest.mark.parametrize("name", CASES)
def test_predictions_and_weights_are_those_of_keras(name):
    x, *_ = CASES[name]
    theirs, ours = pair(name)
    assert [w.shape for w in ours.get_weights()] == [w.shape for w in theirs.get_weights()]
    for y, expected in zip(
        arrays(ours.predict(x, verbose=0)), arrays(theirs.predict(x, verbose=0)), strict=True
    ):
        np.testing.assert_allclose(y, expected, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in CASES if name != "Stacked"])  # dropout
def test_training_is_that_of_keras(name):
    x, y, loss = CASES[name]
    models = pair(name)
    histories = []
    for library, model in zip((keras, gru_c), models, strict=True):
        model.compile(library.optimizers.SGD(0.1), loss)
        run = model.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0)
        histories.append(run.history["loss"])
    np.testing.assert_allclose(histories[1], histories[0], rtol=1e-4)
    for weight, expected in zip(models[1].get_weights(), models[0].get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-4)


@pytest.mark.parametrize("name", ["Pooled", "Joined"])
def test_a_layer_with_several_inputs_or_outputs(name):
    results, weights = [], None
    for library, ops in ((keras, keras.ops), (gru_c, gru_c.ops)):
        layer = getattr(classes(library, ops), name)()
        a, b = library.Input((7, 3)), library.Input((7, 3))
        output = layer(a) if name == "Pooled" else layer([a, b])
        inputs = [a] if name == "Pooled" else [a, b]
        model = library.Model(inputs, list(output) if name == "Pooled" else output)
        if weights is not None:
            model.set_weights(weights)
        weights = model.get_weights()
        data = [SERIES, SERIES[::-1].copy()][: len(inputs)]
        results.append(arrays(model.predict(data, verbose=0)))
    for y, expected in zip(*results[::-1], strict=True):
        np.testing.assert_allclose(y, expected, atol=1e-5)
