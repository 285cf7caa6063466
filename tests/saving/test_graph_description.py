"""Descriptions of models of graphs."""

import json

import pytest
from graph_models import two_outputs

from gru_c import Dense, Input, Model, Sequential
from gru_c.common.registry import serialize
from gru_c.saving.graph_description import describe_layers, graph_of


def test_a_description_names_values_by_numbers():
    x = Input((3,), name="x")
    model = Model(x, Dense(2, name="d")(x))
    graph = describe_layers(model, serialize)["graph"]
    assert graph["inputs"] == [{"shape": [None, 3], "dtype": "float32", "name": "x"}]
    assert graph["nodes"] == [{"takes": [0], "layer": 0}]
    assert graph["outputs"] == [1]
    json.dumps(describe_layers(two_outputs(), serialize))
    assert graph_of(Sequential()) is None


def test_an_operation_without_a_description_is_refused():
    class Odd:
        name = "odd"

        def output_shape(self, shapes):
            return shapes[0]

    x = Input((3,))
    y = Dense(2)(x)
    model = Model(x, y._record(Odd(), [y]))
    with pytest.raises(ValueError, match="operation 'odd' cannot be described"):
        describe_layers(model, serialize)
