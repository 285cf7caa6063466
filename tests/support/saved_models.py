"""A trained model to save, and changes of the files of saved models."""

import json

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from gru_c import GRU, Dense, Dropout, Input, Sequential
from gru_c.saving.files import digest_of

RNG = np.random.default_rng(41)
X, Y = RNG.standard_normal((20, 6, 4)), RNG.standard_normal(20)


def trained(optimizer="adam", loss="mse", metrics=("mae",)):
    layers = [
        Input((None, 4)),
        GRU(5, return_sequences=True, name="first"),
        Dropout(0.1),
        GRU(3, reset_after=False, go_backwards=True, use_bias=False),
        Dense(1, activation="tanh"),
    ]
    model = Sequential(layers, name="weather", seed=1)
    model.compile(optimizer, loss, list(metrics))
    model.fit(X, Y, epochs=2, verbose=0)
    return model


def rewrite(path, *, metadata=None, model=None, tensors=None):
    """Change parts of a saved file, and its digest if that is not given; None removes a key."""
    content = load_file(path)
    with safe_open(path, framework="numpy") as file:
        header = dict(file.metadata())
    config = json.loads(header["model"])
    for target, changes in ((config, model), (header, metadata), (content, tensors)):
        for key, value in (changes or {}).items():
            if value is None:
                del target[key]
            else:
                target[key] = value
    if model:
        header["model"] = json.dumps(config)
    if "digest" not in (metadata or {}):
        header["digest"] = digest_of(content, header)
    save_file(content, path, header)
