"""Models that are the same in gru_c and in Keras, with their inputs, and the comparison of both."""

import numpy as np

RNG = np.random.default_rng(71)
X = RNG.standard_normal((12, 6, 4)).astype(np.float32)
X[:5, 4:] = 0.5  # masked
Y = RNG.standard_normal((12, 1)).astype(np.float32)
WORDS = RNG.integers(0, 9, (5, 7))
SEQUENCES = {"return_sequences": True}

# Models of either library: `L` is the module with its layers.
CHAINS = {
    "gru": lambda L: [L.GRU(5, name="first", **SEQUENCES), L.GRU(3), L.Dense(1, name="last")],
    "reset_before": lambda L: [L.GRU(3, reset_after=False, go_backwards=True), L.Dense(2)],
    "no_bias": lambda L: [L.GRU(3, use_bias=False), L.Dense(2, "relu", use_bias=False)],
    "square": lambda L: [L.GRU(4, **SEQUENCES), L.GRU(4)],
    "activations": lambda L: [
        L.GRU(3, "softsign", "hard_sigmoid", **SEQUENCES),
        L.GRU(3, "relu", "hard_sigmoid", reset_after=False, **SEQUENCES),
        L.GRU(3, "linear"),
        L.Dense(2, "leaky_relu"),
    ],
    "dropouts": lambda L: [L.GRU(3, dropout=0.1, recurrent_dropout=0.2, seed=3), L.Dropout(0.5)],
    "masking": lambda L: [L.Masking(0.5), L.GRU(3, zero_output_for_mask=True, **SEQUENCES)],
    "bidirectional": lambda L: [
        L.Masking(0.5),
        L.Bidirectional(L.GRU(3, **SEQUENCES)),
        L.Bidirectional(
            L.GRU(2, go_backwards=True, **SEQUENCES),
            merge_mode="mul",
            backward_layer=L.GRU(2, **SEQUENCES),
            name="b",
        ),
        L.Bidirectional(
            L.GRU(2), "ave", backward_layer=L.GRU(2, "relu", go_backwards=True, use_bias=False)
        ),
    ],
    "normalization": lambda L: [
        L.LayerNormalization(epsilon=0.1),
        L.GRU(3, **SEQUENCES),
        L.LayerNormalization(center=False, epsilon=0.1),
        L.LayerNormalization(scale=False, epsilon=0.1),
    ],
    "shapes": lambda L: [
        L.Flatten(),
        L.Dense(3, "softplus"),
        L.RepeatVector(2),
        L.GRU(3, **SEQUENCES),
        L.Dense(2),
        L.Activation("softmax"),
    ],
    "batch_normalization": lambda L: [
        L.BatchNormalization(epsilon=0.1, momentum=0.5),
        L.GRU(3, **SEQUENCES),
        L.BatchNormalization(axis=1, center=False),
        L.BatchNormalization(axis=2, scale=False, trainable=False),
        L.GRU(3),
    ],
    "rectifiers": lambda L: [
        L.PReLU(shared_axes=[1]),
        L.GaussianNoise(0.1),
        L.GRU(3, **SEQUENCES),
        L.SpatialDropout1D(0.2),
        L.LeakyReLU(0.1),
        L.GaussianDropout(0.1),
        L.Reshape((-1, 2)),
        L.ELU(0.5),
        L.Permute((2, 1)),
        L.GRU(4),
        L.ReLU(max_value=6.0, negative_slope=0.25),
        L.Softmax(),
    ],
    "convolution": lambda L: [
        L.ZeroPadding1D((1, 0)),
        L.Conv1D(6, 3, strides=2, padding="same", activation="relu"),
        L.Conv1D(4, 2, padding="causal", dilation_rate=2, groups=2, use_bias=False),
        L.UpSampling1D(3),
        L.MaxPooling1D(2),
        L.Cropping1D((1, 0)),
        L.AveragePooling1D(3, 1, "same"),
        L.GRU(3, **SEQUENCES),
        L.GlobalAveragePooling1D(keepdims=True),
        L.GlobalMaxPooling1D(),
    ],
    "initializers": lambda L: [
        L.GRU(3, kernel_initializer="he_normal", recurrent_initializer="ones", **SEQUENCES),
        L.Dense(2, kernel_initializer="random_uniform", bias_initializer="random_normal"),
    ],
    "penalties": lambda L: [
        L.GRU(3, kernel_regularizer="l2", bias_constraint="non_neg", kernel_constraint="max_norm"),
        L.Dense(1, kernel_regularizer="l1", bias_regularizer="l2", kernel_constraint="unit_norm"),
    ],
}
TEXT = {
    "words": lambda L: [L.Embedding(9, 4), L.GRU(3)],
    "padded": lambda L: [L.Embedding(9, 4, mask_zero=True), L.Bidirectional(L.GRU(3))],
}
INPUTS = {**dict.fromkeys(CHAINS, X), **dict.fromkeys(TEXT, WORDS)}


def chain(library, name, dtype=None, shape=None):
    """Return one of the models, with weights that are not the initial ones."""
    layers = {**CHAINS, **TEXT}[name](library.layers)
    shape = shape or INPUTS[name].shape[1:]
    model = library.Sequential([library.layers.Input(shape), *layers], name="net")
    rng = np.random.default_rng(3)
    weights = [rng.standard_normal(w.shape) / 2 for w in model.get_weights()]
    if name == "batch_normalization":  # a variance is positive
        weights = [np.abs(w) for w in weights]
    model.set_weights(weights)
    return model


def predictions(model, x):
    return np.asarray(model.predict(x, verbose=0))


def assert_same(a, b, x):
    np.testing.assert_allclose(predictions(a, x), predictions(b, x), rtol=1e-6, atol=1e-6)
