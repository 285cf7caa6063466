"""Every activation in every layer that takes one."""

import numpy as np
import pytest

from gru_c import GRU, Activation, Conv1D, Dense, Sequential, TimeDistributed, _core, activations
from gru_c.layers import Lambda

X = np.random.default_rng(5).standard_normal((6, 7, 3))
LAYERS = {
    "Activation": Activation,
    "Conv1D": lambda name: Conv1D(3, 2, activation=name),
    "Dense": lambda name: Dense(3, activation=name),
    "Lambda": lambda name: Lambda(activations.get(name)),
    "TimeDistributed": lambda name: TimeDistributed(Dense(3, activation=name)),
}


@pytest.mark.parametrize("name", sorted(set(activations.ACTIVATIONS)))
@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_the_gradient_is_that_of_differences(make, name):
    model = Sequential([Dense(3), make(name)], dtype="float64", seed=0)
    model.build(X.shape)
    weight = np.random.default_rng(1).standard_normal(model(X).shape)
    model(X, training=True)
    model.backward(weight)
    kernel = model.layers[0].value("kernel")
    gradient = model.layers[0].gradient("kernel").copy()
    direction = np.random.default_rng(2).standard_normal(kernel.shape) * 1e-6
    kernel += direction
    above = (model(X) * weight).sum()
    kernel -= 2 * direction
    difference = (above - (model(X) * weight).sum()) / 2
    assert (gradient * direction).sum() == pytest.approx(difference, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("name", sorted(set(_core.ACTIVATIONS) & set(activations.ACTIVATIONS)))
def test_a_gru_takes_the_functions_that_its_core_has(name):
    function = activations.ACTIVATIONS[name]
    layer = GRU(3, activation=function, recurrent_activation=function)
    assert layer.activation == layer.recurrent_activation == name
    assert type(layer)(**layer.get_config()).get_config() == layer.get_config()


def test_a_gru_refuses_other_functions():
    with pytest.raises(ValueError, match="unknown activation of a GRU 'gelu'"):
        GRU(3, activation=activations.ACTIVATIONS["gelu"])
    with pytest.raises(TypeError, match="activation of a GRU must be a string, got int"):
        GRU(3, activation=3)
