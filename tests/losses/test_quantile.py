"""The pinball loss against scikit-learn's, finite differences, and the quantiles of a sample."""

import numpy as np
import pytest

from gru_c import losses
from gru_c.losses import QuantileLoss

QUANTILES = (0.1, 0.5, 0.9)


def data(*shape):
    """Return targets (*shape, 2) and predictions of three quantiles of each, (*shape, 6)."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(*shape, 2)), rng.normal(size=(*shape, 6))


def test_against_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    y, p = data(50)
    by_quantile = [
        metrics.mean_pinball_loss(y, p.reshape(50, 2, 3)[..., i], alpha=q)
        for i, q in enumerate(QUANTILES)
    ]
    assert QuantileLoss(QUANTILES)(y, p) == pytest.approx(np.mean(by_quantile), rel=1e-12)


@pytest.mark.parametrize("shape", [(4,), (4, 3)])
def test_gradient_by_finite_differences(shape):
    y, p = data(*shape)
    weight = np.linspace(0.5, 2, 4)
    loss, step = QuantileLoss(QUANTILES), 1e-6
    _, gradient = loss.value_and_gradient(y, p, weight)
    for index in np.ndindex(p.shape):
        shift = np.zeros_like(p)
        shift[index] = step
        slope = (loss(y, p + shift, weight) - loss(y, p - shift, weight)) / (2 * step)
        assert gradient[index] == pytest.approx(slope, abs=1e-8)


def test_its_minimum_is_the_quantile():
    y = np.random.default_rng(1).exponential(size=(1001, 1))
    loss = QuantileLoss(0.9)
    best = min(y[:, 0], key=lambda value: loss(y, np.full_like(y, value)))
    assert best == np.quantile(y, 0.9)


def test_half_the_absolute_error_at_the_median():
    y, p = data(9)
    value, gradient = QuantileLoss().value_and_gradient(y, p[:, :2])
    expected = losses.MeanAbsoluteError().value_and_gradient(y, p[:, :2])
    assert value == pytest.approx(expected[0] / 2)
    np.testing.assert_allclose(gradient, expected[1] / 2)


def test_no_error_no_slope():
    value, gradient = QuantileLoss(0.9).value_and_gradient([[1.0]], [[1.0]])
    assert (value, gradient.tolist()) == (0.0, [[0.0]])


def test_configuration():
    loss = losses.get(losses.serialize(QuantileLoss(np.array(QUANTILES))))
    assert repr(loss) == "QuantileLoss(quantiles=(0.1, 0.5, 0.9))"
    assert isinstance(losses.get("quantile"), QuantileLoss)


@pytest.mark.parametrize("bad", [(), 0, 1, (0.5, 0.5), (0.9, 0.1), (0.1, float("nan")), "a", None])
def test_quantiles_that_are_none(bad):
    with pytest.raises(ValueError, match="QuantileLoss: quantiles must be"):
        QuantileLoss(bad)


def test_outputs_that_do_not_fit():
    loss = QuantileLoss(QUANTILES)
    with pytest.raises(ValueError, match="of 3 quantiles needs a multiple of that many outputs, g"):
        loss(np.zeros((2, 1)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"expects y of shape \(2, 2\), got \(2, 6\)"):
        loss(np.zeros((2, 6)), np.zeros((2, 6)))
