"""BatchNormalization beside Keras's own: passes, masks, training, freezing."""

import numpy as np
import pytest
from keras_peer import keras, torch

import gru_c

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

RNG = np.random.default_rng(105)
X = (RNG.standard_normal((5, 6, 3)) * 3 + 1).astype(np.float32)
MASK = RNG.random((5, 6)) < 0.6


def twins(x, **options):
    """The layer of both libraries, of the same weights."""
    theirs, ours = (lib.BatchNormalization(**options) for lib in (keras.layers, gru_c))
    theirs.build(x.shape)
    ours.build((None, *x.shape[1:]))
    weights = [RNG.uniform(0.5, 2, w.shape) for w in theirs.get_weights()]
    theirs.set_weights(weights)
    ours.set_weights(weights)
    return theirs, ours


def assert_same(theirs, ours, tolerance=1e-5):
    for expected, weight in zip(theirs.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("axis", [-1, 1, 2])
@pytest.mark.parametrize("used", [{}, {"center": False}, {"scale": False}], ids=str)
def test_passes_and_gradients(used, axis, masked):
    theirs, ours = twins(X, axis=axis, momentum=0.7, epsilon=0.02, **used)
    for training in (True, True, False):
        x = torch.tensor(X, requires_grad=True)
        tensor = {"mask": keras.ops.convert_to_tensor(MASK)} if masked else {}
        expected = theirs(x, training=training, **tensor)
        y = ours(X, training=training, **({"mask": MASK} if masked else {}))
        np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-4, atol=1e-5)
        assert_same(theirs, ours)
        if not training:
            continue
        d = RNG.standard_normal(X.shape).astype(np.float32)
        expected.backward(torch.tensor(d))
        np.testing.assert_allclose(ours.backward(d), x.grad.numpy(), rtol=1e-3, atol=1e-4)
        for item, variable in zip(ours.trainable_weights, theirs.trainable_variables, strict=True):
            np.testing.assert_allclose(item.gradient, variable.value.grad.numpy(), rtol=1e-3)
            variable.value.grad = None


def network(library, words=False):
    layers = library.layers
    first = layers.Embedding(9, 4, mask_zero=True) if words else layers.Conv1D(4, 3)
    chain = [
        first,
        layers.BatchNormalization(momentum=0.8),
        layers.GRU(4, return_sequences=True),
        layers.BatchNormalization(momentum=0.8, scale=False, gamma_initializer="zeros"),
        layers.GRU(3),
        layers.BatchNormalization(momentum=0.8),
        layers.Dense(1),
    ]
    model = library.Sequential([layers.Input((7,) if words else (7, 4)), *chain])
    optimizer = library.optimizers.AdamW(0.01, weight_decay=0.02, global_clipnorm=1.0)
    model.compile(optimizer=optimizer, loss="mse", metrics=["mae"])
    return model


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("words", [False, True])
def test_training(words, frozen):
    x = RNG.integers(0, 9, (24, 7)) if words else RNG.standard_normal((24, 7, 4))
    y = RNG.standard_normal(24)
    models = [network(library, words) for library in (keras, gru_c)]
    for model in models:
        model.layers[1].trainable = not frozen
        model.compile(model.optimizer, "mse", metrics=["mae"])
    models[1].set_weights(models[0].get_weights())
    options = {"epochs": 4, "batch_size": 10, "shuffle": False, "verbose": 0}
    theirs, ours = (model.fit(x, y, validation_split=0.25, **options).history for model in models)
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=2e-3, err_msg=name)
    assert_same(*models, tolerance=2e-3)
    for kind in ("trainable_weights", "non_trainable_weights"):
        counts = [sum(w.shape[-1] for w in getattr(models[0], kind))]
        counts += [sum(w.array.shape[-1] for w in getattr(models[1], kind))]
        assert counts[0] == counts[1]
