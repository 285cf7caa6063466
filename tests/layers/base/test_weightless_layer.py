"""The base class of layers without weights: a user's layer that squares its input."""

import numpy as np
import pytest

from gru_c.layers.base.weightless_layer import WeightlessLayer, WeightlessTape

X = np.array([[1.0, -2.0], [0.5, 3.0]])


class Square(WeightlessLayer):
    def forward(self, x, *, training=False):
        array = self._as_input(x)
        if training:
            self.tape = WeightlessTape(array, array.shape)
        return array**2

    def input_gradient_of(self, saved, d_output):
        return 2 * saved * d_output


def test_the_gradient_of_the_input_comes_from_what_the_forward_pass_saved():
    layer = Square(dtype="float64")
    layer.build(X.shape)
    np.testing.assert_array_equal(layer.forward(X, training=True), X**2)
    np.testing.assert_array_equal(layer.backward(np.full((2, 2), 3.0)), 6 * X)
    assert layer.backward(X, input_gradient=False) is None
    assert layer.get_weights() == []


def test_a_gradient_of_another_shape_and_a_missing_pass_are_refused():
    layer = Square(dtype="float64")
    layer(X)
    with pytest.raises(ValueError, match=r"has no tape: call forward\(x, training=True\)"):
        layer.backward(X)
    layer.forward(X, training=True)
    with pytest.raises(ValueError, match="must have the shape of its output"):
        layer.backward(X[:1])
    with pytest.raises(TypeError, match="accumulate must be"):
        layer.backward(X, accumulate="no")
