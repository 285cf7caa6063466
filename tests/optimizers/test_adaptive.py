"""Optimizers with a history of gradients beside their formulas, written here in NumPy."""

import numpy as np
import pytest
from optimizer_formulas import expected, run

from gru_c.optimizers import Adadelta, Adagrad, Adamax, Lion, Nadam


def adagrad():
    total = {}

    def update(i, t, g):
        total[i] = total.get(i, 0.1) + g**2
        return 0.1 * g / np.sqrt(total[i] + 1e-7)

    return update


def adadelta(rho=0.95):
    squares, steps = {}, {}

    def update(i, t, g):
        squares[i] = rho * squares.get(i, 0) + (1 - rho) * g**2
        step = g * np.sqrt(steps.get(i, 0) + 1e-7) / np.sqrt(squares[i] + 1e-7)
        steps[i] = rho * steps.get(i, 0) + (1 - rho) * step**2
        return 0.1 * step

    return update


def adamax(beta_1=0.9, beta_2=0.999):
    mean, largest = {}, {}

    def update(i, t, g):
        mean[i] = beta_1 * mean.get(i, 0) + (1 - beta_1) * g
        largest[i] = np.maximum(beta_2 * largest.get(i, 0), np.abs(g))
        return 0.1 * mean[i] / (1 - beta_1**t) / (largest[i] + 1e-7)

    return update


def nadam(beta_1=0.9, beta_2=0.999):
    mean, square = {}, {}

    def share(t):
        return beta_1 * (1 - 0.5 * 0.96**t)

    def update(i, t, g):
        mean[i] = beta_1 * mean.get(i, 0) + (1 - beta_1) * g
        square[i] = beta_2 * square.get(i, 0) + (1 - beta_2) * g**2
        product = np.prod([share(s) for s in range(1, t + 1)])
        of_mean = share(t + 1) * mean[i] / (1 - product * share(t + 1))
        of_gradient = (1 - share(t)) * g / (1 - product)
        return 0.1 * (of_mean + of_gradient) / (np.sqrt(square[i] / (1 - beta_2**t)) + 1e-7)

    return update


def lion(beta_1=0.9, beta_2=0.99):
    mean = {}

    def update(i, t, g):
        before = mean.get(i, 0)
        mean[i] = beta_2 * before + (1 - beta_2) * g
        return 0.1 * np.sign(beta_1 * before + (1 - beta_1) * g)

    return update


@pytest.mark.parametrize(
    ("cls", "formula"),
    [(Adagrad, adagrad), (Adadelta, adadelta), (Adamax, adamax), (Nadam, nadam), (Lion, lion)],
)
@pytest.mark.parametrize("decay", [None, 0.01])
def test_steps_follow_the_formula(cls, formula, decay):
    weights = run(cls(0.1, weight_decay=decay))
    for weight, wanted in zip(weights, expected(formula(), decay or 0.0), strict=True):
        np.testing.assert_allclose(weight, wanted, rtol=1e-10, atol=1e-12)


def test_the_sum_of_adagrad_begins_with_its_setting():
    optimizer = Adagrad(initial_accumulator_value=0.75)
    assert optimizer.initial_value("accumulator") == 0.75
    with pytest.raises(ValueError, match="initial_accumulator_value must be a finite number >= 0"):
        Adagrad(initial_accumulator_value=-1)
