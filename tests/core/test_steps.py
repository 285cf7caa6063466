"""Batches in which not every step counts: the numbers of the steps, and the moves of rows."""

import numpy as np
import pytest
from tools import assert_same_bits

from gru_c import _core


def sequences(*shape, dtype=np.float32):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


def numbers_of(counts, ranks, begins, count):
    """The numbers, one by one."""
    numbers, places = np.full(counts.shape, -1), np.full(count, -1)
    shown = numbers.copy()
    for b, row in enumerate(counts):
        steps = np.flatnonzero(row)
        numbers[b, steps] = begins[: len(steps)] + ranks[b]
        places[numbers[b, steps]] = b * len(row) + steps
        for t in range(len(row)):
            shown[b, t] = numbers[b, t] if row[t] else shown[b, t - 1] if t else -1
    return numbers, shown, places


LAYOUTS = {
    "as it is": lambda a: a,
    "backwards": lambda a: a[:, ::-1].copy()[:, ::-1],
    "time first": lambda a: a.swapaxes(0, 1).copy().swapaxes(0, 1),
    "with gaps": lambda a: np.repeat(a, 3, axis=1)[:, ::3],
}


def test_the_numbers_of_the_steps():
    counts = np.random.default_rng(1).random((5, 9)) < 0.6
    longest = counts.sum(axis=1).max()
    ranks, begins = np.array([3, 1, 0, 4, 2]), 6 * np.arange(longest)
    expected = numbers_of(counts, ranks, begins, 6 * longest)
    results = [np.full(array.shape, 99) for array in expected]
    _core.order_steps(counts, ranks, begins, *results)
    for ours, wanted in zip(results, expected, strict=True):
        assert_same_bits(ours, wanted)


@pytest.mark.parametrize(
    ("begins", "count"), [([0], 9), ([0, 2], 3), ([0, -2], 9), ([0, 2**62], 9)], ids=str
)
def test_numbers_that_are_not_below_the_count_are_refused(begins, count):
    counts = np.ones((2, 2), bool)
    outs = [np.zeros((2, 2), np.intp), np.zeros((2, 2), np.intp), np.zeros(count, np.intp)]
    with pytest.raises(ValueError, match="begins must have an entry for each step"):
        _core.order_steps(counts, np.arange(2), np.array(begins), *outs)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_rows_are_taken_by_index(dtype, layout, threads):
    source = sequences(7, 300, 33, dtype=dtype)
    index = np.random.default_rng(2).integers(-1, 2100, (5, 400))  # many tasks
    index[0, :3] = [-(2**62), 2100, 2**62]  # no places, as -1
    rows = source.reshape(2100, 33)
    known = (index >= 0) & (index < 2100)
    expected = np.where(known[..., None], rows[np.where(known, index, 0)], 0)
    out = LAYOUTS[layout](np.full((5, 400, 33), np.nan, dtype))
    _core.take_steps(LAYOUTS[layout](source), index, None, out, threads)
    assert_same_bits(np.ascontiguousarray(out), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("width", [1, 31, 32, 70])
def test_rows_behind_are_added_as_numpy_adds_them(dtype, layout, width):
    source = sequences(3, 700, width, dtype=dtype)
    numbers = np.full((3, 700), -1)
    firsts = np.array([0, 1, 2, 4, 8, 16, 25, 90, 350])  # the last one has 349 rows behind it
    numbers[:, firsts] = np.arange(3 * len(firsts)).reshape(3, -1)
    places = np.flatnonzero(numbers.reshape(-1) >= 0)
    rest = source.copy()
    rest[:, firsts] = -0.0
    expected = [source[:, t] for t in firsts]
    for i, t in enumerate(firsts):
        end = firsts[i + 1] if i + 1 < len(firsts) else 700
        if end > t + 1:
            expected[i] = expected[i] + np.add.reduceat(rest[:, t + 1 : end], [0], axis=1)[:, 0]
    out = np.empty((1, len(places), width), dtype)
    _core.take_steps(LAYOUTS[layout](source), places[None], numbers, out, 2)
    assert_same_bits(out[0], np.stack(expected, axis=1).reshape(-1, width))


def test_rows_of_nothing():
    for shape in ((0, 3, 2), (3, 0, 2), (3, 3, 0)):
        out = np.full((1, 4, shape[2]), 7.0)
        _core.take_steps(np.ones(shape), np.zeros((1, 4), np.intp), None, out, 2)
        assert not out.any()
