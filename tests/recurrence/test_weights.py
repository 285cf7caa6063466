"""The weights of a pass are checked together, and gradients that are not wanted are left out."""

import numpy as np
import pytest
from tools import assert_same_bits, random_arguments, random_gradients

from gru_c import gru_backward, gru_forward
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.weights import Gradients, Weights

B, T, I, H = 6, 9, 3, 5
LENGTHS = [9, 2, 0, 5, 9, 1]
KINDS = {
    "plain": {},
    "ragged": {"lengths": LENGTHS},
    "checkpointed": {"checkpoint_every": 2},
    "ragged and checkpointed": {"lengths": LENGTHS, "checkpoint_every": 2},
}
each_kind = pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)


def passed(**options):
    return gru_forward(**random_arguments(B, T, I, H), training=True, **options).tape


@each_kind
def test_gradients_that_are_none_are_left_out(options):
    tape, pair = passed(**options), random_gradients(B, T, H)
    expected = gru_backward(tape, *pair)
    written = Gradients(*(np.full_like(a, np.nan) for a in expected[1:3]), np.empty((2, 3 * H)))
    tape.backward(*pair, written)
    assert_same_bits(written.kernel, expected.kernel)
    assert_same_bits(written.recurrent_kernel, expected.recurrent_kernel)
    assert_same_bits(written.bias, expected.bias)


@pytest.mark.parametrize(
    ("kernel", "recurrent_kernel", "bias", "message"),
    [
        ((2, 9), (3, 8), None, r"recurrent_kernel must have shape \(H, 3H\).* got \(3, 8\)"),
        ((2, 0), (0, 0), None, r"with at least one unit, got \(0, 0\)"),
        ((2, 8), (3, 9), None, r"kernel must have shape \(I, 3H\) = \(I, 9\).* got \(2, 8\)"),
        ((2, 9), (3, 9), (9,), r"bias must have shape \(2, 9\) for reset_after=True, got \(9,\)"),
    ],
)
def test_shapes_that_do_not_fit_each_other_are_refused(kernel, recurrent_kernel, bias, message):
    bias = None if bias is None else np.zeros(bias)
    with pytest.raises(ValueError, match=message):
        Weights.checked(np.zeros(kernel), np.zeros(recurrent_kernel), bias, Cell(), np.float64)


def test_checked_weights_are_contiguous_arrays_of_one_dtype():
    kernel, recurrent_kernel = np.arange(18).reshape(9, 2).T, np.arange(27.0).reshape(3, 9)
    weights = Weights.checked(kernel, recurrent_kernel, [1] * 9, Cell(False), np.float32)
    assert weights.units == 3
    for array, given in zip(
        (weights.kernel, weights.recurrent_kernel, weights.bias),
        (kernel, recurrent_kernel, np.ones(9)),
        strict=True,
    ):
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        np.testing.assert_array_equal(array, given)


def test_gradients_of_weights_have_their_shapes_and_are_cleared_together():
    weights = Weights(np.ones((2, 9)), np.ones((3, 9)), None)
    gradients = weights.empty_gradients()
    assert gradients.kernel.shape == (2, 9)
    assert gradients.recurrent_kernel.shape == (3, 9)
    assert gradients.bias is gradients.x is gradients.hidden is None
    gradients.clear_weights()
    assert not gradients.kernel.any()
    assert not gradients.recurrent_kernel.any()
