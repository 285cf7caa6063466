"""The GRU layer: its defaults, and what it returns."""

import numpy as np

from gru_c import GRU


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


def test_output_and_state_are_two_arrays():
    output, state = GRU(3, return_state=True)(np.ones((2, 4, 3)))
    np.testing.assert_array_equal(output, state)
    assert not np.shares_memory(output, state)
