"""Layers are added, named and built as soon as shapes are known, or nothing changes."""

import numpy as np
import pytest
from three_layers import X, small_model

from gru_c import GRU, Dense, Input, Sequential


def test_layers_are_built_and_named_as_they_come():
    model = small_model()
    assert [layer.name for layer in model.layers] == ["gru", "gru_1", "dense"]
    assert model.built
    assert (model.input_shape, model.output_shape) == ((None, 6, 4), (None, 1))


@pytest.mark.parametrize(
    "layers",
    [
        [GRU(5, input_shape=(6, 4))],
        [Input((6, 4)), GRU(5)],
        [Input(shape=[6, 4]), GRU(5, input_shape=(6, 4))],
    ],
)
def test_ways_to_say_the_input_shape(layers):
    model = Sequential(layers)
    assert model.input_shape == (None, 6, 4)
    assert [layer.name for layer in model.layers] == ["gru"]


def test_any_length_where_the_shape_says_none():
    model = Sequential([GRU(5, input_shape=(None, 4))])
    assert model.predict(X, verbose=0).shape == (20, 5)
    assert model.predict(X[:, :2], verbose=0).shape == (20, 5)


def test_calling_builds_too():
    model = Sequential([GRU(5), Dense(2)])
    assert model(X).shape == (20, 2)
    assert model.built


def test_an_invalid_model_is_refused_once_the_shape_is_known():
    model = Sequential([GRU(5), GRU(3), Dense(1)])
    model.compile("adam", "mse")
    message = "give layer 'gru' return_sequences=True"
    with pytest.raises(ValueError, match=message):
        model.fit(np.zeros((8, 6, 4)), np.zeros(8))
    with pytest.raises(ValueError, match=message):
        model.build((None, 6, 4))
    assert not model.built


def test_a_refused_layer_leaves_the_model_unchanged():
    model = small_model()
    with pytest.raises(ValueError, match="wants input of shape"):
        model.add(GRU(5))
    assert len(model.layers) == 3
    assert model.predict(X, verbose=0).shape == (20, 1)
    with pytest.raises(ValueError, match="already part of the model"):
        model.add(model.layers[0])


def test_an_initializer_that_raises_leaves_model_and_layer_unchanged():
    model = Sequential(dtype="float64")
    layer = GRU(5, input_shape=(6, 4), kernel_initializer=lambda *_: np.zeros(3))
    with pytest.raises(ValueError, match=r"the initializer of kernel of layer 'gru' made an array"):
        model.add(layer)
    assert (model.layers, model.input_shape) == ([], None)
    assert (layer.built, layer.dtype, layer.name) == (False, None, None)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (3, r"input_shape must be a tuple such as \(10, 8\), got 3"),
        ((None, 5, 3.0), "must be an integer of at least 1, got 3.0"),
        ((None, 5, -3), "must be an integer of at least 1, got -3"),
    ],
)
def test_build_checks_the_shape(shape, message):
    model = Sequential([GRU(2)])
    with pytest.raises((TypeError, ValueError), match=message):
        model.build(shape)
    assert not model.built
