"""Layers that cannot be part of a graph, and their names."""

import numpy as np
import pytest

from gru_c import GRU, Dense, Input, Model, Sequential, layers


def test_a_stateful_layer_is_called_once():
    x = Input((5, 3), batch_size=2)
    layer = GRU(3, stateful=True, return_sequences=True, name="keeps")
    with pytest.raises(ValueError, match="'keeps' is stateful and is called 2 times"):
        Model(x, layer(layer(x)))


def test_batches_come_first():
    x = Input((5, 3))
    y = GRU(3, time_major=True, name="g")(x)
    with pytest.raises(ValueError, match="'g' has time_major=True"):
        Model(x, y)


def test_names_of_the_user_must_differ_and_others_are_changed():
    x = Input((3,))
    same = [Dense(2, name="same")(x), Dense(2, name="same")(x)]
    with pytest.raises(ValueError, match="2 layers have the name 'same'"):
        Model(x, layers.Add()(same))
    first, second = (Sequential([Input((3,)), Dense(2)]) for _ in range(2))
    model = Model([first.input, second.input], layers.add([first.output, second.output]))
    names = [layer.name for layer in model.layers]
    assert len(set(names)) == len(names)
    assert model.predict([np.ones((2, 3))] * 2, verbose=0).shape == (2, 2)
