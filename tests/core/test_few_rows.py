"""Training passes of few rows: weights are read in place, gradients are written row by row."""

import numpy as np
import pytest
from cells import CELLS

# (B, T, I, H) with 16 rows in all steps and fewer, and weights that are packed at use and before
SHAPES = [(1, 1, 5, 9), (1, 4, 300, 320), (3, 1, 290, 301), (2, 4, 40, 330), (5, 3, 7, 50)]
SHAPES += [(3, 5, 6, 20), (1, 1, 310, 400), (8, 1, 64, 300), (16, 1, 3, 33)]
IDS = {"ids": lambda cell: cell.kind}


def passes(cell, arguments, d_output, d_state, **variant):
    output, state, tape = cell.forward(arguments, training=True, **variant)
    gradients = cell.backward(tape, d_output, d_state)
    return {"output": output, "state": state, **gradients}


def gradients_of_results(cell, B, T, H, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(B, T, H)), rng.normal(size=(B, cell.states * H))


@pytest.mark.parametrize("cell", CELLS, **IDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_few_rows_have_the_bits_of_the_same_rows_among_many(cell, shape):
    B, T, I, H = shape
    many = cell.arguments(B + 20, T, I, H, np.float32)
    d_output, d_state = gradients_of_results(cell, B + 20, T, H)
    few = {**many, "x": many["x"][:B], "initial_state": many["initial_state"][:B]}
    expected = passes(cell, many, d_output, d_state)
    given = passes(cell, few, d_output[:B], d_state[:B])
    for name in ("output", "state", "x", "initial_state"):
        assert np.array_equal(given[name], expected[name][:B]), name


@pytest.mark.parametrize("cell", CELLS, **IDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_their_gradients_of_weights_are_sums_over_the_rows(cell, shape):
    """The rest of the batch has no gradient, so its products are all zero."""
    B, T, I, H = shape
    many = cell.arguments(B + 20, T, I, H)
    d_output, d_state = gradients_of_results(cell, B + 20, T, H)
    d_output[B:] = d_state[B:] = 0
    few = {**many, "x": many["x"][:B], "initial_state": many["initial_state"][:B]}
    expected = passes(cell, many, d_output, d_state)
    given = passes(cell, few, d_output[:B], d_state[:B])
    for name in ("kernel", "recurrent_kernel", "bias"):
        np.testing.assert_allclose(given[name], expected[name], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS, **IDS)
@pytest.mark.parametrize("lengths", [[5, 3, 1], [5, 0, 0], [2, 2, 40]])
def test_intervals_of_few_rows_add_their_gradients(cell, lengths):
    """Where rows end at different steps, a pass is cut into intervals that add to one sum."""
    T = max(lengths)
    arguments = cell.arguments(3, T, 6, 20)
    d_output, d_state = gradients_of_results(cell, 3, T, 20)
    given = passes(cell, arguments, d_output, d_state, lengths=lengths)
    expected = passes(cell, arguments, d_output, d_state, lengths=lengths, engine="blas")
    for name, array in expected.items():
        np.testing.assert_allclose(given[name], array, rtol=1e-9, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("shape", [(1, 1, 310, 400), (2, 3, 300, 301), (3, 4, 20, 30)])
@pytest.mark.parametrize("variant", [{"reset_after": False}, {"clip": 0.5}, {"go_backwards": True}])
def test_variants_beside_float64(shape, variant):
    B, T, I, H = shape
    cell = CELLS[0]
    arguments = cell.arguments(B, T, I, H, np.float32)
    if "reset_after" in variant:
        arguments["bias"] = arguments["bias"][0]
    exact = {name: array.astype(float) for name, array in arguments.items()}
    d_output, d_state = gradients_of_results(cell, B, T, H)
    given = passes(cell, arguments, d_output, d_state, **variant)
    expected = passes(cell, exact, d_output, d_state, **variant, engine="blas")
    for name, array in expected.items():
        np.testing.assert_allclose(given[name], array, rtol=2e-4, atol=2e-4, err_msg=name)


def test_two_threads_give_the_same_bits():
    cell = CELLS[0]
    arguments = cell.arguments(4, 1, 400, 410, np.float32)
    d_output, d_state = gradients_of_results(cell, 4, 1, 410)
    one, two = (passes(cell, arguments, d_output, d_state, num_threads=n) for n in (1, 2))
    for name, array in one.items():
        assert np.array_equal(two[name], array), name
