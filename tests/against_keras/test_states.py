"""Directions and states beside Keras's own, with its weights."""

import numpy as np
import pytest
from keras_peer import keras

import gru_c

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

RNG = np.random.default_rng(17)
X = RNG.standard_normal((8, 6, 4)).astype(np.float32)


def numpy_of(results):
    return [result.detach().numpy() for result in keras.tree.flatten(results)]


@pytest.mark.parametrize("mode", ["concat", "sum", None])
@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("go_backwards", [False, True])
def test_both_directions_from_given_states(mode, sequences, go_backwards):
    options = {"return_sequences": sequences, "return_state": True}
    theirs, ours = (
        package.Bidirectional(
            package.GRU(5, go_backwards=go_backwards, **options),
            merge_mode=mode,
            backward_layer=package.GRU(5, go_backwards=not go_backwards, **options),
        )
        for package in (keras.layers, gru_c)
    )
    states = list(RNG.standard_normal((2, 8, 5)).astype(np.float32))
    theirs(X)
    ours.build(X.shape)
    ours.set_weights([RNG.standard_normal(w.shape) for w in theirs.get_weights()])
    theirs.set_weights(ours.get_weights())
    expected = theirs(X, initial_state=[keras.ops.convert_to_tensor(s) for s in states])
    actual = ours(X, initial_state=states)
    for a, b in zip(actual, numpy_of(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reset_after", [True, False])
def test_a_backward_layer_of_its_own(reset_after):
    settings = {"return_sequences": True, "reset_after": reset_after}
    theirs, ours = (
        package.Bidirectional(
            package.GRU(5, **settings),
            backward_layer=package.GRU(
                3, recurrent_activation="tanh", go_backwards=True, use_bias=False, **settings
            ),
        )
        for package in (keras.layers, gru_c)
    )
    theirs(X)
    ours.build(X.shape)
    theirs.set_weights([RNG.standard_normal(w.shape) / 2 for w in theirs.get_weights()])
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(X), numpy_of(theirs(X))[0], rtol=1e-5, atol=1e-6)


def recurrent_model(package, layers, wrap):
    gru = layers.GRU(5, stateful=True, return_sequences=True)
    gru = layers.Bidirectional(gru) if wrap else gru
    batch = {"batch_shape": (4, 6, 4)} if package is keras else {"shape": (6, 4)}
    model = package.Sequential([layers.Input(**batch), gru, layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    return model


@pytest.mark.parametrize("wrap", [False, True], ids=["one", "both"])
def test_states_through_evaluate_and_predict(wrap):
    """Keras on PyTorch cannot train a stateful layer, because it changes the state in place."""
    theirs = recurrent_model(keras, keras.layers, wrap)
    ours = recurrent_model(gru_c, gru_c, wrap)
    ours.set_weights(theirs.get_weights())
    y = RNG.standard_normal((8, 6, 1)).astype(np.float32)
    for reset in (False, False, True, False):
        losses = [model.evaluate(X, y, batch_size=4, verbose=0) for model in (theirs, ours)]
        assert losses[1] == pytest.approx(losses[0], rel=1e-5)
        outputs = [model.predict(X, batch_size=4, verbose=0) for model in (theirs, ours)]
        np.testing.assert_allclose(outputs[1], outputs[0], rtol=1e-4, atol=1e-6)
        if reset:
            ours.reset_states()
            theirs.layers[0].reset_state()
