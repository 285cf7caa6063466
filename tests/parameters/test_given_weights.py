"""Given weights are taken in place of drawn ones, and they must be all and fit."""

import numpy as np
import pytest

from gru_c import GRU, Dense, Input, Sequential
from gru_c.parameters import GivenWeights


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w[:-1], "bias of layer 'dense' is missing: too few weights"),
        (lambda w: [*w, w[0]], "1 more weights are given than the layers have"),
        (lambda w: [w[0].T, *w[1:]], r"kernel of layer 'gru' has shape \(4, 15\), got \(15, 4\)"),
        (lambda w: [w[0] * 1j, *w[1:]], "kernel of layer 'gru' must hold real numbers"),
    ],
)
def test_weights_that_are_given_must_be_all_and_fit(change, message):
    wanted = Sequential([Input((None, 4)), GRU(5), Dense(2)], seed=0).get_weights()
    model = Sequential([GRU(5), Dense(2)])
    with pytest.raises((ValueError, TypeError), match=message):
        model.build_of((None, None, 4), GivenWeights(change(wanted)))


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("kind", ["plain", "float16", "read-only", "strided", "swapped"])
def test_given_weights_of_any_kind_become_the_layers_own(kind, fresh):
    wanted = np.arange(12, dtype=np.float16).reshape(4, 3)
    array = wanted if kind == "float16" else wanted.astype(np.float32)
    if kind == "strided":
        array = np.repeat(array, 2, 1)[:, ::2]
    elif kind == "swapped":
        array = array.astype(array.dtype.newbyteorder())
    array.flags.writeable = kind != "read-only"
    layer = Dense(3, use_bias=False)
    layer.build((None, 4), GivenWeights([array], fresh=fresh))
    kernel = layer.value("kernel")
    np.testing.assert_array_equal(kernel, wanted)
    assert kernel.dtype == np.float32
    assert kernel.dtype.isnative
    assert kernel.flags.c_contiguous
    assert kernel.flags.writeable
    assert np.shares_memory(kernel, array) == (fresh and kind == "plain")
