"""Random passes of all cells against the specification: sizes, layouts and numbers of any kind."""

import numpy as np
import pytest
import specification
from cells import CELLS
from tools import assert_close

ROUNDS = 40
DENORMAL = {np.float32: 1e-42, np.float64: 1e-310}


def turned(array):
    """The same numbers with the axes of memory in reverse order."""
    return np.asfortranarray(array)


def backwards(array):
    """The same numbers, the last ones first in memory, with gaps."""
    room = np.zeros(tuple(2 * n for n in array.shape), array.dtype)
    view = room[tuple(slice(None, None, -2) for _ in array.shape)]
    view[...] = array
    return view


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def misaligned(array):
    room = np.zeros(array.nbytes + 1, np.uint8)
    view = room[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


LAYOUTS = [np.copy, turned, backwards, read_only, misaligned]


def draw(cell, rng):
    """Return arguments, settings of a pass, and the row, if any, whose numbers are not finite."""
    dtype = (np.float32, np.float64)[rng.integers(2)]
    B, T = rng.integers(0, 7, 2)
    features, H = rng.integers(0, 20), rng.integers(1, 40)
    some = rng.integers(2, size=2).astype(bool)
    arguments = cell.arguments(B, T, features, H, dtype, *some, seed=int(rng.integers(1 << 30)))
    row = None
    if arguments["x"].size:
        kind = rng.integers(6)
        if kind == 0:
            arguments["x"][...] = DENORMAL[dtype]
        elif kind < 3:
            row = int(rng.integers(B))
            bad = [np.nan, np.inf, -np.inf, np.finfo(dtype).max]
            arguments["x"][row] = rng.choice(bad, arguments["x"][row].shape)
    options = {"engine": ("packed", "blas", "auto")[rng.integers(3)]}
    options |= {"go_backwards": bool(rng.integers(2)), "num_threads": int(rng.integers(1, 4))}
    return arguments, options, row


def laid_out(arguments, rng):
    return {
        name: None if array is None else LAYOUTS[rng.integers(len(LAYOUTS))](array)
        for name, array in arguments.items()
    }


def direction_of(arguments, rng):
    return {name: rng.normal(size=a.shape) for name, a in arguments.items() if a is not None}


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_passes_agree_with_the_specification(cell, isa):
    rng = np.random.default_rng(7)
    for _ in range(ROUNDS):
        arguments, options, row = draw(cell, rng)
        given = laid_out(arguments, rng)
        output, state, tape = cell.forward(given, training=True, **options)
        variant = {"go_backwards": options["go_backwards"]}
        tolerance = 2e-5 if arguments["x"].dtype == np.float32 else 1e-12
        with np.errstate(all="ignore"):
            expected, last = cell.expected(arguments, **variant)
        good = np.arange(len(output)) != row
        assert_close(output[good], expected[good], tolerance)
        assert_close(state[good], last[good], tolerance)
        if row is not None:
            continue
        d_output, d_state = rng.normal(size=output.shape), rng.normal(size=state.shape)
        pair = (array.astype(output.dtype) for array in (d_output, d_state))
        gradients = cell.backward(tape, *pair)
        along = direction_of(arguments, rng)
        change = specification.derivative(arguments, along, d_output, d_state, cell.spec, **variant)
        terms = [(gradients[name] * way).ravel() for name, way in along.items()]
        terms = np.concatenate([term.astype(np.float64) for term in terms])
        assert abs(terms.sum() - change) <= 10 * tolerance * (1 + np.abs(terms).sum())
