"""Input: the shape and the kind of numbers that it declares."""

import numpy as np
import pytest

from gru_c import GRU, Input, Sequential


def test_input_says_its_shape():
    assert Input((None, 8)).shape == (None, None, 8)


def test_an_input_of_integers_refuses_other_numbers():
    model = Sequential([Input((5, 3), dtype="int32"), GRU(4)])
    assert model.dtype == "float32"
    model(np.ones((2, 5, 3)))
    with pytest.raises(ValueError, match=r"must hold whole numbers.* got 0.5 at \(0, 0, 0\)"):
        model(np.full((2, 5, 3), 0.5))
