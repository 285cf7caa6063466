"""Formulas of optimizers in Keras, in NumPy float64, and steps with random gradients."""

import numpy as np

from gru_c import Dense, Parameters

STEPS = 5


def two_layers(dtype="float64"):
    layers = [Dense(3, dtype=dtype), Dense(2, dtype=dtype)]
    layers[0].build((None, 4), rng=1)
    layers[1].build((None, 3), rng=2)
    return Parameters(layers)


def gradients_of_step(parameters, step):
    rng = np.random.default_rng(100 + step)
    return [rng.standard_normal(item.value.shape) for item in parameters.items]


def run(optimizer, dtype="float64"):
    """Return the weights after some steps with random gradients."""
    parameters = two_layers(dtype)
    for step in range(STEPS):
        for item, gradient in zip(
            parameters.items, gradients_of_step(parameters, step), strict=True
        ):
            item.gradient[...] = gradient
        optimizer.step(parameters)
    return [item.value for item in parameters.items]


def expected(update, decay=0.0, rate=0.1, clip=lambda gradients: gradients):
    """Return the same from `update(i, t, g) -> step` for weight i, after its decay."""
    parameters = two_layers()
    weights = [item.value.copy() for item in parameters.items]
    for step in range(STEPS):
        for i, g in enumerate(clip(gradients_of_step(parameters, step))):
            weights[i] += -rate * decay * weights[i] - update(i, step + 1, g)
    return weights


class Slots(dict):
    """Return zeros for the state of each weight."""

    def __missing__(self, key):
        return 0.0


def adam(rate=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m, v = Slots(), Slots()

    def update(i, t, g):
        m[i] = beta_1 * m[i] + (1 - beta_1) * g
        v[i] = beta_2 * v[i] + (1 - beta_2) * g**2
        corrected = rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        return corrected * m[i] / (np.sqrt(v[i]) + epsilon)

    return update
