"""Every activation beside Keras's: values, derivatives in layers, options, names, files."""

import numpy as np
import pytest
from keras_peer import keras, torch

import gru_c
import gru_c.interop.keras
from gru_c import activations

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32) * 3
NAMES = [*activations.ACTIVATIONS, "swish", "hard_swish"]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *[(name, {}) for name in NAMES],
        ("relu", {"negative_slope": 0.1, "max_value": 2.0, "threshold": 0.5}),
        ("relu", {"max_value": 1.0}),
        ("leaky_relu", {"negative_slope": 0.4}),
        ("elu", {"alpha": 0.5}),
        ("gelu", {"approximate": True}),
        ("softmax", {"axis": 0}),
        ("log_softmax", {"axis": 0}),
    ],
    ids=str,
)
def test_functions_are_those_of_keras(name, options):
    expected = keras.ops.convert_to_numpy(getattr(keras.activations, name)(X, **options))
    values = getattr(activations, name)(X, **options)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("as_layer", [False, True])
def test_layers_train_as_in_keras(name, as_layer):
    y = np.random.default_rng(1).normal(size=(6, 3)).astype(np.float32)
    dense, layer = {"activation": None if as_layer else name}, [name] * as_layer
    ours = gru_c.Sequential(
        [gru_c.Dense(3, **dense, input_shape=(4,)), *map(gru_c.Activation, layer)], seed=0
    )
    ours.build((None, 4))
    theirs = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, **dense), *map(keras.layers.Activation, layer)]
    )
    theirs.set_weights([w.copy() for w in ours.get_weights()])
    for model in (ours, theirs):
        model.compile("sgd", "mse")
        model.fit(X / 4, y, epochs=4, batch_size=3, shuffle=False, verbose=0)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_names_functions_and_files(name, tmp_path):
    function = getattr(activations, name)
    assert activations.get(name) is activations.get(function)
    assert activations.deserialize(activations.serialize(function)) is activations.get(name)
    assert np.array_equal(activations.get(name)(X), function(X))
    model = gru_c.Sequential([gru_c.Dense(3, activation=name, input_shape=(4,))], seed=0)
    model.build((None, 4))
    model.save(tmp_path / "model.safetensors")
    again = gru_c.load_model(tmp_path / "model.safetensors")
    assert np.array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    gru_c.interop.keras.save(model, tmp_path / "model.keras")
    peer = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    expected = model.predict(X, verbose=0)
    np.testing.assert_allclose(
        peer(torch.tensor(X)).detach().numpy(), expected, rtol=1e-5, atol=1e-6
    )


def test_a_gru_names_the_activations_that_it_has():
    with pytest.raises(ValueError, match="gelu"):
        gru_c.GRU(3, activation="gelu")
