"""The losses as functions: one value for each sample."""

import numpy as np
import pytest

from gru_c import losses
from gru_c.losses import per_sample
from gru_c.losses.per_sample import BY_FUNCTION

Y = np.array([[0.0, 1.0], [2.0, 2.0], [1.0, 0.0]])
P = np.array([[0.5, 1.0], [0.0, 1.0], [1.0, 3.0]])


def test_each_sample_has_its_value():
    expected = ((Y - P) ** 2).mean(axis=1)
    np.testing.assert_allclose(per_sample.mean_squared_error(Y, P), expected, rtol=1e-12)
    steps = per_sample.mean_absolute_error(Y[:, None], P[:, None])
    np.testing.assert_allclose(steps, np.abs(Y - P).mean(axis=1)[:, None], rtol=1e-12)


def test_one_sample_may_come_without_an_axis_and_options_go_to_the_class():
    assert per_sample.mae(Y[0], P[0]) == pytest.approx(0.25)
    assert per_sample.huber(Y[1], P[1], delta=0.5) == pytest.approx(
        (0.5 * (2 - 0.25) + 0.5 * (1 - 0.25)) / 2
    )


@pytest.mark.parametrize("function", BY_FUNCTION, ids=lambda function: function.__name__)
def test_the_mean_over_the_samples_is_the_loss(function):
    loss = BY_FUNCTION[function]()
    y, p = np.eye(3)[[0, 2]], np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]])
    y = y.argmax(axis=1) if "sparse" in function.__name__ else y
    if function.__name__ == "ctc":  # of sequences
        y, p = np.array([[1], [2]]), np.stack([p, p[::-1]])
    assert np.mean(function(y, p)) == pytest.approx(loss(y, p), rel=1e-6)


def test_short_names_stand_for_the_same_functions():
    assert per_sample.mse is per_sample.MSE is per_sample.mean_squared_error
    assert per_sample.kld is per_sample.kl_divergence
    for name in per_sample.__all__:
        assert getattr(losses, name) is getattr(per_sample, name)
