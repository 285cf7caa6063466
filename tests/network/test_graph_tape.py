"""The penalties that the tape of a graph holds."""

import numpy as np

from gru_c import Dense, Input, layers
from gru_c.network.graph import Graph


def test_each_call_of_a_layer_adds_its_penalty():
    x = Input((2,))
    dense = Dense(2, activity_regularizer="l2", kernel_initializer="ones")
    graph = Graph([x.tensor], [layers.Add()([dense(x), dense(x)])])
    data = np.ones((3, 2), np.float32)
    for training in (False, True):
        _, _, tape = graph.forward([data], [None], training)
        assert np.isclose(tape.penalty, 2 * 0.01 * (2.0**2 * 2))
