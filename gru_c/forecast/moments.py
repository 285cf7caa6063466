"""Means and deviations of rows in several arrays, without a copy of all of them.

They have the bits of NumPy's functions on one array of all rows: a single column is added by halves
of halves, several columns row after row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from gru_c.common.arrays import Array

_BLOCK = 2**15  # numbers in memory at a time
_UNROLLED = 8  # NumPy begins the second half at a multiple of this


def sum_by_halves(terms: Callable[[int, int], Array], begin: int, end: int) -> float:
    """Return the sum of the terms from `begin` to `end`, in the order of NumPy's sum."""
    count = end - begin
    if count <= _BLOCK:
        return float(np.add.reduce(terms(begin, end)))
    half = count // 2
    half -= half % _UNROLLED
    return sum_by_halves(terms, begin, begin + half) + sum_by_halves(terms, begin + half, end)


def moments(parts: Sequence[Array]) -> tuple[Array, Array]:
    """Return the means and the standard deviations of the columns of all rows.

    Parameters
    ----------
    parts : sequence of ndarray, shape (n, columns)
        Together they have at least one row.
    """
    count = sum(map(len, parts))
    mean = _sum_of_columns(parts, lambda rows: rows) / count
    return mean, np.sqrt(_sum_of_columns(parts, lambda rows: (rows - mean) ** 2) / count)


def _sum_of_columns(parts: Sequence[Array], change: Callable[[Array], Array]) -> Array:
    """Return the sum of each column of all rows after a change."""
    if parts[0].shape[1] == 1:
        ends = np.cumsum([len(part) for part in parts])

        def terms(begin: int, end: int) -> Array:
            first, last = ends.searchsorted([begin, end - 1], "right")
            starts = ends - [len(part) for part in parts]
            taken = [
                parts[i][max(begin - starts[i], 0) : end - starts[i]]
                for i in range(first, last + 1)
            ]
            return change(np.concatenate(taken))[:, 0]

        return np.array([sum_by_halves(terms, 0, int(ends[-1]))])
    total: Array | None = None
    for rows in _blocks(parts):
        values = change(rows)
        before = [] if total is None else [total[None]]
        total = np.add.reduce(np.concatenate([*before, values]))
    assert total is not None
    return total


def _blocks(parts: Sequence[Array]) -> Iterator[Array]:
    """Yield all rows, not too many at a time."""
    size = max(_BLOCK // max(parts[0].shape[1], 1), 1)
    for part in parts:
        for begin in range(0, len(part), size):
            yield part[begin : begin + size]
