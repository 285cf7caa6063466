"""Arrays that layers cannot take are refused, and nothing is written."""

import numpy as np
import pytest

from gru_c import GRU, Dense

RNG = np.random.default_rng(11)
X = RNG.standard_normal((3, 6, 4))


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
