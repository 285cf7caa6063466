"""A model of four layers, and helpers that train it and find the layers that changed."""

import numpy as np

from gru_c import GRU, Dense, LayerNormalization, Sequential

RNG = np.random.default_rng(71)
X = RNG.standard_normal((24, 6, 3)).astype(np.float32)
Y = RNG.standard_normal((24, 1)).astype(np.float32)


def model_of(optimizer="adam", units=5, **options):
    """Return a compiled model with weights in gru, layer_normalization, gru_1 and dense."""
    model = Sequential(
        [
            GRU(units, return_sequences=True, input_shape=(6, 3), **options),
            LayerNormalization(),
            GRU(units),
            Dense(1),
        ],
        seed=0,
    )
    model.compile(optimizer, "mse")
    return model


def fit(model, x=X, y=Y, epochs=2, **options):
    return model.fit(x, y, epochs=epochs, batch_size=8, verbose=0, **options)


def changed(model, before):
    """Return a list with True for each layer whose weights differ in a bit from `before`."""
    after = [layer.get_weights() for layer in model.layers if layer.parameters]
    return [
        any(a.tobytes() != b.tobytes() for a, b in zip(new, old, strict=True))
        for new, old in zip(after, before, strict=True)
    ]


def weights_by_layer(model):
    return [layer.get_weights() for layer in model.layers if layer.parameters]
