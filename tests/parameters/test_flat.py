"""The weights of layers in one flat vector, and their gradients in another."""

import numpy as np
import pytest
from copied import assert_views, both_ways

from gru_c import (
    GRU,
    Dense,
    Parameters,
)


@both_ways
def test_copied_layers_and_parameters_of_a_model_by_hand(duplicate):
    layers = [GRU(4), Dense(1)]
    layers[0].build((None, None, 3), rng=0)
    layers[1].build((None, 4), rng=1)
    parameters, (gru, dense) = duplicate((Parameters(layers), layers))
    assert_views(parameters, [gru, dense])
    with pytest.raises(ValueError, match="already part of a model"):
        Parameters([gru])


def test_weights_and_gradients_are_views_of_the_flat_vectors():
    gru, dense = GRU(3), Dense(2)
    gru.build((None, None, 4), rng=0)
    dense.build((None, 3), rng=1)
    before = [item.numpy() for layer in (gru, dense) for item in layer.parameters]
    parameters = Parameters([gru, dense])
    assert_views(parameters, [gru, dense])
    for item, value in zip(parameters.items, before, strict=True):
        np.testing.assert_array_equal(item.value, value)
    parameters.values[:] = 2.0
    assert all((item.array == 2.0).all() for item in parameters.items)
    parameters.gradients[:] = 3.0
    assert all((item.gradient == 3.0).all() for item in parameters.items)


def test_layers_that_cannot_be_in_one_vector_are_refused():
    single, double = Dense(2), Dense(2, dtype="float64")
    with pytest.raises(ValueError, match="is not built: it has no weights yet"):
        Parameters([single])
    single.build((None, 3), rng=0)
    double.build((None, 2), rng=0)
    with pytest.raises(ValueError, match="one dtype, got float32, float64"):
        Parameters([single, double])
    with pytest.raises(ValueError, match="already part of a model"):
        Parameters([single, single])
