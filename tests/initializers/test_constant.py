"""Initializers without randomness: one number everywhere, an array, or a diagonal."""

import numpy as np
import pytest

from gru_c import initializers

SHAPE = (300, 200)  # fan_in 300, fan_out 200


def make(spec, shape=SHAPE, dtype="float64", seed=0):
    return initializers.get(spec)(shape, dtype, np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("spec", "value"),
    [("zeros", 0.0), ("Ones", 1.0), (initializers.Constant(0.25), 0.25), ("constant", 0.0)],
)
def test_constants(spec, value):
    np.testing.assert_array_equal(make(spec, (2, 3)), np.full((2, 3), value))


def test_an_array_fills_the_weights_that_numpy_broadcasts_it_to():
    value = np.array([1.0, 2.0, 3.0])
    initializer = initializers.Constant(value)
    value[:] = 0  # the initializer has a copy
    np.testing.assert_array_equal(make(initializer, (2, 3)), [[1, 2, 3], [1, 2, 3]])
    with pytest.raises(ValueError, match=r"an array of shape \(3,\) .* weight of shape \(3, 2\)"):
        make(initializer, (3, 2))
    with pytest.raises(ValueError, match=r"an array of shape \(3,\) .* weight of shape \(6, 3\)"):
        make(initializer.of_shape((2, 3)), (6, 3))


@pytest.mark.parametrize("value", [[1.0, np.nan], [np.inf], [[1j]]])
def test_arrays_that_are_not_finite_real_numbers_are_refused(value):
    with pytest.raises((ValueError, TypeError), match="Constant: "):
        initializers.Constant(value)


def test_identity_is_a_multiple_of_the_identity_matrix():
    np.testing.assert_array_equal(
        make(initializers.Identity(2.5), (2, 3)), [[2.5, 0, 0], [0, 2.5, 0]]
    )
    with pytest.raises(ValueError, match=r"Identity needs a shape of two axes, got \(3,\)"):
        make("identity", (3,))
