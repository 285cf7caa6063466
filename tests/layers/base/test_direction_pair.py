"""The ways to merge the outputs of two directions, and their gradients."""

import numpy as np
import pytest

from gru_c.layers.base.direction_pair import check_mode, checked_pair, merge, merged_shape, split

RNG = np.random.default_rng(6)
A, B, D = RNG.normal(size=(3, 2, 4, 5))
EXPECTED = {
    "concat": np.concatenate([A, B], axis=2),
    "sum": A + B,
    "mul": A * B,
    "ave": (A + B) / 2,
}


@pytest.mark.parametrize("mode", EXPECTED)
def test_outputs_are_merged(mode):
    np.testing.assert_allclose(merge(mode, A, B), EXPECTED[mode], rtol=1e-15)
    assert merged_shape(mode, A, B) == EXPECTED[mode].shape
    single = merge(mode, A.astype(np.float32), B.astype(np.float32))
    assert single.dtype == np.float32


@pytest.mark.parametrize("mode", EXPECTED)
def test_gradients_are_those_of_finite_differences(mode):
    d = RNG.normal(size=EXPECTED[mode].shape)
    for gradient, array, move in zip(
        split(mode, d, A, B),
        (A, B),
        (lambda h: (A + h, B), lambda h: (A, B + h)),
        strict=True,
    ):
        direction = RNG.normal(size=array.shape)
        above, below = (float((merge(mode, *move(e * direction)) * d).sum()) for e in (1e-6, -1e-6))
        assert (gradient * direction).sum() == pytest.approx((above - below) / 2e-6, rel=1e-6)


def test_units_of_the_directions_may_differ_side_by_side():
    assert merged_shape("concat", A, B[..., :2]) == (2, 4, 7)
    first, second = split("concat", np.arange(7.0)[None], A[0, :1], B[0, :1, :2])
    assert (first.tolist(), second.tolist()) == ([[0, 1, 2, 3, 4]], [[5, 6]])


def test_modes_and_pairs_are_checked():
    assert check_mode("AVE") == "ave"
    with pytest.raises(ValueError, match="unknown merge_mode 'summ'"):
        check_mode("summ")
    assert checked_pair("states", None) == (None, None)
    assert checked_pair("states", [1, None]) == (1, None)
    for bad in ([1], 3, "ab"):
        with pytest.raises(ValueError, match="states of a Bidirectional must be a pair"):
            checked_pair("states", bad)
