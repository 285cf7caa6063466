"""Every loss, with targets and predictions for it."""

import numpy as np
import pytest

from gru_c import losses

N, T, C = 4, 3, 5

SHAPES = [(N, 1), (N, C), (N, T, C)]

EVERY = [
    losses.MeanSquaredError(),
    losses.MeanAbsoluteError(),
    losses.Huber(),
    losses.Huber(0.3),
    losses.QuantileLoss(0.3),
    losses.BinaryCrossentropy(),
    losses.BinaryCrossentropy(from_logits=True),
    losses.CategoricalCrossentropy(),
    losses.CategoricalCrossentropy(from_logits=True),
    losses.SparseCategoricalCrossentropy(),
    losses.SparseCategoricalCrossentropy(from_logits=True),
]

every_loss = pytest.mark.parametrize("loss", EVERY, ids=repr)

every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def is_probability(loss):
    return getattr(loss, "from_logits", True) is False


def data(loss, shape, seed=0):
    """Return targets and predictions of a loss; its probabilities do not add up to 1."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.05, 0.95, shape) if is_probability(loss) else rng.normal(size=shape)
    if isinstance(loss, losses.SparseCategoricalCrossentropy):
        return rng.integers(0, shape[-1], shape[:-1]), p
    if isinstance(loss, losses.CategoricalCrossentropy):
        return rng.dirichlet(np.ones(shape[-1]), shape[:-1]), p
    if isinstance(loss, losses.BinaryCrossentropy):
        return rng.uniform(0, 1, shape), p
    return rng.normal(size=shape), p


def differences(function, x, step=1e-6):
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        shift = np.zeros_like(x)
        shift[index] = step
        gradient[index] = (function(x + shift) - function(x - shift)) / (2 * step)
    return gradient
