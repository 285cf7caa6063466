"""Noise and dropout of whole features: distributions, seeds, gradients, models."""

import numpy as np
import pytest
from tools import assert_same_bits

import gru_c
from gru_c import GRU, Dense, GaussianDropout, GaussianNoise, Input, Sequential, SpatialDropout1D

RNG = np.random.default_rng(106)
X = RNG.standard_normal((40, 30, 20))
KINDS = [(SpatialDropout1D, 0.25), (GaussianDropout, 0.2), (GaussianNoise, 0.5)]


def drawn(layer):
    """The factors of the input, or the noise that is added to it."""
    y = layer(np.ones(X.shape), training=True)
    return y - 1 if isinstance(layer, GaussianNoise) else y


def test_whole_features_are_dropped():
    factors = drawn(SpatialDropout1D(0.25, seed=1, dtype="float64"))
    assert set(np.unique(factors)) == {0.0, 1 / 0.75}
    assert (factors == factors[:, :1]).all()
    assert (factors[:, 0] == 0).mean() == pytest.approx(0.25, abs=0.05)
    assert len(np.unique(factors[:, 0], axis=0)) > 30  # another choice for each sample


@pytest.mark.parametrize(
    ("layer", "mean", "stddev"),
    [(GaussianDropout(0.2, seed=2), 1, 0.5), (GaussianNoise(0.7, seed=2), 0, 0.7)],
    ids=["dropout", "noise"],
)
def test_the_numbers_are_normally_distributed(layer, mean, stddev):
    numbers = drawn(layer).astype(float)
    assert numbers.mean() == pytest.approx(mean, abs=0.02)
    assert numbers.std() == pytest.approx(stddev, rel=0.02)
    within = np.abs(numbers - mean) < stddev
    assert within.mean() == pytest.approx(0.6827, abs=0.01)


@pytest.mark.parametrize(("cls", "amount"), KINDS)
def test_outside_training_the_input_passes(cls, amount):
    layer = cls(amount, dtype="float64")
    assert_same_bits(layer(X), X)
    assert layer.stepwise
    assert_same_bits(cls(0, dtype="float64")(X, training=True), X)
    mask = np.ones((40, 30), bool)
    assert layer.compute_mask(X, mask) is mask


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("cls", "amount"), KINDS)
def test_the_gradient_is_that_of_the_numbers_drawn(cls, amount, dtype):
    layer = cls(amount, seed=3, dtype=dtype)
    x = X.astype(dtype)
    y = layer(x, training=True)
    assert y.dtype == dtype
    d = layer.backward(x)
    assert d.dtype == dtype
    factors = np.ones(X.shape) if cls is GaussianNoise else y / x
    np.testing.assert_allclose(d, x * factors, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("cls", "amount"), KINDS)
def test_a_seed_repeats_the_numbers(cls, amount):
    first, second, other = cls(amount, 5), cls(amount, seed=5), cls(amount, 6)
    assert_same_bits(drawn(first), drawn(second))
    assert not np.array_equal(drawn(first), drawn(other))
    models = []
    for _ in range(2):
        model = Sequential([Input((6, 3)), cls(amount), GRU(3), Dense(1)], seed=7)
        model.compile("sgd", "mse")
        model.fit(X[:, :6, :3], X[:, 0, 0], epochs=2, verbose=0)
        models.append(model)
    for weight, same in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        assert_same_bits(weight, same)


@pytest.mark.parametrize(("cls", "amount"), KINDS)
def test_a_model_is_saved(cls, amount, tmp_path):
    model = Sequential([Input((6, 3)), cls(amount, seed=4), GRU(3)])
    model.save(tmp_path / "model.safetensors")
    again = gru_c.load_model(tmp_path / "model.safetensors")
    assert again.layers[0].get_config() == model.layers[0].get_config()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: SpatialDropout1D(1.0), ValueError, r"rate must be a number in \[0, 1\)"),
        (lambda: GaussianDropout(-0.1), ValueError, r"rate must be a number in \[0, 1\)"),
        (lambda: GaussianNoise(1.5), ValueError, r"stddev must be a number in \[0, 1\], got 1.5"),
        (lambda: GaussianNoise(-0.5), ValueError, r"stddev must be a number in \[0, 1\]"),
        (lambda: GaussianNoise("0.5"), TypeError, r"stddev must be a number in \[0, 1\]"),
        (lambda: GaussianNoise(0.5, seed=-1), ValueError, "seed"),
        (lambda: SpatialDropout1D(0.5)(X[0]), ValueError, r"\(batch, time, features\)"),
    ],
)
def test_what_does_not_fit_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()
