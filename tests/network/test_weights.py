"""The weights of a network are read, set as a whole, and counted."""

import numpy as np
import pytest
from three_layers import X, small_model

from gru_c import GRU, Sequential


def test_set_weights_takes_what_get_weights_gave():
    model, other = small_model(seed=1), small_model(seed=2)
    assert not np.array_equal(model.predict(X, verbose=0), other.predict(X, verbose=0))
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(model.predict(X, verbose=0), other.predict(X, verbose=0))


def test_set_weights_is_all_or_nothing():
    model = small_model()
    before = model.get_weights()
    bad = [weight + 1 for weight in before]
    bad[-1] = np.zeros(2)
    with pytest.raises(ValueError, match=r"'sequential': bias has shape \(1,\), got \(2,\)"):
        model.set_weights(bad)
    with pytest.raises(ValueError, match="has 8 weights, got 7"):
        model.set_weights(bad[:7])
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)
    with pytest.raises(ValueError, match="no weights yet"):
        Sequential([GRU(5)]).set_weights([])


def test_count_params():
    assert small_model().count_params() == (4 + 5 + 2) * 15 + (5 + 3 + 2) * 9 + 4
    with pytest.raises(ValueError, match="no weights yet, so count_params"):
        Sequential([GRU(5)]).count_params()
