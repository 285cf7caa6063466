"""The same graphs in Keras: outputs, masks, and the weights after some steps of training."""

import numpy as np
import pytest
from keras_peer import keras

import gru_c

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

RNG = np.random.default_rng(0)
X, F = RNG.normal(size=(8, 7, 4)).astype("f"), RNG.normal(size=(8, 3)).astype("f")
Y1, Y2, LABELS = RNG.normal(size=(8, 1)), RNG.normal(size=(8, 2)), RNG.integers(0, 3, 8)
STEPS = RNG.integers(0, 5, (8, 7))
W, V = RNG.integers(1, 6, (8, 7)), RNG.integers(1, 6, (8, 7))
W[:, 5:], W[3, 2:], V[:, 4:], V[5, 1:] = 0, 0, 0, 0
SPARSE = "sparse_categorical_crossentropy"


def two_inputs(K, L):
    a, b = K.Input((7, 4)), K.Input((3,))
    joined = L.Concatenate()([L.GRU(5)(a), L.Dense(4, activation="relu")(b)])
    return K.Model([a, b], L.Dense(1)(joined))


def skip(K, L):
    a = K.Input((7, 4))
    h = L.GRU(4, return_sequences=True)(a)
    z = L.Multiply()([L.Add()([a, h]), h])
    return K.Model(a, L.Dense(3, activation="softmax")(L.GRU(3)(z)))


def encoder_decoder(K, L):
    a, b = K.Input((None, 4)), K.Input((None, 4))
    _, h, c = L.LSTM(5, return_state=True)(a)
    y = L.LSTM(5, return_sequences=True)(b, initial_state=[h, c])
    return K.Model([a, b], L.Dense(5, activation="softmax")(y))


def both_directions(K, L):
    a, b = K.Input((None, 4)), K.Input((None, 4))
    _, f, g = L.Bidirectional(L.GRU(3, return_state=True))(a)
    y, _ = L.GRU(6, return_sequences=True, return_state=True)(
        b, initial_state=L.Concatenate()([f, g])
    )
    return K.Model([a, b], L.Dense(5, activation="softmax")(y))


def siamese(K, L):
    a, b = K.Input((7, 4)), K.Input((7, 4))
    rnn, dense = L.GRU(5), L.Dense(4, activation="tanh")
    u, v = dense(rnn(a)), dense(rnn(b))
    parts = [L.Subtract()([u, v]), L.Dot(1, normalize=True)([u, v])]
    return K.Model([a, b], L.Dense(1)(L.Concatenate()(parts)))


def nested(K, L):
    row = K.Sequential([K.Input((7, 4)), L.GRU(5, return_sequences=True), L.GRU(4)], name="row")
    a, b = K.Input((7, 4)), K.Input((7, 4))
    return K.Model([a, b], L.Dense(1)(L.concatenate([row(a), row(b)])))


def masked(name):
    def make(K, L):
        a, b = K.Input((7,)), K.Input((7,))
        u = L.GRU(3, return_sequences=True)(L.Embedding(6, 4, mask_zero=True)(a))
        v = L.GRU(3, return_sequences=True)(L.Embedding(6, 4, mask_zero=True)(b))
        z = L.GRU(4, return_sequences=True)(getattr(L, name)()([u, v]))
        return K.Model([a, b], L.Dense(5, activation="softmax")(z))

    return make


def half_masked(name):
    def make(K, L):
        a, b = K.Input((7,)), K.Input((7, 4))
        u = L.GRU(3, return_sequences=True)(L.Embedding(6, 4, mask_zero=True)(a))
        return K.Model([a, b], L.Dense(1)(L.GRU(4)(getattr(L, name)()([u, L.Dense(3)(b)]))))

    return make


MERGING = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")
BACK = X[:, ::-1].copy()
CASES = {
    "two_inputs": (two_inputs, [X, F], Y1, "mse"),
    "skip": (skip, X, LABELS, SPARSE),
    "encoder_decoder": (encoder_decoder, [X, BACK], STEPS, SPARSE),
    "both_directions": (both_directions, [X, BACK], STEPS, SPARSE),
    "siamese": (siamese, [X, BACK], Y1, "mse"),
    "nested": (nested, [X, BACK], Y1, "mse"),
    **{f"masked_{name}": (masked(name), [W, V], STEPS, SPARSE) for name in MERGING},
    **{f"half_masked_{name}": (half_masked(name), [W, X], Y1, "mse") for name in MERGING},
}


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_trained_weights_are_those_of_keras(name):
    make, x, y, loss = CASES[name]
    theirs, ours = make(keras, keras.layers), make(gru_c, gru_c.layers)
    weights = theirs.get_weights()
    for optimizer in ("sgd",) if "masked" in name else ("sgd", "adam"):
        theirs.set_weights(weights)
        ours.set_weights(weights)
        expected = theirs.predict_on_batch(x)
        np.testing.assert_allclose(ours.predict(x, verbose=0), expected, atol=2e-6)
        for model in (theirs, ours):
            model.compile(optimizer, loss)
            for _ in range(2):
                model.train_on_batch(x, y)
        for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)


def test_the_history_of_several_outputs_is_that_of_keras():
    def make(K, L):
        a = K.Input((7, 4))
        h = L.GRU(6, return_sequences=True)(a)
        g = L.GRU(5)(h)
        r = L.Dense(2, name="r")(L.GlobalAveragePooling1D()(h))
        q = L.Dense(3, activation="softmax", name="q")(g)
        return K.Model(a, [L.Dense(1, name="p")(g), q, r])

    theirs, ours = make(keras, keras.layers), make(gru_c, gru_c.layers)
    ours.set_weights(theirs.get_weights())
    names = [[layer.name for layer in model.layers][-3:] for model in (theirs, ours)]
    assert names[0] == names[1]
    logs = []
    for model in (theirs, ours):
        model.compile(
            "sgd",
            ["mse", SPARSE, "mae"],
            metrics=[["mae"], ["accuracy"], None],
            loss_weights=[1.0, 0.5, 2.0],
        )
        options = {"batch_size": 4, "shuffle": False, "verbose": 0, "validation_split": 0.25}
        logs.append(model.fit(X, [Y1, LABELS, Y2], epochs=2, **options).history)
    assert logs[0].keys() == logs[1].keys()
    for key, values in logs[0].items():
        np.testing.assert_allclose(logs[1][key], values, rtol=1e-4, atol=1e-5, err_msg=key)
