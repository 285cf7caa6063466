"""The base class of layers that apply an activation function: what they say of it."""

import numpy as np
import pytest

from gru_c import Activation, Conv1D, Dense, activations
from gru_c.layers.base.activated_layer import ActivatedLayer

LAYERS = pytest.mark.parametrize(
    "make", [lambda a: Dense(2, a), lambda a: Conv1D(2, 3, activation=a), Activation]
)


@LAYERS
def test_the_name_and_the_function_are_those_that_the_layer_applies(make):
    layer = make("tanh")
    assert isinstance(layer, ActivatedLayer)
    assert layer.activation == "tanh"
    assert layer.activation_function is activations.get("tanh")
    cube = activations.Activation("cube", lambda x: x**3, lambda y, dy: dy)
    assert make(cube).activation == "cube"
    assert make(cube).activation_function is cube


@LAYERS
@pytest.mark.parametrize("name", ["activation", "activation_function"])
def test_it_cannot_be_exchanged(make, name):
    layer = make("relu")
    with pytest.raises(AttributeError, match=name):
        setattr(layer, name, "tanh")
    assert layer.activation == "relu"


def test_the_output_is_that_of_the_function():
    layer = Activation("softplus", dtype="float64")
    x = np.array([[-1.0, 0.0, 2.0]])
    np.testing.assert_allclose(layer(x), np.log1p(np.exp(x)), rtol=1e-12)
