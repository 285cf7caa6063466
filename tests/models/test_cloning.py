"""Models that are made again, from a model, a dict or a JSON text."""

import numpy as np
import pytest
from described_models import make

from gru_c import GRU, Dense, Dropout, Embedding, Sequential
from gru_c.models import clone_model, model_from_config, model_from_json


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
