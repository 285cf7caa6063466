"""Copies and pickles of models, layers and what they hold: independent, and whole."""

import copy
import pickle

import numpy as np
import pytest

from gru_c import GRU, Dense, Dropout, Parameters, Sequential, activations, optimizers


def by_pickle(obj):
    return pickle.loads(pickle.dumps(obj))


both_ways = pytest.mark.parametrize("duplicate", [copy.deepcopy, by_pickle])

rng = np.random.default_rng(7)
X, Y = rng.standard_normal((40, 6, 3)), rng.standard_normal(40)


def trained_model():
    model = Sequential(seed=1)
    model.add(GRU(5, input_shape=(6, 3), return_sequences=True))
    model.add(Dropout(0.2))
    model.add(GRU(4))
    model.add(Dense(1, activation="tanh"))
    model.compile(optimizers.Adam(1e-2), "mse", metrics=["mae"])
    model.fit(X, Y, epochs=2, verbose=0)
    return model


def assert_views(parameters, layers):
    for item in (item for layer in layers for item in layer.parameters):
        assert np.shares_memory(item.value, parameters.values)
        assert np.shares_memory(item.gradient, parameters.gradients)


@both_ways
def test_a_copied_model_goes_on_as_the_original_would(duplicate):
    model = trained_model()
    other = duplicate(model)
    np.testing.assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))
    assert_views(other.parameters, other.layers)
    assert not np.shares_memory(other.parameters.values, model.parameters.values)
    before = model.get_weights()
    theirs = other.fit(X, Y, epochs=2, verbose=0).history
    for was, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)
    assert theirs == model.fit(X, Y, epochs=2, verbose=0).history
    np.testing.assert_array_equal(other.parameters.values, model.parameters.values)


@both_ways
def test_a_copied_model_is_aligned(duplicate):
    parameters = duplicate(trained_model()).parameters
    assert parameters.values.ctypes.data % 64 == 0
    assert parameters.gradients.ctypes.data % 64 == 0


@both_ways
def test_a_copied_layer_belongs_to_no_model(duplicate):
    model = trained_model()
    layer = duplicate(model.layers[0])
    parameters = Parameters([layer])
    parameters.values[:] = 0
    assert model.layers[0].value("kernel").any()
    assert layer.tape is None
    assert_views(model.parameters, model.layers)


@both_ways
def test_copied_layers_and_parameters_of_a_model_by_hand(duplicate):
    layers = [GRU(4), Dense(1)]
    layers[0].build((None, None, 3), rng=0)
    layers[1].build((None, 4), rng=1)
    parameters, (gru, dense) = duplicate((Parameters(layers), layers))
    assert_views(parameters, [gru, dense])
    with pytest.raises(ValueError, match="already part of a model"):
        Parameters([gru])


@pytest.mark.parametrize("part", ["model", "layer", "parameters"])
def test_shallow_copies_are_refused(part):
    model = trained_model()
    parts = {"model": model, "layer": model.layers[0], "parameters": model.parameters}
    with pytest.raises(TypeError, match=r"would share its weights .* use copy.deepcopy"):
        copy.copy(parts[part])


def test_pickled_activations():
    for activation in activations.ACTIVATIONS.values():
        assert by_pickle(activation) is activation
    own = activations.Activation("negative", np.negative, np.negative)
    assert by_pickle(own) == own


def test_adding_a_layer_of_another_model_leaves_that_model_trainable():
    model, other = trained_model(), trained_model()
    shared = model.layers[-1]
    shared.name = "shared"
    other.add(Dense(4))
    _ = other.parameters
    other.add(shared)
    with pytest.raises(ValueError, match="already part of a model"):
        _ = other.parameters
    assert_views(model.parameters, model.layers)


@both_ways
def test_a_copied_optimizer_goes_on_with_copied_weights(duplicate):
    model = trained_model()
    other = duplicate(model)
    other.compile(duplicate(model.optimizer), "mse", metrics=["mae"])
    expected = model.fit(X, Y, epochs=1, verbose=0).history
    assert other.fit(X, Y, epochs=1, verbose=0).history == expected
