"""Initializers that draw: ranges, moments, orthogonality, fans, seeds."""

import numpy as np
import pytest

from gru_c import initializers

SHAPE = (300, 200)  # fan_in 300, fan_out 200
SCALED = {
    "glorot_uniform": 2 / 500,
    "glorot_normal": 2 / 500,
    "he_uniform": 2 / 300,
    "he_normal": 2 / 300,
    "lecun_uniform": 1 / 300,
    "lecun_normal": 1 / 300,
}


def make(spec, shape=SHAPE, dtype="float64", seed=0):
    return initializers.get(spec)(shape, dtype, np.random.default_rng(seed))


@pytest.mark.parametrize(("name", "variance"), SCALED.items())
def test_moments_and_range(name, variance):
    w = make(name)
    deviation = np.sqrt(variance)
    assert abs(w.mean()) < 5 * deviation / np.sqrt(w.size)
    assert w.var() == pytest.approx(variance, rel=0.02)
    # A uniform ends at sqrt(3) deviations; a normal is cut at 2 before it is widened by 1 / 0.8796.
    limit = deviation * (np.sqrt(3) if "uniform" in name else 2 / 0.87962566103423978)
    assert 0.99 * limit < np.abs(w).max() <= limit


def test_truncation_correction_is_the_deviation_of_the_cut_normal():
    x = np.linspace(-2, 2, 200_001)
    density = np.exp(-x * x / 2)
    deviation = np.sqrt((x * x * density).sum() / density.sum())
    assert deviation == pytest.approx(initializers.random._TRUNCATED_STDDEV, rel=1e-5)


@pytest.mark.parametrize(
    ("shape", "fans"),
    [((), (1, 1)), ((7,), (7, 7)), ((3, 5), (3, 5)), ((2, 4, 3, 5), (24, 40))],
)
def test_fans(shape, fans):
    assert initializers.random._fans(shape) == fans


@pytest.mark.parametrize("shape", [(4, 12), (12, 4), (5, 5), (1, 3), (2, 3, 4)])
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_orthogonal(shape, gain):
    w = make(initializers.Orthogonal(gain), shape)
    assert w.shape == shape
    m = w.reshape(-1, shape[-1]) / gain
    gram = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-12)


def test_orthogonal_has_no_preferred_sign():
    # Without the signs of R, QR would return the same sign in the corner every time.
    rng = np.random.default_rng(0)
    init = initializers.Orthogonal()
    corners = [init((3, 3), "float64", rng)[0, 0] > 0 for _ in range(400)]
    assert 150 < sum(corners) < 250


def test_orthogonal_wants_a_matrix():
    with pytest.raises(ValueError, match=r"two axes or more, got \(3,\)"):
        make("orthogonal", (3,))


def test_random_normal_and_uniform():
    w = make(initializers.RandomNormal(mean=1.0, stddev=0.5))
    assert w.mean() == pytest.approx(1.0, abs=0.01)
    assert w.std() == pytest.approx(0.5, rel=0.02)
    assert np.abs(w - 1).max() > 1.5  # not truncated
    w = make(initializers.RandomUniform(minval=-1.0, maxval=3.0))
    assert w.mean() == pytest.approx(1.0, abs=0.03)
    assert -1 <= w.min() < -0.99
    assert 2.99 < w.max() <= 3


RANDOM = [*SCALED, "orthogonal", "random_normal", "random_uniform"]


@pytest.mark.parametrize("name", RANDOM)
def test_generator_and_seed(name):
    np.testing.assert_array_equal(make(name, seed=1), make(name, seed=1))
    assert not np.array_equal(make(name, seed=1), make(name, seed=2))
    seeded = initializers.get({"class_name": name, "config": {"seed": 5}})
    first = make(seeded, seed=1)
    np.testing.assert_array_equal(first, make(seeded, seed=2))
    np.testing.assert_array_equal(first, make(name, seed=5))


@pytest.mark.parametrize("name", [*RANDOM, "zeros", "ones", "constant"])
@pytest.mark.parametrize("shape", [(3, 4), (0, 4), (1, 1)])
def test_dtype_and_rounding(name, shape):
    w = make(name, shape, "float32")
    assert (w.shape, w.dtype) == (shape, np.float32)
    np.testing.assert_array_equal(w, make(name, shape, "float64").astype("float32"))


@pytest.mark.parametrize("name", RANDOM)
def test_it_may_be_called_as_in_keras(name):
    initializer = initializers.get({"class_name": name, "config": {"seed": 3}})
    w = initializer((3, 4), dtype="float64")
    np.testing.assert_array_equal(w, make(initializer, (3, 4), "float64"))
    assert initializer([3, 4]).dtype == np.float32
    unseeded = initializers.get(name)
    assert not np.array_equal(unseeded((3, 4)), unseeded((3, 4)))
