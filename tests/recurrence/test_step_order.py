"""The time steps that count: the order in which they are computed, and bad masks and lengths."""

import numpy as np
import pytest
from tools import random_arguments

from gru_c import gru_forward
from gru_c.recurrence.step_order import Steps


def random_mask(B, T, share, seed=0):
    """Holes and all; the first row has no step that counts, the second one has all of them."""
    mask = np.random.default_rng(seed).random((B, T)) < share
    mask[:1], mask[1:2] = False, True
    return mask


@pytest.mark.parametrize(
    ("lengths", "intervals"),
    [
        ([5, 60, 0, 30], [(3, 0, 5, 0), (2, 5, 25, 15), (1, 30, 30, 65)]),
        ([10, 9, 8, 60], [(4, 0, 10, 0), (1, 10, 50, 40)]),  # two short ones joined to the first
        ([0, 0], []),
    ],
    ids=str,
)
def test_rows_that_have_ended_are_not_computed(lengths, intervals):
    assert Steps.checked((len(lengths), 60), lengths=lengths).intervals == intervals


@pytest.mark.parametrize("share", [0.1, 0.7])
def test_hardly_more_is_computed_than_counts(share):
    mask = random_mask(64, 200, share)
    steps = Steps.checked(mask.shape, mask)
    assert mask.sum() <= steps.count <= mask.sum() + 24 * len(steps.intervals)
    assert len(steps.intervals) < 40


# ---- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        ({"lengths": [5, 6, 0]}, ValueError, r"lengths\[1\] is 6; .* in \[0, T = 5\]"),
        ({"lengths": [5, 0, -1]}, ValueError, r"lengths\[2\] is -1"),
        ({"lengths": [5, 5]}, ValueError, r"shape \(B,\) = \(3,\), got \(2,\)"),
        ({"lengths": [[5], [5], [5]]}, ValueError, r"got \(3, 1\)"),
        ({"lengths": [1.0, 2.0, 3.0]}, TypeError, "integers, got dtype float64"),
        ({"lengths": [True, True, True]}, TypeError, "integers, got dtype bool"),
        ({"lengths": ["a", "b", "c"]}, TypeError, "lengths must hold real numbers"),
        ({"mask": np.ones((3, 4), bool)}, ValueError, r"\(B, T\) = \(3, 5\), got \(3, 4\)"),
        ({"mask": np.ones((3, 5, 1), bool)}, ValueError, r"got \(3, 5, 1\)"),
        ({"mask": np.ones((3, 5))}, TypeError, "bools, .* got float64"),
        ({"mask": np.ones((3, 5), bool), "lengths": [5, 5, 5]}, ValueError, "give one of them"),
    ],
    ids=str,
)
def test_bad_input(said, error, message):
    with pytest.raises(error, match=message):
        gru_forward(**random_arguments(3, 5, 2, 4), **said)
