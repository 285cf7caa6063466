"""A small compiled classifier, its samples, and weights of the samples and of their classes."""

import numpy as np

from gru_c import GRU, Dense, Input, Sequential

X = np.random.default_rng(5).standard_normal((12, 4, 3)).astype(np.float32)
Y = (X[:, :, 0].mean(1) > 0).astype(int)
WEIGHTS = {0: 0.5, 1: 3.0}  # of the classes
BY_SAMPLE = np.where(Y == 1, 3.0, 0.5)


def compiled(outputs=1, loss="binary_crossentropy", sequences=False, **options):
    activation = "softmax" if outputs > 1 else "sigmoid"
    layers = [Input((None, 3)), GRU(2, return_sequences=sequences), Dense(outputs, activation)]
    model = Sequential(layers, seed=0, dtype="float64")
    model.compile("sgd", loss, **options)
    return model


def weights_after(model, x, y, **options):
    model.fit(x, y, batch_size=5, epochs=2, shuffle=False, verbose=0, **options)
    return np.concatenate([weight.ravel() for weight in model.get_weights()])
