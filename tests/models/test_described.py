"""Layers by name, lists of weights, names of results, and configurations as JSON."""

import json

import numpy as np
import pytest
from described_models import make
from tools import small_model


def test_a_layer_by_its_name_or_number():
    model = make()
    assert model.get_layer("last") is model.layers[3]
    assert model.get_layer(name="last") is model.get_layer(index=3) is model.get_layer(index=-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "first"}, "no layer named 'first'; it has 'masking', 'bidirectional', "),
        ({"index": 6}, "the model has 6 layers, got index=6"),
        ({"index": -7}, "the model has 6 layers, got index=-7"),
        ({"index": "0"}, "index must be an integer"),
        ({}, "a name or an index, got None and None"),
        ({"name": "last", "index": 3}, "a name or an index, got 'last' and 3"),
    ],
)
def test_a_layer_that_is_not_there(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make().get_layer(**arguments)


def test_the_names_of_what_evaluate_returns():
    model = small_model()
    assert make().metrics_names == []
    model.compile("adam", "mse", ["mae", "rmse"])
    values = model.evaluate(np.zeros((2, 3, 4)), np.zeros(2), verbose=0, return_dict=True)
    assert model.metrics_names == list(values) == ["loss", "mae", "rmse"]


def test_options_of_json():
    assert make().to_json(indent=1).startswith('{\n "class_name"')
    assert json.loads(make().to_json())["config"]["name"] == "net"
