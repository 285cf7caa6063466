"""Descriptions of models without weights, ``to_json`` and ``get_config``, to and from Keras."""

import json

import numpy as np
import pytest
from keras_chains import INPUTS, assert_same, chain
from keras_peer import keras

import gru_c
from gru_c import initializers
from gru_c.models import model_from_json

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's, PyTorch's and absl's own

K, L = keras.layers, gru_c.layers


def with_weights_of(model, other):
    model.set_weights(other.get_weights())
    return model


@pytest.mark.parametrize("name", INPUTS)
def test_a_description_of_keras(name):
    theirs = chain(keras, name)
    for ours in (
        model_from_json(theirs.to_json()),
        gru_c.Sequential.from_config(theirs.get_config()),
    ):
        assert (ours.name, ours.input_shape) == ("net", theirs.input_shape)
        assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
        assert_same(with_weights_of(ours, theirs), theirs, INPUTS[name])


@pytest.mark.parametrize("name", INPUTS)
def test_a_description_for_keras(name):
    ours = chain(gru_c, name)
    for theirs in (
        keras.models.model_from_json(ours.to_json()),
        keras.Sequential.from_config(ours.get_config()),
        model_from_json(ours.to_json()),
    ):
        assert [layer.name for layer in theirs.layers] == [layer.name for layer in ours.layers]
        assert_same(with_weights_of(theirs, ours), ours, INPUTS[name])


def test_cells_and_stacks_of_cells():
    layers = [
        K.RNN(K.GRUCell(3), return_sequences=True),
        K.TimeDistributed(K.Dense(3, "tanh")),
        K.Bidirectional(K.RNN(K.GRUCell(2), return_sequences=True)),
        K.RNN([K.GRUCell(3), K.GRUCell(2)]),
    ]
    theirs = keras.Sequential([K.Input((6, 4)), *layers])
    ours = with_weights_of(model_from_json(theirs.to_json()), theirs)
    assert_same(ours, theirs, INPUTS["gru"])
    again = with_weights_of(keras.models.model_from_json(ours.to_json()), ours)
    assert_same(ours, again, INPUTS["gru"])


def test_a_functional_chain():
    x = K.Input((6, 4))
    theirs = keras.Model(x, K.Dense(1)(K.GRU(2)(x)), name="chain")
    ours = model_from_json(theirs.to_json())
    assert ours.name == "chain"
    assert_same(with_weights_of(ours, theirs), theirs, INPUTS["gru"])
    sides = K.Concatenate()([K.GRU(2)(x), K.GRU(2)(x)])
    with pytest.raises(ValueError, match="a text of Keras that describes a graph"):
        model_from_json(keras.Model(x, sides).to_json())


def test_a_description_of_keras_2():
    config = {"name": "gru", "trainable": True, "units": 3, "batch_input_shape": [None, 6, 4]}
    spec = {
        "class_name": "Sequential",
        "config": {
            "name": "old",
            "layers": [
                {
                    "class_name": "GRU",
                    "config": {**config, "recurrent_activation": "hard_sigmoid", "unroll": False},
                }
            ],
        },
        "keras_version": "2.2.4",
        "backend": "tensorflow",
    }
    model = model_from_json(json.dumps(spec))
    assert model.layers[0].recurrent_activation == ("hard_sigmoid", 0.2, 0.5)
    assert not model.layers[0].reset_after
    assert model.input_shape == (None, 6, 4)


def test_a_model_that_was_never_built():
    theirs = keras.Sequential([K.GRU(3), K.Dense(1)])
    ours = model_from_json(theirs.to_json())
    assert not ours.built
    assert [type(layer) for layer in ours.layers] == [gru_c.GRU, gru_c.Dense]
    again = keras.models.model_from_json(ours.to_json())
    assert [layer.name for layer in again.layers] == [layer.name for layer in ours.layers]


def test_a_fixed_batch_size_is_kept():
    ours = gru_c.Sequential([L.GRU(3, stateful=True, batch_size=2, input_shape=(6, 4))])
    theirs = keras.models.model_from_json(ours.to_json())
    assert theirs.input_shape == (2, 6, 4)
    assert theirs.layers[0].stateful
    assert model_from_json(theirs.to_json()).input_shape == (2, 6, 4)


def test_initial_values_are_kept():
    layer = L.Dense(2, kernel_initializer=initializers.Constant(np.arange(6.0).reshape(3, 2)))
    ours = gru_c.Sequential([L.Input((3,)), layer])
    for model in (model_from_json(ours.to_json()), keras.models.model_from_json(ours.to_json())):
        np.testing.assert_array_equal(model.get_weights()[0], np.arange(6.0).reshape(3, 2))
    theirs = keras.Sequential([K.Input((3,)), K.Dense(2, kernel_initializer="ones")])
    spec = json.loads(theirs.to_json())
    spec["config"]["layers"][1]["config"]["kernel_initializer"]["class_name"] = "Other"
    with pytest.raises(ValueError, match="unknown initializer 'Other'"):
        model_from_json(json.dumps(spec))


@pytest.mark.parametrize("options", [{"zoneout": 0.1}, {"clip": 2.0}, {"activation": ("relu", 2)}])
def test_an_option_that_keras_lacks_is_kept_and_refused_by_keras(options):
    try:
        layer = L.GRU(3, **options)
    except (ValueError, TypeError):
        layer = L.GRU(3, recurrent_activation=("hard_sigmoid", 0.2, 0.5))
    ours = gru_c.Sequential([L.Input((6, 4)), layer, L.Dense(1)])
    assert model_from_json(ours.to_json()).get_config() == ours.get_config()
    with pytest.raises((ValueError, TypeError)):
        keras.models.model_from_json(ours.to_json())


def test_options_that_change_no_result_are_kept_and_ignored_by_keras():
    layers = [L.GRU(3, checkpoint_every=2, seed=3, return_sequences=True), L.Dropout(0.1, seed=4)]
    ours = gru_c.Sequential([L.Input((6, 4)), *layers, L.Bidirectional(L.GRU(2, seed=5))])
    again = model_from_json(ours.to_json())
    assert (again.layers[0].checkpoint_every, again.layers[0].seed) == (2, 3)
    assert again.get_config() == ours.get_config()
    theirs = keras.models.model_from_json(ours.to_json())
    assert_same(with_weights_of(theirs, ours), ours, INPUTS["gru"])


class Double(gru_c.Dense):
    def forward(self, x, *, training=False):
        return 2 * super().forward(x, training=training)


class KerasDouble(keras.layers.Dense):
    def call(self, x):
        return 2 * super().call(x)


KerasDouble.__name__ = "Double"


def test_classes_of_the_user_are_found_by_their_names(tmp_path):
    theirs = keras.Sequential([K.Input((6, 4)), KerasDouble(2), K.GRU(3)])
    with pytest.raises(ValueError, match="'Double' is a class of somebody's own"):
        model_from_json(theirs.to_json())
    ours = model_from_json(theirs.to_json(), custom_objects={"Double": Double})
    assert type(ours.layers[0]) is Double
    assert_same(with_weights_of(ours, theirs), theirs, INPUTS["gru"])
    pytest.importorskip("h5py")
    theirs.save(tmp_path / "model.keras")
    ours = gru_c.load_model(tmp_path / "model.keras", custom_objects={"Double": Double})
    assert_same(ours, theirs, INPUTS["gru"])
