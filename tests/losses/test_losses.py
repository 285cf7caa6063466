"""Losses against PyTorch, finite differences and formulas."""

import numpy as np
import pytest
from loss_cases import EVERY, C, N, data, differences, every_loss, every_shape

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


def test_gradient_before_the_activation_is_p_minus_y():
    p, w = np.array([[0.2], [0.9]]), np.array([1.0, 3.0])
    loss = losses.BinaryCrossentropy()
    gradient = loss.value_and_gradient([1, 0], p, w, logits=True)[1]
    np.testing.assert_allclose(gradient, [[(0.2 - 1) * 1 / 2], [(0.9 - 0) * 3 / 2]], rtol=1e-15)


@pytest.mark.parametrize(
    ("loss", "y", "expected"),
    [
        (losses.BinaryCrossentropy(), [[0, 1]], [[0.5, -0.5]]),
        (losses.CategoricalCrossentropy(), [[0, 1]], [[1, -1]]),
        (losses.SparseCategoricalCrossentropy(), [1], [[1, -1]]),
    ],
)
def test_saturated_probability(loss, y, expected):
    p = np.array([[1, 0]], np.float32)  # as wrong as can be
    value, gradient = loss.value_and_gradient(y, p, logits=True)
    np.testing.assert_array_equal(gradient, np.array(expected, np.float32))
    assert value == pytest.approx(-np.log(1e-7), rel=1e-6)
    # The clipped value does not change with p.
    np.testing.assert_array_equal(loss.value_and_gradient(y, p)[1], [[0, 0]])


@every_loss
@every_shape
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradient_is_new_and_of_the_same_dtype(loss, shape, dtype):
    y, p = data(loss, shape)
    p = p.astype(dtype)
    before, y_before = p.copy(), y.copy()
    for logits in [False, True] if loss.paired_activation else [False]:
        gradient = loss.value_and_gradient(y, p, logits=logits)[1]
        assert gradient.dtype == dtype
        assert gradient.shape == shape
        assert not np.shares_memory(gradient, p)
        assert not np.shares_memory(gradient, y)
    np.testing.assert_array_equal(p, before)
    np.testing.assert_array_equal(y, y_before)


@every_loss
@pytest.mark.parametrize("shape", [(0, 2), (0, 3, 2), (4, 0, 2)])
def test_nothing_costs_nothing(loss, shape):
    y, p = data(loss, shape)
    value, gradient = loss.value_and_gradient(y, p, np.ones(shape[0]))
    assert value == loss(y, p) == 0.0
    assert gradient.shape == shape


def test_divisor_is_the_count_not_the_weights():
    value, gradient = losses.get("mse").value_and_gradient(
        [0, 0, 0], [[1.0], [2.0], [3.0]], [2, 1, 0]
    )
    assert value == (2 * 1 + 1 * 4 + 0 * 9) / 3
    np.testing.assert_allclose(gradient, [[2 * 2 * 1 / 3], [2 * 1 * 2 / 3], [0]], rtol=1e-15)


def test_sums_in_float64():
    p = np.full((2**20, 1), 0.1, np.float32)
    exact = float(np.float32(0.1)) ** 2
    assert losses.get("mse")(np.zeros(2**20, np.float32), p) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("loss", "y"),
    [
        (losses.BinaryCrossentropy(from_logits=True), [[1, 0]]),
        (losses.CategoricalCrossentropy(from_logits=True), [[1, 0]]),
        (losses.SparseCategoricalCrossentropy(from_logits=True), [0]),
    ],
)
@pytest.mark.parametrize("size", [1.0, 50.0, 1e4, "largest"])
def test_any_finite_logits_without_warnings(loss, y, size, dtype):
    size = float(np.finfo(dtype).max) if size == "largest" else size
    for sign in (1, -1):
        value, gradient = loss.value_and_gradient(y, np.array([[sign, -sign]], dtype) * size)
        assert not np.isnan(value)
        assert np.isfinite(gradient).all()
        if sign == -1:
            assert value >= 0.99 * size
        elif size > 100:
            assert value == 0


def test_confident_logits_keep_their_digits():
    value = losses.BinaryCrossentropy(from_logits=True)([1], [[40.0]])
    assert value == pytest.approx(np.exp(-40.0), rel=1e-12)


@every_loss
def test_diverged_predictions_give_a_value_without_warnings(loss):
    y, p = data(loss, (N, C))
    p[0, 0], p[1, 1] = np.nan, np.inf
    value, gradient = loss.value_and_gradient(y, p)
    assert not np.isfinite(value)
    assert gradient.shape == p.shape


def test_all_zero_probabilities():
    loss = losses.CategoricalCrossentropy()
    value, gradient = loss.value_and_gradient([[1, 0]], [[0.0, 0.0]])
    assert value == pytest.approx(-np.log(1e-7))
    np.testing.assert_array_equal(gradient, [[0, 0]])
