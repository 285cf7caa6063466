"""Copies and pickles of models and layers are complete and independent."""

import numpy as np
from copied import X, Y, assert_views, both_ways, by_pickle, trained_model

from gru_c import Dense, Parameters, activations


@both_ways
def test_a_copied_model_trains_like_the_original(duplicate):
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


def test_pickled_activations():
    for activation in activations.ACTIVATIONS.values():
        assert by_pickle(activation) is activation
    negative = activations.Activation("negative", np.negative, np.negative)
    assert by_pickle(negative) == negative


def test_adding_a_layer_of_another_model_leaves_that_model_trainable():
    model, other = trained_model(), trained_model()
    shared = model.layers[-1]
    shared.name = "shared"
    other.add(Dense(4))
    _ = other.parameters
    other.add(shared)
    assert_views(other.parameters, other.layers)
    assert_views(model.parameters, model.layers)


@both_ways
def test_a_copied_optimizer_continues_with_copied_weights(duplicate):
    model = trained_model()
    other = duplicate(model)
    other.compile(duplicate(model.optimizer), "mse", metrics=["mae"])
    expected = model.fit(X, Y, epochs=1, verbose=0).history
    assert other.fit(X, Y, epochs=1, verbose=0).history == expected
