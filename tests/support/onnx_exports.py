"""Models to export, and inputs for them."""

import numpy as np

from gru_c import GRU, Embedding, Input, Sequential


def make(*layers, shape=(None, 4)):
    """Return a built model with weights that are not zero."""
    model = Sequential([Input(shape), *layers], seed=0)
    rng = np.random.default_rng(1)
    model.set_weights([w + rng.normal(size=w.shape) * 0.2 for w in model.get_weights()])
    return model


def steps(units, **options):
    return GRU(units, return_sequences=True, **options)


def inputs(model, batch, time, seed=0):
    rng = np.random.default_rng(seed)
    if isinstance(model.layers[0], Embedding):
        return rng.integers(0, 9, (batch, time)[: len(model.input_shape)])
    shape = (batch, 4) if len(model.input_shape) == 2 else (batch, model.fixed_time or time, 4)
    return rng.normal(size=shape).astype(np.float32)
