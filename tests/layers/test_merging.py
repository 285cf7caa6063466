"""Concatenate and Dot: values, gradients, masks, and shapes that cannot be merged."""

import numpy as np
import pytest

from gru_c import layers
from gru_c.layers import Concatenate, Dot


def gradients_agree(layer, shapes, seed=0):
    """Compare the gradients with finite differences in float64."""
    rng = np.random.default_rng(seed)
    inputs = [rng.normal(size=shape) for shape in shapes]
    d = rng.normal(size=np.shape(layer(inputs, training=True)))
    gradients = layer.backward(d)
    for number, (x, gradient) in enumerate(zip(inputs, gradients, strict=True)):
        place = tuple(rng.integers(size) for size in x.shape)
        change = np.zeros_like(x)
        change[place] = 1e-6
        after, before = (
            [item + (sign * change if i == number else 0) for i, item in enumerate(inputs)]
            for sign in (1, -1)
        )
        difference = ((layer(after) - layer(before)) * d).sum() / 2e-6
        np.testing.assert_allclose(gradient[place], difference, rtol=1e-5, atol=1e-8)
        assert gradient.shape == x.shape


@pytest.mark.parametrize(
    ("layer", "shapes"),
    [
        (Concatenate(dtype="float64"), [(3, 2), (3, 4)]),
        (Concatenate(1, dtype="float64"), [(3, 2, 5), (3, 4, 5)]),
        (Dot(1, dtype="float64"), [(3, 4), (3, 4)]),
        (Dot((2, 1), dtype="float64"), [(3, 2, 4), (3, 4, 5)]),
        (Dot(-1, normalize=True, dtype="float64"), [(3, 2, 4), (3, 5, 4)]),
    ],
)
def test_gradients_are_those_of_finite_differences(layer, shapes):
    gradients_agree(layer, shapes)


def test_dot_multiplies_matrices_of_each_sample():
    x, y = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    expected = np.einsum("bti,bsi->bts", x, y)
    np.testing.assert_allclose(Dot(2, dtype="float64")([x, y]), expected)


def test_the_mask_of_a_concatenation_counts_steps_of_any_input():
    x = [np.zeros((1, 3, 2)), np.zeros((1, 3, 2))]
    a, b = np.array([[True, False, False]]), np.array([[False, True, False]])
    assert Concatenate().compute_mask(x, [a, b]).tolist() == [[True, True, False]]
    assert Concatenate().compute_mask(x, [a, None]).tolist() == [[True, True, True]]
    assert Concatenate(1).compute_mask(x, [a, b]).tolist() == [
        [True, False, False, False, True, False]
    ]
    assert Concatenate().compute_mask(x, [None, None]) is None


@pytest.mark.parametrize(
    ("layer", "shapes", "words"),
    [
        (Concatenate(), [(2, 3, 4), (2, 4)], "number of their axes"),
        (Concatenate(), [(2, 3, 4), (2, 5, 4)], "may differ in axis 2 alone"),
        (Concatenate(3), [(2, 3, 4), (2, 3, 4)], "axis=3"),
        (Dot(1), [(2, 3), (2, 4)], "axis 1 has 3 numbers and axis 1 4"),
        (Dot(0), [(2, 3), (2, 3)], "behind the first"),
    ],
)
def test_shapes_that_cannot_be_merged_are_named(layer, shapes, words):
    with pytest.raises(ValueError, match=words) as error:
        layer([np.zeros(shape) for shape in shapes])
    assert str(shapes[0]) in str(error.value)


def test_the_functions_are_the_layers():
    a, b = np.ones((2, 3)), np.full((2, 3), 3.0)
    for name, value in {
        "add": 4,
        "subtract": -2,
        "multiply": 3,
        "average": 2,
        "maximum": 3,
    }.items():
        assert (getattr(layers, name)([a, b]) == value).all()
    assert (layers.minimum([a, b]) == 1).all()
    assert layers.concatenate([a, b]).shape == (2, 6)
    assert layers.dot([a, b], axes=1).tolist() == [[9], [9]]
