"""The weights of layers in one flat vector, and their gradients in another."""

import numpy as np
import pytest
from copied import assert_views, both_ways

from gru_c import GRU, Dense, Parameters, optimizers


@both_ways
def test_copied_layers_and_parameters_of_a_model_by_hand(duplicate):
    layers = [GRU(4), Dense(1)]
    layers[0].build((None, None, 3), rng=0)
    layers[1].build((None, 4), rng=1)
    parameters, (gru, dense) = duplicate((Parameters(layers), layers))
    assert_views(parameters, [gru, dense])
    with pytest.raises(ValueError, match="already part of a model"):
        Parameters([gru])


def test_parameters_are_views_of_two_flat_aligned_vectors():
    layers = [GRU(5), Dense(3)]
    layers[0].build((None, 6, 4), rng=0)
    layers[1].build((None, 5), rng=1)
    before = [weight for layer in layers for weight in layer.get_weights()]
    parameters = Parameters(layers)
    for item, old in zip(parameters.items, before, strict=True):
        np.testing.assert_array_equal(item.value, old)
        assert np.shares_memory(item.value, parameters.values)
        assert np.shares_memory(item.gradient, parameters.gradients)
        assert item.value.ctypes.data % 64 == 0
    parameters.values[:] = 3
    assert (layers[1].value("bias") == 3).all()


def test_parameters_refuse_invalid_layers():
    layer = Dense(2)
    with pytest.raises(ValueError, match="not built"):
        Parameters([layer])
    layer.build((None, 3))
    other = Dense(2, dtype="float64")
    other.build((None, 3))
    with pytest.raises(ValueError, match="one dtype, got float32, float64"):
        Parameters([layer, other])
    with pytest.raises(ValueError, match="already part of a model"):
        Parameters([layer, layer])
    parameters = Parameters([layer])
    with pytest.raises(ValueError, match=r"already part of a model.*copy\.deepcopy.*release\(\)"):
        Parameters([layer])
    parameters.release()
    other = Parameters([layer])
    with pytest.raises(ValueError, match="these Parameters are released"):
        _ = parameters.values
    with pytest.raises(ValueError, match="these Parameters are released"):
        optimizers.SGD().step(parameters)
    del other  # nothing refers to the layer's Parameters now
    assert Parameters([layer]).values.size >= 8
