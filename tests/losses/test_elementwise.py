"""Losses of one target and one prediction, by hand."""

import numpy as np
import pytest

from gru_c import losses
from gru_c.losses import elementwise

Y = np.array([[0.0, 2.0], [5.0, 1.0]])
P = np.array([[0.5, 3.0], [4.0, 1.0]])


@pytest.mark.parametrize(
    ("cls", "y", "p", "value"),
    [
        ("MeanAbsolutePercentageError", [[2.0, 4.0]], [[1.0, 5.0]], 100 * (0.5 + 0.25) / 2),
        (
            "MeanSquaredLogarithmicError",
            Y,
            P,
            (np.log(1.5) ** 2 + np.log(4 / 3) ** 2 + np.log(5 / 6) ** 2) / 4,
        ),
        ("LogCosh", Y, P, np.log(np.cosh([0.5, 1.0, -1.0, 0.0])).mean()),
        ("Poisson", [[2.0, 0.0]], [[1.0, 3.0]], (1.0 + 3.0) / 2),
        ("Hinge", [[-1.0, 1.0]], [[0.5, 0.25]], (1.5 + 0.75) / 2),
        ("Hinge", [[0.0, 1.0]], [[0.5, 2.0]], (1.5 + 0.0) / 2),  # 0 and 1 stand for -1 and 1
        ("SquaredHinge", [[-1.0, 1.0]], [[0.5, 0.25]], (1.5**2 + 0.75**2) / 2),
    ],
)
def test_values_by_hand(cls, y, p, value):
    loss = getattr(elementwise, cls)()
    assert loss(np.array(y), np.array(p)) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("cls", ["MeanAbsolutePercentageError", "LogCosh", "Poisson"])
def test_gradients_are_those_of_finite_differences(cls):
    loss, p, step = getattr(losses, cls)(), P + 0.125, 1e-6
    _, gradient = loss.value_and_gradient(Y + 1, p)
    for place in np.ndindex(*p.shape):
        moved = np.zeros_like(p)
        moved[place] = step
        slope = (loss(Y + 1, p + moved) - loss(Y + 1, p - moved)) / (2 * step)
        assert gradient[place] == pytest.approx(slope, rel=1e-5, abs=1e-9)


def test_large_errors_of_log_cosh_do_not_overflow():
    value, gradient = losses.LogCosh().value_and_gradient([[0.0]], np.array([[1000.0]]))
    assert value == pytest.approx(1000 - np.log(2))
    assert gradient == 1.0
