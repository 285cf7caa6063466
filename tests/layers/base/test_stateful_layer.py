"""States of layers: set, reset, copied, and refused."""

import numpy as np
import pytest
from tools import assert_same_bits

from gru_c import GRU, Bidirectional, Sequential

RNG = np.random.default_rng(8)
X = RNG.normal(size=(6, 20, 3)).astype(np.float32)


def layer_of(layer, **options):
    options = {"return_sequences": True, "stateful": True, **options}
    layer = Bidirectional(GRU(5, **options)) if layer == "both" else GRU(5, **options)
    layer.build((None, None, 3), rng=0)
    return layer


@pytest.mark.parametrize("kind", ["one", "both"])
def test_states_can_be_set_and_reset(kind):
    layer = layer_of(kind)
    first = layer(X)
    assert np.abs(layer(X) - first).max() > 1e-3
    layer.reset_state()
    assert_same_bits(layer(X), first)
    state = RNG.normal(size=(6, 5)).astype(np.float32)
    pair = [state, -state]
    layer.reset_states(pair if kind == "both" else state)
    plain = layer_of(kind, stateful=False)
    assert_same_bits(layer(X), plain(X, initial_state=pair if kind == "both" else state))


def test_states_given_before_there_are_weights():
    """They are converted to the layer's dtype."""
    states = np.full((6, 5), 0.5, np.float16)
    layer = GRU(5, stateful=True, dtype="float64")
    plain = GRU(5, dtype="float64")
    layer.reset_states(states)
    for each in (layer, plain):
        each.build((None, None, 3), rng=0)
    assert_same_bits(layer(X), plain(X, initial_state=states))
    late = GRU(5, stateful=True)
    late.reset_states(states)
    model = Sequential([late], dtype="float64")
    assert model(X).dtype == np.float64
    plain.set_weights(model.get_weights())
    late.reset_states(states)
    assert_same_bits(model(X), plain(X, initial_state=states))


def test_states_are_copied():
    states = np.zeros((6, 5), np.float32)
    layer = layer_of("one")
    layer.reset_states(states)
    states += 1
    assert not layer.state.any()


def test_of_a_pair_of_states_both_are_set_or_none():
    layer = layer_of("both")
    layer(X)
    before = [direction.state.copy() for direction in layer.directions]
    good = np.zeros((6, 5))
    with pytest.raises(ValueError, match=r"states must have shape \(batch, 5\), got \(6, 4\)"):
        layer.reset_states([good, good[:, :4]])
    with pytest.raises(ValueError, match=r"initial_state must have shape .* got \(6, 4\)"):
        layer(X, initial_state=[good, good[:, :4]])
    with pytest.raises(ValueError, match="holds the states of 6 sequences, got a batch of 2"):
        layer(X[:2], initial_state=[good[:2], None])
    for direction, state in zip(layer.directions, before, strict=True):
        assert_same_bits(direction.state, state)


@pytest.mark.parametrize(
    ("states", "error", "message"),
    [
        (np.zeros((6, 4)), ValueError, r"states must have shape \(batch, 5\), got \(6, 4\)"),
        (np.zeros(5), ValueError, r"states must have shape \(batch, 5\), got \(5,\)"),
        ("zeros", TypeError, "states"),
    ],
)
def test_bad_states(states, error, message):
    with pytest.raises(error, match=message):
        layer_of("one").reset_states(states)


def test_only_stateful_layers_have_states():
    with pytest.raises(ValueError, match="layer 'gru' is not stateful: it keeps no states"):
        layer_of("one", stateful=False).reset_states()
