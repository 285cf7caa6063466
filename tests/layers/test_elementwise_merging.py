"""Layers that merge number by number: gradients, repeated sizes, masks."""

import numpy as np
import pytest

from gru_c import layers
from tests.layers.test_merging import gradients_agree

NAMES = ("Add", "Average", "Multiply", "Maximum", "Minimum")


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_finite_differences(name):
    gradients_agree(getattr(layers, name)(dtype="float64"), [(3, 4, 2)] * 3)
    gradients_agree(getattr(layers, name)(dtype="float64"), [(3, 4, 2), (3, 1, 2), (3, 2)], seed=1)


def test_subtract_takes_two():
    gradients_agree(layers.Subtract(dtype="float64"), [(3, 4), (3, 1)])
    with pytest.raises(ValueError, match="merges a list of"):
        layers.Subtract()([np.ones((1, 2))] * 3)


@pytest.mark.parametrize("name", NAMES)
def test_sizes_that_differ_are_named(name):
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(2, 4\): sizes 3 and 4"):
        getattr(layers, name)()([np.ones((2, 3)), np.ones((2, 4))])


@pytest.mark.parametrize("name", NAMES)
def test_gradients_with_masks_are_those_of_finite_differences(name):
    rng = np.random.default_rng(3)
    layer = getattr(layers, name)(dtype="float64")
    x = [rng.normal(size=(2, 5, 3)) for _ in range(3)]
    masks = [rng.random((2, 5)) > 0.4, None if name == "Maximum" else rng.random((2, 5)) > 0.4]
    masks.append(rng.random((2, 5)) > 0.4)
    layer(x)
    d = rng.normal(size=(2, 5, 3))
    layer.forward(x, training=True, mask=masks)
    for number, gradient in enumerate(layer.backward(d)):
        for place in ((0, 1, 2), (1, 4, 0), (0, 3, 1)):
            values = []
            for step in (1e-6, -1e-6):
                moved = [item.copy() for item in x]
                moved[number][place] += step
                values.append((layer.forward(moved, mask=masks) * d).sum())
            np.testing.assert_allclose(gradient[place], (values[0] - values[1]) / 2e-6, atol=1e-7)
