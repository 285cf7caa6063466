"""Layers by hand: shapes, Keras's names and defaults, forward, backward, flat parameters."""

import re

import numpy as np
import pytest
from tools import assert_gradients, finite_difference

from gru_c import (
    GRU,
    Dense,
    Dropout,
    Input,
    Parameters,
    Sequential,
    activations,
    gru_forward,
    losses,
    metrics,
    optimizers,
)
from gru_c.activations import Activation
from gru_c.layers import Layer

RNG = np.random.default_rng(11)
X = RNG.standard_normal((3, 6, 4))
on_each_engine = pytest.mark.usefixtures("engine")


# ---- GRU ----------------------------------------------------------------------------------------


def test_gru_has_keras_defaults():
    layer = GRU(50)
    assert layer.reset_after is True
    assert (layer.return_sequences, layer.return_state, layer.go_backwards) == (False,) * 3
    layer.build((None, 10, 8), rng=0)
    kernel, recurrent_kernel, bias = layer.get_weights()
    limit = np.sqrt(6 / (8 + 150))
    assert np.abs(kernel).max() <= limit
    assert np.abs(kernel).max() > 0.95 * limit
    # orthonormal rows over the whole (H, 3H), not gate by gate
    np.testing.assert_allclose(recurrent_kernel @ recurrent_kernel.T, np.eye(50), atol=1e-5)
    assert bias.shape == (2, 150)
    assert not bias.any()


@on_each_engine
@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("go_backwards", [True, False])
def test_gru_is_gru_forward(reset_after, return_sequences, go_backwards):
    layer = GRU(
        5,
        reset_after=reset_after,
        return_sequences=return_sequences,
        return_state=True,
        go_backwards=go_backwards,
        dtype="float64",
    )
    output, state = layer(X)
    expected = gru_forward(
        X, *layer.get_weights(), reset_after=reset_after, go_backwards=go_backwards
    )
    np.testing.assert_array_equal(output, expected.output if return_sequences else expected.state)
    np.testing.assert_array_equal(state, expected.state)


@on_each_engine
@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("go_backwards", [True, False])
def test_gru_gradients(reset_after, use_bias, return_sequences, go_backwards):
    layer = GRU(
        5,
        reset_after=reset_after,
        use_bias=use_bias,
        return_sequences=return_sequences,
        go_backwards=go_backwards,
        bias_initializer="random_normal",
        dtype="float64",
    )
    layer.build((None, 6, 4), rng=1)
    assert_gradients(layer, X.copy())


@on_each_engine
def test_gru_initial_state_and_both_gradients():
    layer = GRU(5, return_sequences=True, return_state=True, dtype="float64")
    layer.build((None, 6, 4), rng=1)
    state = RNG.standard_normal((3, 5))
    output, last = layer.forward(X, initial_state=state, training=True)
    d_output, d_last = RNG.standard_normal(output.shape), RNG.standard_normal(last.shape)
    _, d_state = layer.backward(d_output, d_state=d_last)

    def loss():
        output, last = layer.forward(X, initial_state=state)
        return float((output * d_output).sum() + (last * d_last).sum())

    direction = RNG.standard_normal(state.shape)
    expected = finite_difference(loss, state, direction)
    assert (d_state * direction).sum() == pytest.approx(expected, rel=1e-6)


@on_each_engine
def test_gru_last_output_and_last_state_add_up():
    layer = GRU(5, dtype="float64")
    layer.build((None, 6, 4), rng=1)
    layer.forward(X, training=True)
    d = RNG.standard_normal((3, 5))
    layer.backward(d)
    alone = layer.gradient("kernel").copy()
    layer.backward(d, d_state=d)
    np.testing.assert_allclose(layer.gradient("kernel"), 2 * alone, rtol=1e-12)


@on_each_engine
def test_a_layer_used_twice_accumulates():
    layer = GRU(5, dtype="float64")
    layer.build((None, 6, 4), rng=1)
    other = X**2
    tapes, gradients = [], []
    for x in (X, other):
        layer.forward(x, training=True)
        tapes.append(layer.tape)
    d = np.ones((3, 5))
    for tape in tapes:
        layer.backward(d, tape=tape)
        gradients.append(layer.gradient("kernel").copy())
    layer.backward(d, tape=tapes[0])
    layer.backward(d, tape=tapes[1], accumulate=True)
    np.testing.assert_allclose(layer.gradient("kernel"), sum(gradients), rtol=1e-12)
    assert np.abs(gradients[0] - gradients[1]).max() > 1e-3


@on_each_engine
def test_input_gradient_can_be_left_out():
    layer = GRU(5)
    layer(X)
    layer.forward(X, training=True)
    with_it = layer.backward(np.ones((3, 5)))
    kernel = layer.gradient("kernel").copy()
    assert with_it.shape == X.shape
    assert layer.backward(np.ones((3, 5)), input_gradient=False) is None
    np.testing.assert_array_equal(layer.gradient("kernel"), kernel)


# ---- Dense, Dropout, Input ----------------------------------------------------------------------


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
    """As that of a user's function, which multiplies with a number of NumPy's."""

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


# ---- weights ------------------------------------------------------------------------------------


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


def test_parameters_refuse_what_cannot_be():
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
    del other  # nothing uses it any more
    assert Parameters([layer]).values.size >= 8


# ---- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GRU(0), "units must be an integer of at least 1, got 0"),
        (lambda: GRU(-3), "units must be an integer of at least 1, got -3"),
        (lambda: GRU(2.5), "units must be an integer of at least 1, got 2.5"),
        (lambda: GRU("50"), "units must be an integer of at least 1, got '50'"),
        (lambda: GRU(True), "units must be an integer of at least 1, got True"),
        (lambda: Dense(0), "units must be an integer of at least 1, got 0"),
        (lambda: GRU(5, activation="swish"), "unknown activation of a GRU 'swish'"),
        (lambda: GRU(5, recurrent_activation="tahn"), "did you mean 'tanh'"),
        (lambda: GRU(5, dropout=1), r"dropout must be a number in \[0, 1\), got 1"),
        (
            lambda: GRU(5, recurrent_dropout=-0.1),
            r"recurrent_dropout must be a number in \[0, 1\), got -0.1",
        ),
        (lambda: GRU(5, zoneout="x"), r"zoneout must be a number in \[0, 1\), got 'x'"),
        (lambda: GRU(5, clip=-1), "clip must be a number > 0 or None, got -1"),
        (lambda: GRU(5, seed=-1), "seed must be a non-negative integer or None, got -1"),
        (lambda: Dense(5, activation="sigmod"), "did you mean 'sigmoid'"),
        (lambda: GRU(5, kernel_initializer="glorot"), "unknown initializer 'glorot'"),
        (lambda: GRU(5, dtype="float16"), "dtype must be 'float32' or 'float64', got 'float16'"),
        (lambda: GRU(5, dtype="quick"), "dtype must be 'float32' or 'float64', got 'quick'"),
        (lambda: GRU(5, name="a/b"), "name must be a string without '/', got 'a/b'"),
        (lambda: GRU(5, input_shape=(10, 0)), "must be an integer of at least 1, got 0"),
        (lambda: GRU(5, input_shape=8.5), "input_shape must be a tuple"),
        (lambda: Dropout(1), r"rate must be a number in \[0, 1\), got 1"),
        (lambda: Dropout(-0.1), r"rate must be a number in \[0, 1\), got -0.1"),
        (lambda: Dropout("half"), r"rate must be a number in \[0, 1\), got 'half'"),
    ],
)
def test_arguments_are_checked(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


@pytest.mark.parametrize("make", [lambda n: GRU(8, input_shape=n), lambda n: Input(n)])
@pytest.mark.parametrize("number", [3, np.int64(3)])
def test_a_number_is_no_input_shape(make, number):
    with pytest.raises(TypeError, match=r"write \(3,\) for .* \(None, 3\) for sequences of 3 feat"):
        make(number)


def test_an_activation_may_be_a_function_of_the_package():
    assert Dense(1, activations.tanh).activation == "tanh"
    with pytest.raises(TypeError, match=r"does not differentiate functions; write .*Activation\("):
        Dense(1, np.tanh)


def built(layer, shape):
    layer.build(shape)
    return layer


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GRU(5)(np.zeros((3, 4))), r"wants input of shape \(batch, time, features\)"),
        (lambda: GRU(5).forward(X), "layer 'gru' has no weights yet"),
        (lambda: GRU(5).get_weights() or GRU(5).count_params(), "no weights yet"),
        (lambda: built(GRU(5), (None, 6, 4))(X[:, :, :3]), "x has 3 features, but the kernel"),
        (lambda: built(GRU(5), (None, 6, 4)).backward(np.zeros((3, 5))), "has no tape"),
        (lambda: built(GRU(5), (None, 6, 4)).build((None, 6, 4)), "is built already"),
        (lambda: built(GRU(5), (None, 6, 4)).value("kernal"), "it has: kernel, recurrent_kernel"),
        (lambda: GRU(5).build((None, 6, None)), "wants input of shape"),
        (lambda: Dense(5)(np.zeros(3)), "wants input of shape"),
        (lambda: built(Dense(5), (None, 4))(X[:, :, :3]), "built for 4 features"),
        (lambda: GRU(5)(X.astype(object)), "x must hold real numbers"),
        (lambda: GRU(5)([[["a"]]]), "x must hold real numbers"),
    ],
)
def test_calls_are_checked(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(GRU(5), (3, 6)), (GRU(5, return_sequences=True), (3, 5)), (Dense(2), (3,))],
)
def test_backward_checks_the_gradient_and_writes_nothing(layer, shape):
    layer(X)
    layer.forward(X, training=True)
    with pytest.raises(ValueError, match="d_output"):
        layer.backward(np.zeros(shape))
    assert not any(parameter.gradient.any() for parameter in layer.parameters)


def test_every_layer_describes_itself():
    for layer in (GRU(5, name="a"), Dense(2, activation="relu"), Dropout(0.5, seed=3)):
        again = type(layer)(**layer.get_config())
        assert again.get_config() == layer.get_config()
        assert isinstance(again, Layer)


def test_output_and_state_are_two_arrays():
    output, state = GRU(3, return_state=True)(np.ones((2, 4, 3)))
    np.testing.assert_array_equal(output, state)
    assert not np.shares_memory(output, state)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize("name", ["kernel", "bias"])
def test_initial_values_that_are_not_finite_are_refused(bad, name):
    layer = GRU(3, **{f"{name}_initializer": lambda shape, dtype: np.full(shape, bad)})
    with pytest.raises(
        ValueError, match=f"initializer of {name} of layer 'gru' made .*must be finite"
    ):
        layer.build((None, 4, 2))
    assert not layer.built


@pytest.mark.parametrize(
    "weights",
    [None, 5, "abc", {"kernel": 1, "recurrent_kernel": 2, "bias": 3}, {1, 2, 3}],
    ids=str,
)
def test_weights_that_are_no_list_are_refused(weights):
    layer = GRU(3)
    layer.build((None, None, 2))
    for one in (layer, Sequential([GRU(3, input_shape=(None, 2))])):
        with pytest.raises(
            TypeError, match=r"weights must be a list of 3 arrays, .*, got [a-zA-Z]+$"
        ):
            one.set_weights(weights)


def test_an_iterator_of_weights_is_refused_and_stays_as_it_was():
    layer = GRU(3)
    layer.build((None, None, 2))
    weights = (np.ones(weight.shape) for weight in layer.get_weights())
    with pytest.raises(TypeError, match=r"got generator: write list\(\.\.\.\)"):
        layer.set_weights(weights)
    layer.set_weights(list(weights))
    assert (layer.value("bias") == 1).all()


@pytest.mark.parametrize(
    ("change", "calls"),
    [
        (lambda tensor: tensor.requires_grad_(), ".detach()"),
        (lambda tensor: tensor.bfloat16(), ".float()"),
        (lambda tensor: tensor.bfloat16().requires_grad_(), ".detach().float()"),
        (lambda tensor: tensor.to_sparse(), ".to_dense()"),
        (lambda tensor: tensor.to("meta"), ".cpu()"),
    ],
)
def test_tensors_that_numpy_cannot_read_are_refused_with_what_to_write(change, calls):
    torch = pytest.importorskip("torch")
    x, y = change(torch.ones(2, 4, 2)), change(torch.ones(2, 1))
    model = Sequential([GRU(3, input_shape=(None, 2)), Dense(1)])
    model.compile("sgd", "mse")
    for use in (
        lambda: model.predict(x, verbose=0),
        lambda: model(x),
        lambda: model.fit(x, np.ones((2, 1)), verbose=0),
        lambda: model.fit(np.ones((2, 4, 2)), y, verbose=0),
        lambda: model.layers[0].forward(x),
        lambda: losses.get("mse")(np.ones((2, 1)), y),
        lambda: metrics.get("mae").update(y, np.ones((2, 1))),
    ):
        with pytest.raises(TypeError, match=re.escape(f"give tensor{calls}.numpy() instead")):
            use()
    assert model.predict(torch.ones(2, 4, 2), verbose=0).shape == (2, 1)


def test_a_list_of_tensors_that_numpy_cannot_read_is_refused():
    torch = pytest.importorskip("torch")
    layer = Dense(2)
    layer.build((None, 3))
    with pytest.raises(TypeError, match=r"x holds a tensor .*: give tensor\.detach\(\)\.numpy\(\)"):
        layer([torch.ones(3, requires_grad=True)] * 2)
