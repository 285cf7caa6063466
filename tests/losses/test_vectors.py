"""Losses of all outputs of a sample together, by hand."""

import numpy as np
import pytest

from gru_c import losses
from gru_c.losses.vectors import cosine


def test_the_cosine_does_not_depend_on_the_lengths():
    y, p = np.array([[3.0, 4.0], [1.0, 0.0]]), np.array([[6.0, 8.0], [0.0, -2.0]])
    np.testing.assert_allclose(cosine(y, p, -1), [1.0, 0.0], atol=1e-12)
    assert losses.CosineSimilarity()(y, p) == pytest.approx(-0.5)
    assert losses.CosineSimilarity()(y[:1], -p[:1]) == pytest.approx(1.0)


def test_the_divergence_of_a_distribution_from_itself_is_zero():
    y, p = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    loss = losses.KLDivergence()
    assert loss(y, y) == pytest.approx(0.0, abs=1e-12)
    assert loss(y, p) == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(0.5 / 0.75), rel=1e-6)


def test_the_margin_is_between_the_right_output_and_the_largest_wrong_one():
    y = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    p = np.array([[0.5, 0.75, 0.25], [0.0, 0.0, 2.0]])
    assert losses.CategoricalHinge()(y, p) == pytest.approx((1 + 0.5 - 0.75 + 0.0) / 2)


@pytest.mark.parametrize("cls", [losses.CosineSimilarity, losses.KLDivergence])
def test_gradients_are_those_of_finite_differences(cls):
    rng, loss, step = np.random.default_rng(2), cls(), 1e-6
    y, p = rng.uniform(0.1, 0.9, (2, 4, 3))
    _, gradient = loss.value_and_gradient(y, p)
    direction = rng.normal(size=p.shape)
    slope = (loss(y, p + step * direction) - loss(y, p - step * direction)) / (2 * step)
    assert (gradient * direction).sum() == pytest.approx(slope, rel=1e-6)
