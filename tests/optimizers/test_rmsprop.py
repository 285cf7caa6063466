"""RMSprop by hand; test_base.py has its formula over several steps."""

import numpy as np
import pytest
from optimizer_formulas import two_layers

from gru_c.optimizers import RMSprop


def first_steps(optimizer, gradients):
    """Return the changes of the first weight in steps with the same gradient everywhere."""
    parameters = two_layers()
    changes = []
    for gradient in gradients:
        before = parameters.items[0].numpy()
        for item in parameters.items:
            item.gradient[...] = gradient
        optimizer.step(parameters)
        change = parameters.items[0].array - before
        np.testing.assert_allclose(change, change[0, 0], rtol=1e-9)
        changes.append(change[0, 0])
    return changes


def test_a_gradient_is_divided_by_the_root_of_the_running_mean_square():
    first, second = first_steps(RMSprop(0.1, rho=0.75, epsilon=0.0), [2.0, -2.0])
    assert first == pytest.approx(-0.1 * 2 / np.sqrt(0.25 * 4))
    assert second == pytest.approx(0.1 * 2 / np.sqrt((0.25 + 0.75 * 0.25) * 4))


def test_a_centered_mean_square_is_the_variance():
    (first,) = first_steps(RMSprop(0.1, rho=0.75, epsilon=0.0, centered=True), [2.0])
    assert first == pytest.approx(-0.1 * 2 / np.sqrt(0.25 * 4 - (0.25 * 2) ** 2))


def test_momentum_adds_to_the_step_before():
    plain = first_steps(RMSprop(0.1), [1.0, 1.0])
    with_momentum = first_steps(RMSprop(0.1, momentum=0.5), [1.0, 1.0])
    assert with_momentum[0] == pytest.approx(plain[0])
    assert with_momentum[1] == pytest.approx(0.5 * plain[0] + plain[1])


def test_the_state_has_the_vectors_that_the_settings_need():
    assert RMSprop().slot_names() == ("velocity",)
    both = RMSprop(momentum=0.1, centered=True)
    assert both.slot_names() == ("velocity", "average", "momentum")
