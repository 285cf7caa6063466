"""Every loss beside Keras's: values, gradients, weights, masks, reductions, functions, names."""

import numpy as np
import pytest
from keras_peer import keras, torch
from loss_cases import differences

import gru_c
from gru_c import losses

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

REGRESSION, COUNTS, SIGNS, UNIT, SHARES, LABELS = range(6)  # kinds of targets

# The class, its arguments, and the kind of targets and predictions that it takes.
CASES = [
    ("MeanSquaredError", {}, REGRESSION),
    ("MeanAbsoluteError", {}, REGRESSION),
    ("MeanAbsolutePercentageError", {}, REGRESSION),
    ("MeanSquaredLogarithmicError", {}, REGRESSION),
    ("Huber", {"delta": 0.3}, REGRESSION),
    ("LogCosh", {}, REGRESSION),
    ("CosineSimilarity", {}, REGRESSION),
    ("Poisson", {}, COUNTS),
    ("Hinge", {}, SIGNS),
    ("SquaredHinge", {}, SIGNS),
    ("Hinge", {}, UNIT),
    ("CategoricalHinge", {}, SHARES),
    ("KLDivergence", {}, SHARES),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, UNIT),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, REGRESSION),
    ("CategoricalCrossentropy", {"label_smoothing": 0.3}, SHARES),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.3}, SHARES),
    ("SparseCategoricalCrossentropy", {}, LABELS),
    ("BinaryFocalCrossentropy", {}, UNIT),
    ("BinaryFocalCrossentropy", {"gamma": 0.5, "apply_class_balancing": True}, UNIT),
    ("BinaryFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, UNIT),
    ("CategoricalFocalCrossentropy", {}, SHARES),
    ("CategoricalFocalCrossentropy", {"gamma": 0.0}, SHARES),
    ("CategoricalFocalCrossentropy", {"alpha": [0.1, 0.2, 0.4], "gamma": 1.5}, SHARES),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, SHARES),
]
REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", None, "none"]

every_case = pytest.mark.parametrize(("name", "options", "kind"), CASES, ids=str)


def data(kind, shape=(6, 3), seed=0):
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.05, 0.9, shape)
    if kind == REGRESSION:
        p = rng.normal(size=shape)
        y = rng.uniform(0.1, 0.9, shape)
    elif kind == COUNTS:
        y = rng.integers(0, 4, shape)
    elif kind == SIGNS:
        y, p = rng.choice([-1, 1], shape), rng.normal(size=shape)
    elif kind == UNIT:
        y = rng.integers(0, 2, shape)
    elif kind == SHARES:
        y = np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
    else:
        y = rng.integers(0, shape[-1], shape[:-1])
    return y, p


def pair(name, options, **more):
    return (
        getattr(losses, name)(**options, **more),
        getattr(keras.losses, name)(**options, **more, dtype="float64"),
    )


@every_case
@pytest.mark.parametrize("shape", [(6, 3), (4, 5, 3)], ids=str)
def test_values_and_gradients_are_those_of_keras(name, options, kind, shape):
    mine, peer = pair(name, options)
    y, p = data(kind, shape)
    weight = np.random.default_rng(1).uniform(0, 2, shape[:-1])
    tensor = torch.tensor(p, requires_grad=True)
    expected = peer(torch.tensor(y), tensor, sample_weight=torch.tensor(weight))
    expected.backward()
    value, gradient = mine.value_and_gradient(y, p, weight)
    assert value == pytest.approx(expected.item(), rel=1e-6)
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-5, atol=1e-8)


@every_case
def test_the_gradient_is_that_of_differences(name, options, kind):
    loss = getattr(losses, name)(**options)
    y, p = data(kind)
    expected = differences(lambda x: loss(y, x), p)
    np.testing.assert_allclose(loss.value_and_gradient(y, p)[1], expected, rtol=1e-5, atol=1e-8)


@every_case
def test_the_function_of_the_same_name_returns_keras_values_of_samples(name, options, kind):
    cls = getattr(losses, name)
    mine, peer = getattr(losses, cls().name), getattr(keras.losses, cls().name)
    y, p = data(kind)
    expected = keras.ops.convert_to_numpy(peer(torch.tensor(y), torch.tensor(p), **options))
    np.testing.assert_allclose(mine(y, p, **options), expected, rtol=1e-6)
    np.testing.assert_allclose(mine(y[0], p[0], **options), expected[0], rtol=1e-6)
    assert type(losses.get(mine)) is cls


@pytest.mark.parametrize("reduction", REDUCTIONS, ids=str)
@pytest.mark.parametrize("shape", [(6, 3), (4, 5, 3)], ids=str)
def test_one_number_is_the_weight_of_all_samples(reduction, shape):
    mine, peer = pair("MeanSquaredError", {}, reduction=reduction)
    y, p = data(REGRESSION, shape)
    if reduction == "mean_with_sample_weight":  # Keras divides by the number, not by the sum
        with pytest.raises(ValueError, match=r"each sample, got one for all: 2\.3"):
            mine(y, p, sample_weight=2.3)
        return
    expected = peer(torch.tensor(y), torch.tensor(p), sample_weight=2.3)
    np.testing.assert_allclose(mine(y, p, sample_weight=2.3), expected.numpy(), rtol=1e-6)


@pytest.mark.parametrize("reduction", REDUCTIONS, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_reductions_are_those_of_keras(reduction, weighted):
    mine, peer = pair("MeanSquaredError", {}, reduction=reduction)
    y, p = data(REGRESSION, (4, 5, 3))
    weight = np.random.default_rng(1).uniform(0, 2, (4, 5)) if weighted else None
    tensor = torch.tensor(p, requires_grad=True)
    expected = peer(torch.tensor(y), tensor, sample_weight=weight)
    np.testing.assert_allclose(mine(y, p, weight), expected.detach().numpy(), rtol=1e-6)
    if mine.reduction is None:
        with pytest.raises(ValueError, match="reduction=None has a value for each sample"):
            mine.value_and_gradient(y, p)
        with pytest.raises(ValueError, match="reduction=None has a value for each sample"):
            gru_c.Sequential([gru_c.Dense(1)]).compile("sgd", mine)
    else:
        expected.backward()
        gradient = mine.value_and_gradient(y, p, weight)[1]
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-6)


@pytest.mark.parametrize("reduction", REDUCTIONS[:4], ids=str)
def test_masked_steps_count_in_no_reduction(reduction):
    mine, peer = pair("MeanSquaredError", {}, reduction=reduction)
    y, p = data(REGRESSION, (4, 5, 3))
    weight = np.random.default_rng(1).uniform(0, 2, (4, 5))
    mask = np.random.default_rng(2).random((4, 5)) < 0.6
    outputs = torch.tensor(p)
    keras.src.backend.set_keras_mask(outputs, torch.tensor(mask))
    expected = peer(torch.tensor(y), outputs, sample_weight=weight).item()
    assert mine(y, p, weight, mask) == pytest.approx(expected, rel=1e-6)


def test_an_unknown_reduction_is_refused():
    with pytest.raises(ValueError, match=r"reduction must be one of .*got 'average'"):
        losses.Huber(reduction="average")


@pytest.mark.parametrize(
    ("alias", "cls"),
    [
        *[(name, cls) for name, cls in losses.LOSSES.items() if cls is not losses.QuantileLoss],
        *[(name, losses.LOSSES[name.lower()]) for name in ("MSE", "MAE", "MAPE", "MSLE", "KLD")],
    ],
)
def test_names_stand_for_keras_losses(alias, cls):
    assert type(losses.get(alias)) is cls
    if alias not in ("logcosh", "kullback_leibler_divergence"):  # names of Keras 2
        assert keras.losses.get(alias if alias != "kld" else "KLD") is not None


def test_training_with_a_sum_follows_keras():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 4)).astype("f"), rng.normal(size=(8, 2)).astype("f")
    mine = gru_c.Sequential([gru_c.Dense(2, input_shape=(4,))])
    mine.compile(gru_c.optimizers.SGD(0.01), losses.LogCosh(reduction="sum"))
    peer = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    peer.compile(keras.optimizers.SGD(0.01), keras.losses.LogCosh(reduction="sum"))
    mine.build((None, 4))
    peer.set_weights(mine.get_weights())
    expected = peer.fit(x, y, batch_size=3, epochs=3, shuffle=False, verbose=0).history["loss"]
    history = mine.fit(x, y, batch_size=3, epochs=3, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(history, expected, rtol=1e-5)
    np.testing.assert_allclose(mine.get_weights()[0], peer.get_weights()[0], rtol=1e-4, atol=1e-6)
