"""Layers as Keras's configurations: what Keras lacks is named, or described for gru_c alone."""

import os

import numpy as np
import pytest

import gru_c
from gru_c import GRU, Dense, Input, Sequential
from gru_c.interop import keras
from gru_c.interop.keras.layers import Origin, model_of
from gru_c.interop.keras.layers_writing import description_of, model_as_keras


def own(function):
    return gru_c.activations.Activation("own", function, function)


class Half(gru_c.regularizers.L2):
    pass


class Quick(GRU):
    pass


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: GRU(3, zoneout=0.1), r"layer 'gru' \(GRU\): a Keras file has no zoneout=0.1"),
        (lambda: GRU(3, clip=5.0), "a Keras file has no clip=5.0"),
        (lambda: GRU(3, inference_weights="int8"), "a Keras file has no inference_weights='int8'"),
        (lambda: GRU(3, stateful=True), "a Keras file has no stateful=True"),
        (
            lambda: gru_c.Bidirectional(GRU(3, zoneout=0.1)),
            r"layer 'forward_gru' \(GRU\): a Keras file has no zoneout",
        ),
        (
            lambda: gru_c.Bidirectional(GRU(3), backward_layer=GRU(2, go_backwards=True)),
            "Keras wants as many units in both directions",
        ),
        (lambda: GRU(3, "affine"), "Keras has no activation='affine'"),
        (
            lambda: GRU(3, recurrent_activation=("hard_sigmoid", 0.2, 0.5)),
            r"Keras has no recurrent_activation=\('hard_sigmoid', 0.2, 0.5\)",
        ),
        (lambda: Dense(3, own(np.cos)), "Keras has no activation 'own' of one's own"),
        (lambda: gru_c.Activation(own(np.cos)), "Keras has no activation 'own' of one's own"),
        (lambda: Dense(3, kernel_regularizer=Half()), "Keras has no regularizer Half"),
        (lambda: Quick(3), r"layer 'quick' \(Quick\): Keras has no such layer"),
    ],
)
def test_what_keras_has_not(path, layer, message):
    pytest.importorskip("h5py")
    with pytest.raises(ValueError, match=message):
        keras.save(Sequential([Input((6, 4)), layer()]), path)
    assert os.listdir(path.parent) == []


def model_of_two(**options):
    return Sequential([Input((6, 4)), GRU(3, **options), Dense(1, trainable=False)], name="net")


def refuse(layer):
    raise AssertionError(f"Keras has {layer!r}")


@pytest.mark.parametrize("write", [model_as_keras, lambda model: description_of(model, refuse)])
def test_a_written_configuration_is_read_as_the_same_model(write):
    spec = write(model_of_two(return_sequences=True))
    assert spec["class_name"] == "Sequential"
    assert spec["build_config"] == {"input_shape": [None, 6, 4]}
    kinds = [item["class_name"] for item in spec["config"]["layers"]]
    assert kinds == ["InputLayer", "GRU", "Dense"]
    parsed = model_of(spec, Origin("3"))
    assert (parsed.name, parsed.input_shape) == ("net", (None, 6, 4))
    assert [(layer.name, layer.trainable) for layer in parsed.layers] == [
        ("gru", True),
        ("dense", False),
    ]
    assert parsed.layers[0].return_sequences


def test_a_frozen_model_is_written_with_frozen_layers():
    model = model_of_two()
    model.trainable = False
    configs = [item["config"] for item in model_as_keras(model)["config"]["layers"]]
    assert [config["trainable"] for config in configs[1:]] == [False, False]


def test_a_layer_that_keras_lacks_is_described_by_the_caller():
    seen = []
    spec = description_of(model_of_two(zoneout=0.1), lambda layer: seen.append(layer) or {"a": 1})
    assert spec["config"]["layers"][1] == {"a": 1}
    assert [layer.name for layer in seen] == ["gru"]


def test_a_state_is_written_without_weights_alone():
    model = Sequential([GRU(3, stateful=True, batch_size=2, input_shape=(6, 4))])
    spec = description_of(model, refuse)
    assert spec["config"]["layers"][1]["config"]["stateful"] is True
    with pytest.raises(ValueError, match="a Keras file has no stateful=True"):
        model_as_keras(model)


def test_initial_values_are_written_without_weights_alone():
    def config(spec):
        return spec["config"]["layers"][1]["config"]

    layer = Dense(2, kernel_initializer=np.arange(6.0).reshape(3, 2))
    model = Sequential([Input((3,)), layer])
    assert config(description_of(model, refuse))["kernel_initializer"]["class_name"] == "Constant"
    assert "kernel_initializer" not in config(model_as_keras(model))


def test_the_input_gets_a_name_that_no_layer_has():
    model = Sequential([Input((3,)), Dense(2, name="input_layer")])
    names = [item["config"]["name"] for item in model_as_keras(model)["config"]["layers"]]
    assert names == ["input_layer_", "input_layer"]
