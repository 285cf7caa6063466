"""Losses against PyTorch, finite differences and formulas."""

import numpy as np
import pytest
from loss_cases import EVERY, data, differences, every_loss, every_shape

from gru_c import losses
from gru_c.activations import sigmoid, softmax

PAIRED = [loss for loss in EVERY if loss.paired_activation]

FUNCTIONS = {"sigmoid": sigmoid, "softmax": softmax}


def torch_values(torch, loss, y, p):
    """Return the values of the samples by PyTorch's losses."""
    functional = torch.nn.functional
    if isinstance(loss, losses.CategoricalCrossentropy):
        if loss.from_logits:
            logs = torch.log_softmax(p, -1)
        else:
            logs = torch.log((p / p.sum(-1, True)).clamp(1e-7, 1 - 1e-7))
        if isinstance(loss, losses.SparseCategoricalCrossentropy):
            flat = functional.nll_loss(logs.flatten(0, -2), y.flatten(), reduction="none")
            return flat.reshape(y.shape)
        return -(y * logs).sum(-1)
    if isinstance(loss, losses.BinaryCrossentropy):
        logits = functional.binary_cross_entropy_with_logits
        function = logits if loss.from_logits else functional.binary_cross_entropy
    elif isinstance(loss, losses.Huber):
        return functional.huber_loss(p, y, reduction="none", delta=loss.delta).mean(-1)
    elif isinstance(loss, losses.QuantileLoss):
        (q,) = loss.quantiles
        return torch.maximum(q * (y - p), (q - 1) * (y - p)).mean(-1)
    else:
        squared = isinstance(loss, losses.MeanSquaredError)
        function = functional.mse_loss if squared else functional.l1_loss
    return function(p, y, reduction="none").mean(-1)


@every_loss
@every_shape
@pytest.mark.parametrize("weighted", [None, "samples", "values"])
def test_against_torch(loss, shape, weighted):
    torch = pytest.importorskip("torch")
    y, p = data(loss, shape)
    size = {None: None, "samples": shape[:1], "values": shape[:-1]}[weighted]
    weight = None if size is None else np.random.default_rng(1).uniform(0, 3, size)
    tp = torch.tensor(p, requires_grad=True)
    values = torch_values(torch, loss, torch.tensor(y), tp)
    if weight is not None:
        tw = torch.tensor(weight)
        values = values * tw.reshape(tw.shape + (1,) * (values.ndim - tw.ndim))
    expected = values.sum() / values.numel()
    expected.backward()

    value, gradient = loss.value_and_gradient(y, p, weight)
    assert value == pytest.approx(expected.item(), rel=1e-12)
    assert loss(y, p, weight) == value
    np.testing.assert_allclose(gradient, tp.grad.numpy(), rtol=1e-9, atol=1e-14)


@every_loss
@every_shape
def test_gradient_by_finite_differences(loss, shape):
    y, p = data(loss, shape)
    weight = np.random.default_rng(2).uniform(0.5, 2, shape[0])
    gradient = loss.value_and_gradient(y, p, weight)[1]
    expected = differences(lambda q: loss(y, q, weight), p)
    assert np.abs(gradient - expected).max() <= 1e-6 * max(np.abs(expected).max(), 1e-3)


@pytest.mark.parametrize("loss", PAIRED, ids=repr)
@every_shape
def test_gradient_before_the_activation(loss, shape):
    y, _ = data(loss, shape)
    x = np.random.default_rng(3).normal(size=shape)
    weight = np.random.default_rng(4).uniform(0.5, 2, shape[:-1])
    activation = FUNCTIONS[loss.paired_activation]
    gradient = loss.value_and_gradient(y, activation(x), weight, logits=True)[1]
    expected = differences(lambda z: loss(y, activation(z), weight), x)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-9)
