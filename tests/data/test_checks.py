"""Data that do not fit the states of a model or truncated backpropagation are refused."""

import numpy as np
import pytest
from batch_sources import BATCHES, X, Y, compiled
from ragged_models import LIST, padded

from gru_c import GRU, Dense, Masking, Sequential


def test_a_stateful_layer_wants_batches_of_one_size():
    model = compiled(GRU(5, stateful=True, input_shape=(None, 4)), Dense(1))
    model.fit(BATCHES, shuffle=False, epochs=2, verbose=0)
    state = model.layers[0].state
    with pytest.raises(ValueError, match=r"batch \[1\] .*holds the states of 8 sequences, got"):
        model.fit([BATCHES[0], (X[:3], Y[:3])], shuffle=False, verbose=0)
    np.testing.assert_array_equal(model.layers[0].state, state)


def test_bptt_refuses_a_later_batch_with_lengths():
    source = [(X, Y), ((X, np.arange(40) % 6), Y)]
    with pytest.raises(ValueError, match=r"batch \[1\] .*bptt_steps is for sequences all of whose"):
        compiled().fit(source, shuffle=False, bptt_steps=2, verbose=0)


def test_masks_of_layers_do_not_go_with_bptt():
    model = Sequential([Masking(), GRU(3), Dense(1)])
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="all of whose steps count"):
        model.fit(padded(LIST), np.zeros(len(LIST)), bptt_steps=3, verbose=0)
