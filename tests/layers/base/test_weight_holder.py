"""The weights of a layer go out and in, as a whole or not at all."""

import numpy as np
import pytest

from gru_c import GRU, Sequential


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
