"""The passes of a GRU layer: outputs, states, gradients, by hand."""

import numpy as np
import pytest
from tools import assert_gradients, finite_difference

from gru_c import GRU, gru_forward

RNG = np.random.default_rng(11)
X = RNG.standard_normal((3, 6, 4))
on_each_engine = pytest.mark.usefixtures("engine")


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
