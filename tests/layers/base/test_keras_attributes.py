"""Attributes of layers and models that Keras has: lists of weights, and shapes."""

import numpy as np
import pytest
from described_models import make

from gru_c import GRU


def test_the_lists_of_weights():
    model = make()
    model.layers[3].trainable = False
    arrays = model.get_weights()
    assert len(model.weights) == len(model.variables) == len(arrays)
    for item, array in zip(model.weights, arrays, strict=True):
        assert item.shape == array.shape
        assert item.dtype == array.dtype == np.float64
        np.testing.assert_array_equal(item, array)
        np.testing.assert_array_equal(item.numpy(), array)
    assert sum(np.prod(w.shape) for w in model.trainable_variables) == sum(
        w.array.size for w in model.trainable_weights
    )
    assert model.non_trainable_variables == model.layers[3].weights
    assert model.layers[3].trainable_variables == []
    assert model.layers[3].non_trainable_variables == model.layers[3].variables


def test_shapes_of_layers():
    model = make()
    assert [layer.output_shape for layer in model.layers][1:4] == [
        *[(None, 5, 3)] * 2,
        (None, 2),
    ]
    with pytest.raises(
        AttributeError, match=r"no output_shape before it is built: call layer.comp"
    ):
        _ = GRU(3).output_shape
    assert model.layers[0].output.shape == model.layers[0].output_shape
    for name in ("input", "output"):
        assert not hasattr(GRU(3), name)
        with pytest.raises(AttributeError, match=rf"no {name} tensor before it is called"):
            getattr(GRU(3), name)
