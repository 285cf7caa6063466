"""Dense, Dropout and Input by hand, and the weights of layers."""

import numpy as np
import pytest
from tools import assert_gradients

from gru_c import (
    GRU,
    Dense,
    Dropout,
    Input,
    Parameters,
    Sequential,
    optimizers,
)
from gru_c.activations import Activation
from gru_c.layers import Layer

RNG = np.random.default_rng(11)
X = RNG.standard_normal((3, 6, 4))


# ---- Dense, Dropout, Input -----------------------------------------------------------------------


@pytest.mark.parametrize("activation", [None, "tanh", "sigmoid", "softmax", "softplus", "elu"])
@pytest.mark.parametrize("shape", [(3, 4), (3, 6, 4), (2, 2, 3, 4)])
def test_dense_gradients(activation, shape):
    layer = Dense(5, activation=activation, bias_initializer="random_normal", dtype="float64")
    layer.build((None, *shape[1:]), rng=2)
    assert_gradients(layer, RNG.standard_normal(shape))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dense_is_the_formula(dtype):
    layer = Dense(7, activation="relu", bias_initializer="random_normal", dtype=dtype)
    output = layer(X)
    kernel, bias = layer.get_weights()
    assert output.dtype == dtype
    np.testing.assert_allclose(output, np.maximum(X @ kernel + bias, 0), rtol=1e-5, atol=1e-6)


def test_dense_with_an_activation_whose_gradient_is_double():
    """A user's function may return float64 for a float32 layer."""

    def backward(y, dy):
        return dy * np.full(y.shape, 3.0)

    double = Activation("times 3", lambda x: 3 * x, backward)
    single = Activation("times 3", lambda x: 3 * x, lambda y, dy: 3 * dy)
    d_output = X[..., :2].astype(np.float32)
    results = []
    for activation in (double, single):
        layer = Dense(2, activation)
        layer.build((None, 6, 4), rng=0)
        layer.forward(X, training=True)
        d_x = layer.backward(d_output)
        results.append([d_x, layer.gradient("kernel"), layer.gradient("bias")])
    for ours, expected in zip(*results, strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_array_equal(ours, expected)


def test_dense_without_bias():
    layer = Dense(2, use_bias=False, dtype="float64")
    np.testing.assert_allclose(layer(X), X @ layer.get_weights()[0], rtol=1e-12)
    assert len(layer.get_weights()) == 1


def test_dropout_scales_what_it_keeps():
    layer = Dropout(0.25, seed=0)
    x = np.ones((100, 100))
    output = layer(x, training=True)
    assert set(np.unique(output)) == {0.0, np.float32(1 / 0.75)}
    assert (output == 0).mean() == pytest.approx(0.25, abs=0.01)
    np.testing.assert_array_equal(layer.backward(x), output)
    np.testing.assert_array_equal(layer(x), x)


def test_dropout_of_nothing_is_the_identity():
    x = RNG.standard_normal((3, 4)).astype(np.float32)
    np.testing.assert_array_equal(Dropout(0)(x, training=True), x)


def test_input_says_its_shape():
    assert Input((None, 8)).shape == (None, 8)


def test_every_layer_describes_itself():
    for layer in (GRU(5, name="a"), Dense(2, activation="relu"), Dropout(0.5, seed=3)):
        again = type(layer)(**layer.get_config())
        assert again.get_config() == layer.get_config()
        assert isinstance(again, Layer)


# ---- weights -------------------------------------------------------------------------------------


def test_weights_go_out_and_in_as_copies():
    layer = GRU(5)
    layer.build((None, 6, 4))
    weights = layer.get_weights()
    weights[0][:] = 7
    assert not (layer.value("kernel") == 7).any()
    layer.set_weights(weights)
    assert (layer.value("kernel") == 7).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w[:2], "layer 'gru' has 3 weights, got 2"),
        (
            lambda w: [w[0], w[1], np.zeros(15)],
            r"bias has shape \(2, 15\), got \(15,\)",
        ),
        (lambda w: [w[0].astype(complex), *w[1:]], "kernel must hold real numbers"),
    ],
)
def test_set_weights_is_all_or_nothing(change, message):
    layer = GRU(5)
    layer.build((None, 6, 4))
    before = layer.get_weights()
    with pytest.raises((ValueError, TypeError), match=message):
        layer.set_weights(change([weight + 1 for weight in before]))
    for weight, old in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_parameters_are_views_of_two_flat_aligned_vectors():
    layers = [GRU(5), Dense(3)]
    layers[0].build((None, 6, 4), rng=0)
    layers[1].build((None, 5), rng=1)
    before = [weight for layer in layers for weight in layer.get_weights()]
    parameters = Parameters(layers)
    for item, old in zip(parameters.items, before, strict=True):
        np.testing.assert_array_equal(item.value, old)
        assert np.shares_memory(item.value, parameters.values)
        assert np.shares_memory(item.gradient, parameters.gradients)
        assert item.value.ctypes.data % 64 == 0
    parameters.values[:] = 3
    assert (layers[1].value("bias") == 3).all()


def test_parameters_refuse_invalid_layers():
    layer = Dense(2)
    with pytest.raises(ValueError, match="not built"):
        Parameters([layer])
    layer.build((None, 3))
    other = Dense(2, dtype="float64")
    other.build((None, 3))
    with pytest.raises(ValueError, match="one dtype, got float32, float64"):
        Parameters([layer, other])
    with pytest.raises(ValueError, match="already part of a model"):
        Parameters([layer, layer])
    parameters = Parameters([layer])
    with pytest.raises(ValueError, match=r"already part of a model.*copy\.deepcopy.*release\(\)"):
        Parameters([layer])
    parameters.release()
    other = Parameters([layer])
    with pytest.raises(ValueError, match="these Parameters are released"):
        _ = parameters.values
    with pytest.raises(ValueError, match="these Parameters are released"):
        optimizers.SGD().step(parameters)
    del other  # nothing refers to the layer's Parameters now
    assert Parameters([layer]).values.size >= 8


@pytest.mark.parametrize(
    "weights",
    [None, 5, "abc", {"kernel": 1, "recurrent_kernel": 2, "bias": 3}, {1, 2, 3}],
    ids=str,
)
def test_weights_that_are_not_a_list_are_refused(weights):
    layer = GRU(3)
    layer.build((None, None, 2))
    for owner in (layer, Sequential([GRU(3, input_shape=(None, 2))])):
        with pytest.raises(
            TypeError, match=r"weights must be a list of 3 arrays, .*, got [a-zA-Z]+$"
        ):
            owner.set_weights(weights)


def test_an_iterator_of_weights_is_refused_and_not_consumed():
    layer = GRU(3)
    layer.build((None, None, 2))
    weights = (np.ones(weight.shape) for weight in layer.get_weights())
    with pytest.raises(TypeError, match=r"got generator: write list\(\.\.\.\)"):
        layer.set_weights(weights)
    layer.set_weights(list(weights))
    assert (layer.value("bias") == 1).all()
