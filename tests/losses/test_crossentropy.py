"""Cross-entropies: saturated probabilities, logits, and gradients before the activation."""

import numpy as np
import pytest

from gru_c import losses


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


def test_all_zero_probabilities():
    loss = losses.CategoricalCrossentropy()
    value, gradient = loss.value_and_gradient([[1, 0]], [[0.0, 0.0]])
    assert value == pytest.approx(-np.log(1e-7))
    np.testing.assert_array_equal(gradient, [[0, 0]])
