"""Layers, regularizers and constraints beside Keras's own, with its weights."""

import numpy as np
import pytest
from keras_peer import keras

import gru_c

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

RNG = np.random.default_rng(91)
X = RNG.standard_normal((24, 5, 4)).astype(np.float32)
WORDS = RNG.integers(0, 9, (24, 5))
LABELS = (WORDS == 3).any(axis=1).astype(np.float32)
W = RNG.standard_normal((5, 7)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "options", "x"),
    [
        ("Embedding", {"input_dim": 9, "output_dim": 4}, WORDS),
        ("LayerNormalization", {}, X),
        ("LayerNormalization", {"epsilon": 0.1, "center": False, "scale": False}, X[:, 0]),
        ("Activation", {"activation": "softmax"}, X),
        ("RepeatVector", {"n": 3}, X[:, 0]),
        ("Flatten", {}, X),
        ("Masking", {"mask_value": 0.5}, np.where(WORDS[:, :, None] > 4, X, np.float32(0.5))),
    ],
)
def test_layers(name, options, x):
    theirs = getattr(keras.layers, name)(**options)
    ours = getattr(gru_c, name)(**options)
    expected = theirs(x).detach().numpy()
    ours.build(x.shape)
    weights = [RNG.standard_normal(w.shape) for w in theirs.get_weights()]
    for layer in (theirs, ours):
        layer.set_weights(weights)
    expected = theirs(x).detach().numpy()
    np.testing.assert_allclose(ours(x), expected, rtol=1e-5, atol=1e-6)
    assert ours.compute_output_shape((None, *x.shape[1:])) == (None, *expected.shape[1:])


@pytest.mark.parametrize(
    ("layer", "options", "x"),
    [
        ("Embedding", {"input_dim": 9, "output_dim": 4, "mask_zero": True}, WORDS),
        ("Embedding", {"input_dim": 9, "output_dim": 4}, WORDS),
        ("Masking", {}, X * (WORDS > 4)[:, :, None]),
    ],
)
def test_masks(layer, options, x):
    expected = getattr(keras.layers, layer)(**options).compute_mask(keras.ops.convert_to_tensor(x))
    mask = getattr(gru_c, layer)(**options).compute_mask(x)
    if expected is None:
        assert mask is None
    else:
        np.testing.assert_array_equal(mask, expected.numpy())


@pytest.mark.parametrize(
    ("name", "arguments"), [("L1", ()), ("L2", ()), ("L1", (0.2,)), ("L1L2", (0.2, 0.3))]
)
def test_regularizers(name, arguments):
    expected = getattr(keras.regularizers, name)(*arguments)(keras.ops.convert_to_tensor(W))
    actual = getattr(gru_c.regularizers, name)(*arguments)(W)
    assert actual == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("MaxNorm", ()),
        ("MaxNorm", (1.5, 1)),
        ("MaxNorm", (3, [0, 1])),
        ("NonNeg", ()),
        ("UnitNorm", ()),
        ("UnitNorm", (1,)),
    ],
)
def test_constraints(name, arguments):
    expected = getattr(keras.constraints, name)(*arguments)(keras.ops.convert_to_tensor(W))
    actual = getattr(gru_c.constraints, name)(*arguments)(W)
    np.testing.assert_allclose(actual, expected.numpy(), rtol=1e-6)


def text_model(library, optimizer):
    """Return a model with a regularizer or constraint of every kind."""
    layers, r, c = library.layers, library.regularizers, library.constraints
    model = library.Sequential(
        [
            layers.Input((5,)),
            layers.Embedding(
                9, 4, embeddings_regularizer="l2", embeddings_constraint=c.MaxNorm(0.1, 1)
            ),
            layers.LayerNormalization(),
            layers.GRU(
                6,
                kernel_regularizer=r.L1(0.003),
                recurrent_regularizer=r.L2(0.002),
                bias_regularizer=r.L1L2(0.001, 0.002),
                kernel_constraint=c.MaxNorm(0.8),
                recurrent_constraint=c.UnitNorm(1),
                bias_constraint="non_neg",
            ),
            layers.Dense(1, kernel_regularizer="l1", bias_constraint=c.NonNeg()),
            layers.Activation("sigmoid"),
        ]
    )
    model.compile(optimizer=optimizer, loss="binary_crossentropy")
    return model


@pytest.mark.parametrize("settings", [{}, {"global_clipnorm": 0.3}, {"weight_decay": 0.01}])
def test_training(settings):
    models = [
        text_model(library, library.optimizers.Adam(learning_rate=0.02, **settings))
        for library in (keras, gru_c)
    ]
    models[1].set_weights(models[0].get_weights())
    theirs, ours = (
        model.fit(
            WORDS, LABELS, epochs=6, batch_size=8, shuffle=False, verbose=0, validation_split=0.25
        ).history
        for model in models
    )
    assert theirs["loss"][-1] < theirs["loss"][0]
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=1e-3, err_msg=name)
    for weight, expected in zip(models[1].get_weights(), models[0].get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected, atol=2e-3)


@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave"])
@pytest.mark.parametrize("sequences", [True, False])
def test_bidirectional(mode, sequences):
    options = {"return_sequences": sequences, "return_state": True}
    theirs = keras.layers.Bidirectional(keras.layers.GRU(6, **options), merge_mode=mode)
    ours = gru_c.Bidirectional(gru_c.GRU(6, **options), merge_mode=mode)
    theirs(X)
    ours.build(X.shape)
    ours.set_weights(weights := [RNG.standard_normal(w.shape) for w in theirs.get_weights()])
    theirs.set_weights(weights)
    for actual, expected in zip(ours(X), theirs(X), strict=True):
        np.testing.assert_allclose(actual, expected.detach().numpy(), rtol=1e-5, atol=1e-6)


OTHERS = ["relu", "linear", "softsign", "hard_sigmoid", "sigmoid", "leaky_relu", "elu", "softplus"]


@pytest.mark.parametrize("activation", OTHERS)
@pytest.mark.parametrize("recurrent", ["hard_sigmoid", "sigmoid"])
@pytest.mark.parametrize("reset_after", [True, False])
def test_activations_of_a_gru(activation, recurrent, reset_after):
    options = {
        "activation": activation,
        "recurrent_activation": recurrent,
        "reset_after": reset_after,
        "return_sequences": True,
    }
    theirs, ours = keras.layers.GRU(6, **options), gru_c.GRU(6, **options)
    theirs(X)
    ours.build(X.shape)
    ours.set_weights(weights := [RNG.standard_normal(w.shape) / 2 for w in theirs.get_weights()])
    theirs.set_weights(weights)
    np.testing.assert_allclose(ours(X), theirs(X).detach().numpy(), rtol=2e-5, atol=2e-6)


def test_stateful_batches():
    theirs = keras.layers.GRU(6, stateful=True, return_sequences=True)
    ours = gru_c.GRU(6, stateful=True, return_sequences=True)
    theirs(X)
    ours.build(X.shape)
    ours.set_weights(theirs.get_weights())
    ours(X)
    for reset in (False, False, True):
        np.testing.assert_allclose(ours(X), theirs(X).detach().numpy(), rtol=1e-5, atol=1e-6)
        if reset:
            ours.reset_state()
            theirs.reset_state()
    np.testing.assert_allclose(ours(X), theirs(X).detach().numpy(), rtol=1e-5, atol=1e-6)
