"""Gradient descent by hand; test_base.py has its formula over several steps."""

import numpy as np
import pytest

from gru_c import Dense, Parameters
from gru_c.optimizers import SGD


def weight_after(optimizer, gradients, start=1.0):
    """Return one weight after steps with these gradients."""
    layer = Dense(1, use_bias=False, dtype="float64")
    layer.build((None, 1), rng=0)
    parameters = Parameters([layer])
    (item,) = parameters.items
    item.value[...] = start
    for gradient in gradients:
        item.gradient[...] = gradient
        optimizer.step(parameters)
    return item.array.item()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 1 - 0.5 * (2 + 4)),
        # The velocity is -1, then 0.5 * -1 - 2 = -2.5.
        ({"momentum": 0.5}, 1 - 1 - 2.5),
        # The steps are 0.5 * -1 - 1 and 0.5 * -2.5 - 2.
        ({"momentum": 0.5, "nesterov": True}, 1 - 1.5 - 3.25),
        ({"weight_decay": 0.1}, ((1 - 0.05) - 1) * 0.95 - 2),
    ],
    ids=["plain", "momentum", "nesterov", "decay"],
)
def test_two_steps_by_hand(options, expected):
    assert weight_after(SGD(0.5, **options), [2.0, 4.0]) == pytest.approx(expected, rel=1e-12)


def test_only_momentum_has_a_state():
    assert SGD().slot_names() == ()
    assert SGD(momentum=0.9).slot_names() == ("momentum",)


def test_a_rate_of_zero_changes_nothing():
    assert np.float64(weight_after(SGD(0.0, momentum=0.9), [5.0, -3.0])) == 1.0
