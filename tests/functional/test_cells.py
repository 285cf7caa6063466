"""All cells: every combination of what a pass can do, against the specification."""

import numpy as np
import pytest
import specification
from cells import CELLS
from hypothesis import given, settings
from hypothesis import strategies as st
from tools import assert_close, assert_same_bits

from gru_c.recurrence.options import PassOptions
from gru_c.recurrence.passes import run
from gru_c.recurrence.weights import Weights

# One more and one less than vectors, panels and tiles have, and primes.
UNITS = st.sampled_from([1, 2, 3, 7, 8, 15, 16, 17, 25, 31, 33, 50, 64, 79, 100, 129])
WIDTHS = (7, 15, 23, 31, 39, 47, 55, 63, 71, 79, 87, 95)
TOLERANCES = {np.float32: 4e-5, np.float64: 1e-12}
GRADIENT_TOLERANCE = 1e-11

pytestmark = pytest.mark.usefixtures("engine", "isa")
each_cell = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)

KINDS = {
    "plain": {},
    "clipped": {"clip": 0.5},
    "hard": {"activation": "softsign", "recurrent_activation": "hard_sigmoid"},
    "leaky": {"activation": ("leaky_relu", 0.1), "recurrent_activation": "sigmoid"},
}
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def of_cell(cell, kind):
    """The settings that the cell has."""
    gates = cell.kind != "SimpleRNN"
    return {name: it for name, it in kind.items() if gates or name != "recurrent_activation"}


def assert_derivatives(cell, arguments, gradients, d_output, d_state, **variant):
    """Each gradient, times a random direction, is the specification's derivative along it."""
    rng = np.random.default_rng(2)
    for name, array in arguments.items():
        if array is None:
            continue
        direction = rng.normal(size=array.shape)
        expected = specification.derivative(
            arguments, {name: direction}, d_output, d_state, cell.spec, **variant
        )
        terms = gradients[name] * direction
        assert abs(terms.sum() - expected) <= GRADIENT_TOLERANCE * max(np.abs(terms).sum(), 1), name


@each_cell
@settings(max_examples=40)
@given(
    sizes=st.tuples(
        st.sampled_from([0, 1, 2, 3, 7, 8, 17, 33, 70]),
        st.sampled_from([0, 1, 2, 7, 16, 33]),
        st.sampled_from([0, 1, 2, 7, 17, 50, 130]),
        UNITS,
    ),
    dtype=st.sampled_from([np.float32, np.float64]),
    go_backwards=st.booleans(),
    bias=st.booleans(),
    state=st.booleans(),
    training=st.booleans(),
)
def test_forward_is_the_specification(cell, sizes, dtype, bias, state, training, go_backwards):
    arguments = cell.arguments(*sizes, dtype, bias, state)
    expected = cell.expected(arguments, go_backwards=go_backwards)
    actual = cell.forward(arguments, go_backwards=go_backwards, training=training)
    for one, other in zip(actual[:2], expected, strict=True):
        assert one.dtype == dtype
        assert_close(one, other, TOLERANCES[dtype])


@each_cell
@settings(max_examples=25)
@given(
    sizes=st.tuples(
        st.sampled_from([1, 2, 3, 9, 17, 40, 70]),
        st.sampled_from([1, 2, 7, 16]),
        st.sampled_from([1, 2, 15, 50]),
        UNITS,
    ),
    go_backwards=st.booleans(),
    bias=st.booleans(),
    keep_tape=st.booleans(),
)
def test_gradients_are_the_derivatives(cell, sizes, go_backwards, bias, keep_tape):
    arguments = cell.arguments(*sizes, bias=bias)
    rng = np.random.default_rng(1)
    B, T, _, H = sizes
    d_output, d_state = rng.normal(size=(B, T, H)), rng.normal(size=(B, cell.states * H))
    tape = cell.forward(arguments, go_backwards=go_backwards, training=True)[2]
    gradients = cell.backward(tape, d_output, d_state, keep_tape=keep_tape)
    variant = {"go_backwards": go_backwards}
    assert_derivatives(cell, arguments, gradients, d_output, d_state, **variant)


@each_cell
@each_kind
@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
@pytest.mark.parametrize("every", [None, 3], ids=["whole", "checkpointed"])
@pytest.mark.parametrize("sizes", [(5, 9, 3, 7), (2, 6, 4, 33)])
def test_masks_checkpoints_and_other_functions(cell, kind, masked, every, sizes):
    B, T, _, H = sizes
    arguments, rng = cell.arguments(*sizes), np.random.default_rng(4)
    mask = rng.random((B, T)) > 0.3 if masked else None
    kind = of_cell(cell, kind)
    output, state, tape = cell.forward(
        arguments, **kind, mask=mask, training=True, checkpoint_every=every
    )
    expected = cell.expected(arguments, **kind, mask=mask)
    assert_close(output, expected[0], 1e-12)
    assert_close(state, expected[1], 1e-12)
    d_output, d_state = rng.normal(size=(B, T, H)), rng.normal(size=(B, cell.states * H))
    gradients = cell.backward(tape, d_output, d_state)
    assert_derivatives(cell, arguments, gradients, d_output, d_state, **kind, mask=mask)


@each_cell
@pytest.mark.parametrize("lengths", [[4, 0, 9, 2, 9], [1, 1, 1, 1, 1], [9, 8, 7, 6, 5]])
def test_lengths_are_masks(cell, lengths):
    B, T, I, H = 5, 9, 3, 17
    arguments = cell.arguments(B, T, I, H)
    mask = np.arange(T) < np.array(lengths)[:, None]
    output, state, tape = cell.forward(
        arguments, lengths=lengths, training=True, zero_output_for_mask=True
    )
    expected = cell.expected(arguments, mask=mask, zero_output=True)
    assert_close(output, expected[0], 1e-12)
    assert_close(state, expected[1], 1e-12)
    for keep_tape in (True, False):
        d_state = np.ones_like(state)
        gradients = cell.backward(tape, None, d_state, keep_tape=keep_tape)
        variant = {"mask": mask, "zero_output": True}
        assert_derivatives(cell, arguments, gradients, 0, d_state, **variant)


@each_cell
@pytest.mark.parametrize("sizes", [(3, 7, 4, 9), (1, 5, 2, 40), (17, 3, 3, 16)])
def test_a_mask_of_the_state_and_zoneout(cell, sizes):
    """Recurrent dropout, and the expectation of zoneout, which a GRU has in inference only."""
    B, T, _, H = sizes
    arguments, rng = cell.arguments(*sizes), np.random.default_rng(5)
    x, kernel, recurrent_kernel, bias, state = arguments.values()
    state_mask = np.where(rng.random((B, H)) < 0.3, 0, 1.4)
    zoneout = 0.0 if cell.kind == "GRU" else 0.3
    options = PassOptions(cell.layer(1, zoneout=zoneout).cell, training=True, state_mask=state_mask)
    output, weights = np.empty((B, T, H)), Weights(kernel, recurrent_kernel, bias)
    last, tape = run(x, weights, state, output, options)
    variant = {"state_mask": state_mask, "keeps": np.full((T, B, H), zoneout)}
    expected = cell.expected(arguments, **variant)
    assert_close(output, expected[0], 1e-12)
    assert_close(last, expected[1], 1e-12)
    gradients = weights.empty_gradients()
    gradients.x, gradients.initial_state = np.empty_like(x), np.empty_like(state)
    d_output, d_state = rng.normal(size=output.shape), rng.normal(size=last.shape)
    tape.backward(d_output, d_state, gradients)
    named = {name: getattr(gradients, name) for name in arguments}
    assert_derivatives(cell, arguments, named, d_output, d_state, **variant)


@each_cell
def test_drawn_zoneout_keeps_all_states_of_a_unit(cell):
    """Draws are 0 or 1 for each step, row and unit; the gradients are those of these draws."""
    B, T, I, H = 3, 6, 2, 10
    arguments, rng = cell.arguments(B, T, I, H), np.random.default_rng(6)
    x, kernel, recurrent_kernel, bias, state = arguments.values()
    weights, output = Weights(kernel, recurrent_kernel, bias), np.empty((B, T, H))
    options = PassOptions(cell.layer(1, zoneout=0.5).cell, training=True, draws=(7, 0))
    last, tape = run(x, weights, state, output, options)
    before = np.concatenate([state[:, None, :H], output[:, :-1]], axis=1)
    keeps = (output == before).astype(float).swapaxes(0, 1)
    assert 0.3 < keeps.mean() < 0.7
    expected = cell.expected(arguments, keeps=keeps)
    assert_close(output, expected[0], 1e-12)
    assert_close(last, expected[1], 1e-12)
    gradients = weights.empty_gradients()
    gradients.x, gradients.initial_state = np.empty_like(x), np.empty_like(state)
    d_output, d_state = rng.normal(size=output.shape), rng.normal(size=last.shape)
    tape.backward(d_output, d_state, gradients, keep_tape=False)
    named = {name: getattr(gradients, name) for name in arguments}
    assert_derivatives(cell, arguments, named, d_output, d_state, keeps=keeps)


@each_cell
@pytest.mark.parametrize("sizes", [(1, 5, 3, 16), (2, 4, 9, 50), (3, 4, 1, 7), (1, 3, 8, 129)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_make_a_sequence(cell, sizes, dtype, engine):
    arguments = cell.arguments(*sizes, dtype)
    x, *weights, state = arguments.values()
    output, last, _ = cell.forward(arguments)
    for t in range(x.shape[1]):
        state = cell.step(x[:, t], state, *weights)
        if engine == "packed":
            assert_same_bits(output[:, t], state[:, : output.shape[2]])
    assert_close(state, last, TOLERANCES[dtype])


@each_cell
@pytest.mark.parametrize("sizes", [(1, 20, 3, 300), (40, 9, 8, 50), (33, 12, 16, 64)])
def test_threads_and_other_rows_do_not_change_a_bit(cell, sizes, engine):
    arguments = cell.arguments(*sizes, np.float32)
    results = []
    for threads in (1, 2):
        output, state, tape = cell.forward(arguments, training=True, num_threads=threads)
        results.append([output, state, *cell.backward(tape, output, state).values()])
        plain = cell.forward(arguments, num_threads=threads)
        if engine == "packed":
            assert_same_bits(plain[0], output)
            assert_same_bits(plain[1], state)
    for one, other in zip(*results, strict=True):
        assert_same_bits(one, other)
    if engine == "packed":
        rows = {name: arguments[name][:1] for name in ("x", "initial_state")}
        alone = cell.forward({**arguments, **rows})
        assert_same_bits(alone[0], results[0][0][:1])


@each_cell
def test_time_major_is_the_same_without_a_copy(cell):
    arguments = cell.arguments(3, 5, 4, 9)
    swapped = {**arguments, "x": arguments["x"].swapaxes(0, 1)}
    output, state, tape = cell.forward(arguments, training=True)
    other, other_state, other_tape = cell.forward(swapped, training=True, time_major=True)
    assert_same_bits(other.swapaxes(0, 1), output)
    assert_same_bits(other_state, state)
    gradients = cell.backward(tape, output, state, d_hidden=True)
    others = cell.backward(other_tape, other, state, d_hidden=True)
    for name in ("x", "hidden"):
        assert_same_bits(others[name].swapaxes(0, 1), gradients[name])
    assert_same_bits(others["recurrent_kernel"], gradients["recurrent_kernel"])


@each_cell
def test_the_gradient_of_each_state_counts_later_steps(cell):
    """d_hidden of a step is the gradient of a sequence that begins behind that step."""
    B, T, I, H = 2, 5, 3, 6
    arguments = cell.arguments(B, T, I, H)
    output, _, tape = cell.forward(arguments, training=True)
    d_output = np.random.default_rng(3).normal(size=output.shape)
    hidden = cell.backward(tape, d_output, d_hidden=True)["hidden"]
    first = cell.forward({**arguments, "x": arguments["x"][:, :3]})[1]
    rest = {**arguments, "x": arguments["x"][:, 3:], "initial_state": first}
    later = cell.forward(rest, training=True)[2]
    expected = cell.backward(later, d_output[:, 3:])["initial_state"][:, :H] + d_output[:, 2]
    assert_close(hidden[:, 2], expected, 1e-12)


@each_cell
@pytest.mark.parametrize(("format_", "tolerance"), [("bfloat16", 0.05), ("int8", 0.1)])
# For one or two rows, every number of vectors that a tile of the products has.
@pytest.mark.parametrize("sizes", [(9, 4, 16, 50), *((B, 3, 5, H) for B in (1, 2) for H in WIDTHS)])
def test_weights_of_fewer_bits_are_close(cell, format_, tolerance, sizes):
    arguments = cell.arguments(*sizes, np.float32)
    output, state, _ = cell.forward(arguments, inference_weights=format_)
    expected = cell.expected(arguments)
    assert 0 < np.abs(output - expected[0]).max() < tolerance
    assert np.abs(state - expected[1]).max() < 2 * tolerance
