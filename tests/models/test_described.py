"""Layers by name, lists of weights, configurations and copies of models without weights."""

import json

import numpy as np
import pytest
from tools import small_model

from gru_c import GRU, Bidirectional, Dense, Dropout, Embedding, Input, Sequential
from gru_c.layers import LayerNormalization, Masking
from gru_c.models import clone_model, model_from_config, model_from_json


def make():
    layers = [
        Input((5, 4)),
        Masking(),
        Bidirectional(GRU(3, return_sequences=True, dropout=0.1), merge_mode="sum"),
        LayerNormalization(),
        GRU(2, name="last", kernel_regularizer="l2", reset_after=False),
        Dropout(0.2),
        Dense(1, activation="sigmoid", use_bias=False),
    ]
    return Sequential(layers, name="net", dtype="float64", seed=0)


# ---- layers and weights --------------------------------------------------------------------------


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
    for name in ("input", "output"):
        assert not hasattr(model.layers[0], name)
        with pytest.raises(AttributeError, match=rf"no {name} tensor: Sequential\(model.layers"):
            getattr(model.layers[0], name)


def test_the_names_of_what_evaluate_returns():
    model = small_model()
    assert make().metrics_names == []
    model.compile("adam", "mse", ["mae", "rmse"])
    values = model.evaluate(np.zeros((2, 3, 4)), np.zeros(2), verbose=0, return_dict=True)
    assert model.metrics_names == list(values) == ["loss", "mae", "rmse"]


# ---- configurations ------------------------------------------------------------------------------


def by_json(model):
    return model_from_json(model.to_json())


def by_dict(model):
    return Sequential.from_config(model.get_config())


@pytest.mark.parametrize("copy", [by_json, by_dict, clone_model])
def test_a_model_is_made_again_with_other_weights(copy):
    model = make()
    model.layers[3].trainable = False
    model.compile("adam", "mse")
    again = copy(model)
    assert again.get_config() == model.get_config()
    assert again.input_shape == (None, 5, 4)
    assert (again.name, again.dtype, again.optimizer) == ("net", "float64", None)
    assert again.layers[3].trainable is False
    assert not set(again.layers) & set(model.layers)
    assert not np.array_equal(again.get_weights()[0], model.get_weights()[0])
    again.set_weights(model.get_weights())
    x = np.random.default_rng(0).random((2, 5, 4))
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize("copy", [by_json, by_dict, clone_model])
def test_a_model_without_weights_is_made_again(copy):
    again = copy(Sequential([GRU(3), Dense(1)], trainable=False))
    assert not again.built
    assert not again.trainable
    assert copy(Sequential([Embedding(9, 3, input_shape=(None,))])).built
    assert copy(Sequential()).layers == []


class Double(Dense):
    def forward(self, x, *, training=False):
        return 2 * super().forward(x, training=training)


def test_layers_of_the_user_are_made_again():
    model = Sequential(
        [Double(2, input_shape=(3,), kernel_initializer=lambda s, d, r: np.ones(s, d))]
    )
    again = clone_model(model)
    assert type(again.layers[0]) is Double
    np.testing.assert_array_equal(again([[1, 1, 1]]), [[6, 6]])
    with pytest.raises(ValueError, match="layer 'double' cannot be described in a file"):
        model.to_json()
    model = Sequential([Double(2, input_shape=(3,))])
    with pytest.raises(ValueError, match="unknown layer 'Double'"):
        model_from_json(model.to_json())
    again = model_from_json(model.to_json(), custom_objects={"Double": Double})
    assert type(again.layers[0]) is Double


def test_each_layer_may_be_replaced():
    narrow = clone_model(
        make(), lambda layer: Dense(7) if isinstance(layer, Dense) else Dropout(0.1)
    )
    assert narrow.output_shape == (None, 5, 7)


@pytest.mark.parametrize(
    ("make_model", "message"),
    [
        (lambda: model_from_json("{"), "Expecting property name"),
        (lambda: model_from_json("[]"), "has the class_name 'Sequential'"),
        (lambda: model_from_config({"class_name": "Functional"}), "the class_name 'Sequential'"),
        (lambda: Sequential.from_config({"name": "x"}), "has a list of layers"),
        (lambda: Sequential.from_config([]), "has a list of layers"),
        (lambda: clone_model(GRU(3)), "wants a Sequential, got GRU"),
    ],
)
def test_configurations_that_are_none(make_model, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make_model()


def test_options_of_json():
    assert make().to_json(indent=1).startswith('{\n "class_name"')
    assert json.loads(make().to_json())["config"]["name"] == "net"


# ---- the summary ---------------------------------------------------------------------------------


def summary(**options):
    lines = []
    model = make()
    model.layers[3].trainable = False
    model.summary(print_fn=lines.append, **options)
    return lines


def test_the_summary_is_as_wide_as_asked_for():
    lines = summary(line_length=100)
    assert {len(line) for line in lines[1:4]} == {100}
    assert summary(line_length=3) == summary()


def test_the_summary_shows_what_is_trained():
    lines = summary(show_trainable=True)
    assert lines[2].endswith("FLOPs  Trainable")
    assert [line.split()[-1] for line in lines[4:10]] == ["-", "Y", "Y", "N", "-", "Y"]


def test_the_summary_of_some_layers():
    lines = summary(layer_range=("layer_norm.*", "dropout"), expand_nested=True)
    assert [line.split()[0] for line in lines[4:-5]] == ["layer_normalization", "last", "dropout"]
    assert lines[-4:] == summary()[-4:]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"line_length": "wide"}, "line_length must be an integer"),
        ({"positions": [0.5, 1]}, "positions must be None"),
        ({"layer_range": "last"}, "layer_range must be two names of layers"),
        ({"layer_range": ("last", "none")}, "no layer has a name that matches 'none'"),
        ({"show_trainable": "yes"}, "show_trainable must be"),
    ],
)
def test_a_summary_that_is_not_possible(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        summary(**options)
