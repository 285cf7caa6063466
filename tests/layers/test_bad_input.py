"""Arguments and arrays that layers refuse, and their messages."""

import re

import numpy as np
import pytest

from gru_c import (
    GRU,
    Dense,
    Dropout,
    Input,
    Sequential,
    activations,
    losses,
    metrics,
)

RNG = np.random.default_rng(11)
X = RNG.standard_normal((3, 6, 4))


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
def test_a_number_is_refused_as_input_shape(make, number):
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
