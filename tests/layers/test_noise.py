"""Noise and dropout of whole features: distributions and models."""

import numpy as np
import pytest

import gru_c
from gru_c import GRU, GaussianDropout, GaussianNoise, Input, Sequential, SpatialDropout1D

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
