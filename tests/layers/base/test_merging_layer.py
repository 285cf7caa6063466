"""What all merging layers have in common."""

import numpy as np
import pytest

from gru_c.layers import Add
from gru_c.layers.base.merging_layer import beside


def test_a_merging_layer_wants_a_list():
    with pytest.raises(ValueError, match="'add' merges a list of inputs, got ndarray"):
        Add()(np.ones((2, 3)))


def test_a_mask_gets_axes_behind_its_own():
    assert beside(np.ones((2, 3), bool), 4).shape == (2, 3, 1, 1)


def test_a_step_counts_if_it_counts_in_one_input_and_all_have_masks():
    a, b = np.array([[True, False]]), np.array([[False, False]])
    assert Add().compute_mask(None, [a, b]).tolist() == [[True, False]]
    assert Add().compute_mask(None, [a, None]) is None
