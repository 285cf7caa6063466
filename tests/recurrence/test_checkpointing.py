"""Checkpointing through time: the gradients of the plain pass, from less memory."""

import tracemalloc

import numpy as np
import pytest
from cells import CELLS
from tools import (
    assert_all_same_bits,
    assert_close,
    assert_same_bits,
    random_arguments,
    random_gradients,
)

from gru_c import GRU, Dense, Sequential, gru_backward, gru_forward

# Arguments that only some cells have.
ONLY = {"reset_after": ["gru"], "recurrent_activation": ["gru", "lstm"]}
both_variants = pytest.mark.parametrize("reset_after", [True, False], ids=["after", "before"])


def for_cell(cell, options):
    """Return those of some arguments that a cell has."""
    return {name: it for name, it in options.items() if cell.name in ONLY.get(name, cell.name)}


def both(arguments, every, d_output, d_state, **options):
    """Gradients, outputs and states of a plain and of a checkpointed pass."""
    found = []
    for checkpoint_every in (None, every):
        result = gru_forward(
            **arguments, training=True, checkpoint_every=checkpoint_every, **options
        )
        gradients = gru_backward(result.tape, d_output, d_state, d_hidden=True)
        found.append((result, gradients))
    return found


@both_variants
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize(
    ("sizes", "every"),
    [((64, 37, 5, 50), 1), ((3, 700, 4, 33), 1), ((8, 600, 20, 130), "auto"), ((2, 5, 3, 4), 9)],
    ids=str,
)
def test_the_same_bits_as_without(sizes, every, reset_after, dtype, go_backwards, engine, isa):
    B, T, _, H = sizes
    arguments = random_arguments(*sizes, dtype=dtype, reset_after=reset_after)
    pair = random_gradients(B, T, H, dtype=dtype)
    options = {"reset_after": reset_after, "go_backwards": go_backwards}
    (plain, expected), (kept, found) = both(arguments, every, *pair, **options)
    assert_same_bits(kept.state, plain.state)
    assert_same_bits(kept.output, plain.output)
    if engine == "packed":
        assert_all_same_bits(found, expected)
    for a, b in zip(found, expected, strict=True):
        assert_close(a, b, 1e-12 if dtype == np.float64 else 1e-4)


def test_more_than_one_piece_was_there(engine):
    arguments = random_arguments(64, 37, 5, 50)
    tape = gru_forward(**arguments, training=True, checkpoint_every=1).tape
    assert len(tape.states) > 1
    assert repr(tape).startswith("<CheckpointTape of 64 sequences x 37 steps x 50 units, ")


@pytest.mark.parametrize("given", ["nothing", "no bias", "no initial state"])
def test_what_was_not_given(given, engine):
    arguments = random_arguments(
        64, 30, 3, 20, bias=given != "no bias", initial_state=given != "no initial state"
    )
    d_output = None if given == "nothing" else random_gradients(64, 30, 20)[0]
    (_, expected), (_, found) = both(arguments, 1, d_output, None)
    assert (found.bias is None) == (given == "no bias")
    for a, b in zip(found, expected, strict=True):
        assert b is None or assert_close(a, b, 1e-12) is None


@pytest.mark.parametrize("sizes", [(2, 0, 3, 4), (0, 5, 3, 4)], ids=str)
def test_without_steps(sizes, engine):
    B, T, _, H = sizes
    arguments = random_arguments(*sizes)
    (_, expected), (_, found) = both(arguments, 1, *random_gradients(B, T, H))
    assert_all_same_bits(found, expected)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dropout": 0.2, "recurrent_dropout": 0.2, "zoneout": 0.2},
        {"recurrent_activation": "hard_sigmoid", "clip": 2.0, "go_backwards": True},
        {"reset_after": False, "zoneout": 0.3, "activation": ("elu", 0.5)},
    ],
    ids=str,
)
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_layers_with_everything_else(options, cell):
    options = for_cell(cell, options)
    x = np.random.default_rng(0).normal(size=(40, 60, 4))
    results = []
    for every in (None, 7):
        layer = cell.layer(17, return_sequences=True, seed=3, checkpoint_every=every, **options)
        layer.build((None, None, 4), rng=1)
        output = layer.forward(x, training=True)
        d_x = layer.backward(output, keep_tape=False)
        results.append([output, d_x, *(p.gradient for p in layer.parameters)])
    for a, b in zip(*results, strict=True):
        assert_same_bits(a, b)


def test_adding_up_gradients():
    x = np.random.default_rng(0).normal(size=(40, 60, 4))
    totals = []
    for every in (None, 8):
        layer = GRU(17, return_sequences=True, checkpoint_every=every)
        layer.build((None, None, 4), rng=1)
        for part in (x, x[:, ::-1]):
            output = layer.forward(part, training=True)
            layer.backward(output, accumulate=part is not x)
        totals.append([p.gradient.copy() for p in layer.parameters])
    for a, b in zip(*totals, strict=True):
        assert_same_bits(a, b)


@pytest.mark.parametrize("sizes", [(8, 600, 20, 130), (40, 70, 8, 33)], ids=str)
def test_the_same_bits_for_any_number_of_threads(sizes, engine):
    B, T, _, H = sizes
    arguments = random_arguments(*sizes, dtype=np.float32)
    pair = random_gradients(B, T, H, dtype=np.float32)
    results = []
    for threads in (1, 2, 3):
        options = {"training": True, "checkpoint_every": "auto", "num_threads": threads}
        results.append(gru_backward(gru_forward(**arguments, **options).tape, *pair))
    for found in results[1:]:
        assert_all_same_bits(found, results[0])


def test_a_tape_may_be_used_again():
    arguments, pair = random_arguments(64, 30, 3, 20), random_gradients(64, 30, 20)
    tape = gru_forward(**arguments, training=True, checkpoint_every=4).tape
    first = gru_backward(tape, *pair, keep_tape=False)
    assert_all_same_bits(gru_backward(tape, *pair), first)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_time_before_batch_and_states_that_stay(cell):
    x = np.random.default_rng(0).normal(size=(60, 40, 4))
    results = []
    for every in (None, 7):
        layer = cell.layer(17, return_sequences=True, time_major=True, stateful=True)
        layer.checkpoint_every = every
        layer.build((None, None, 4), rng=1)
        for part in (x, x[::-1]):
            output = layer.forward(part, training=True)
            d_x = layer.backward(output)
        results.append([output, d_x, layer.state, *(p.gradient for p in layer.parameters)])
    for a, b in zip(*results, strict=True):
        assert_same_bits(a, b)


def test_a_model_trains_to_the_same_bits():
    x, y = np.random.default_rng(0).normal(size=(70, 90, 3)), np.zeros((70, 1))
    weights = []
    for every in (None, "auto"):
        model = Sequential([GRU(20, input_shape=(90, 3), checkpoint_every=every), Dense(1)], seed=1)
        model.compile("adam", "mse")
        model.fit(x, y, epochs=2, verbose=0)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        assert_same_bits(a, b)


def test_memory_beyond_inputs_and_results():
    x = np.zeros((8, 3000, 1), np.float32)
    held = {}
    for every in (None, "auto"):
        layer = GRU(128, return_sequences=True, checkpoint_every=every)
        layer.build((None, None, 1), rng=0)
        tracemalloc.start()
        output = layer.forward(x, training=True)
        d_x = layer.backward(output)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        held[every] = peak - output.nbytes - d_x.nbytes
    assert held["auto"] < held[None] / 15


# ---- with everything else -----------------------------------------------------------------------

# Enough rows to make a piece a few steps long, the number that the core sums at a time.
ROWS, STEPS = 64, 150
LENGTHS = [STEPS] * 44 + [100] * 16 + [0] * 4
HOLES = np.random.default_rng(4).random((ROWS, STEPS)) < 0.6
USUAL = {"reset_after": True, "training": True}
TOGETHER = {
    "lengths": {"lengths": LENGTHS},
    "mask": {"mask": HOLES},
    "zeros": {"mask": HOLES, "zero_output_for_mask": True},
    "backwards": {"lengths": LENGTHS, "go_backwards": True},
    "time first": {"lengths": LENGTHS, "time_major": True},
    "clip": {"mask": HOLES, "clip": 0.5},
    "activations": {
        "lengths": LENGTHS,
        "activation": ("leaky_relu", 0.1),
        "recurrent_activation": "hard_sigmoid",
    },
    "reset before": {"mask": HOLES, "reset_after": False, "go_backwards": True, "time_major": True},
    "every step": {"lengths": [STEPS] * ROWS},
    "no step": {"lengths": [0] * ROWS},
    "threads": {"lengths": LENGTHS, "num_threads": 2},
}
GIVEN = ("everything", "no bias", "no initial state")
CASES = [
    *((CELLS[0], every, given) for every in (1, 100, "auto") for given in GIVEN),
    *((cell, "auto", "everything") for cell in CELLS[1:]),
]


@pytest.mark.parametrize(("cell", "every", "given"), CASES)
@pytest.mark.parametrize("together", TOGETHER.values(), ids=TOGETHER)
def test_checkpoints_go_with_every_other_option(cell, together, every, given, engine):
    options = for_cell(cell, USUAL | together)
    arguments = cell.arguments(
        *(ROWS, STEPS, 3, 7), bias=given != "no bias", state=given != "no initial state"
    )
    if arguments["bias"] is not None and not options.get("reset_after", True):
        arguments["bias"] = arguments["bias"][0]
    d_output = random_gradients(ROWS, STEPS, 7)[0]
    d_state = random_gradients(ROWS, STEPS, 7 * cell.states)[1]
    if "time_major" in options:
        arguments["x"], d_output = arguments["x"].swapaxes(0, 1), d_output.swapaxes(0, 1)
    output, state, tape = cell.forward(arguments, **options)
    *others, forgetful = cell.forward(arguments, **options, checkpoint_every=every)
    for a, b in zip(others, (output, state), strict=True):
        assert_same_bits(a, b)
    expected = cell.backward(tape, d_output, d_state, d_hidden=True)
    actual = cell.backward(forgetful, d_output, d_state, keep_tape=False, d_hidden=True)
    for a, b in zip(actual.values(), expected.values(), strict=True):
        assert (a is None) == (b is None)
        if b is not None and engine == "packed":
            assert_same_bits(a, b)
        elif b is not None:
            assert_close(a, b, 1e-12)


def test_intervals_have_more_than_one_piece():
    options = {"lengths": LENGTHS, "checkpoint_every": 1, "engine": "packed"}
    tape = gru_forward(**random_arguments(ROWS, STEPS, 3, 7), **options, training=True).tape
    assert any(len(interval.states) > 1 for interval in tape.tapes)


def test_without_training_checkpoints_have_no_effect(engine):
    arguments = random_arguments(ROWS, STEPS, 3, 7)
    expected = gru_forward(**arguments, lengths=LENGTHS)
    result = gru_forward(**arguments, lengths=LENGTHS, checkpoint_every=2)
    assert result.tape is None
    assert_same_bits(result.output, expected.output)


# ---- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("every", "error", "message"),
    [
        (0, ValueError, "checkpoint_every must be an integer of at least 1, 'auto' or None, got 0"),
        (
            -1,
            ValueError,
            "checkpoint_every must be an integer of at least 1, 'auto' or None, got -1",
        ),
        (
            2.5,
            TypeError,
            "checkpoint_every must be an integer of at least 1, 'auto' or None, got 2.5",
        ),
        ("always", TypeError, "got 'always'"),
        (True, TypeError, "got True"),
    ],
)
def test_bad_numbers_of_steps(every, error, message):
    with pytest.raises(error, match=message):
        GRU(3, checkpoint_every=every)
    with pytest.raises(error, match=message):
        gru_forward(**random_arguments(1, 2, 3, 4), checkpoint_every=every)
