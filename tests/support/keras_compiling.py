"""Keras files of a small model with any configuration of its compilation; without Keras."""

import re
import warnings

import numpy as np
from keras_rewriting import write_config

from gru_c.interop import keras

X = np.random.default_rng(0).standard_normal((6, 5, 4)).astype(np.float32)
Y = X[:, 0, :1]


def spec(class_name, **config):
    return {"class_name": class_name, "config": config}


def adam(**config):
    return spec("Adam", name="Adam", **config)


MSE = spec("MeanSquaredError", reduction="auto", name="mean_squared_error", fn="mean_squared_error")
GOOD = {"optimizer": adam(learning_rate=0.5), "loss": "mse", "metrics": ["mae"]}


FUNCTION = {"module": "builtins", "class_name": "function", "registered_name": "function"}
DECAY = {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5, "staircase": False}


def loaded(path, compiled, message=None):
    """Load a model compiled like this. The only warning must match `message`; None: no warning."""
    write_config(path, lambda config: config.update(compile_config=compiled))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = keras.load(path)
    if message is None:
        assert [str(warning.message) for warning in caught] == []
    else:
        (warning,) = caught
        text = str(warning.message)
        assert text.startswith(f"{path}: gru_c lacks parts of what the model was compiled with in ")
        assert re.search(message, text), text
        assert warning.filename == __file__
    assert model.predict(X, verbose=0).shape == (6, 1)
    return model
