"""Streams: input and output, states, threads."""

import copy
import threading
import tracemalloc

import numpy as np
import pytest
from tools import assert_same_bits, make_model, play, random_numbers

from gru_c import GRU, Activation, Dense, Embedding, LayerNormalization, Sequential, _core

# ---- input and output ----------------------------------------------------------------------------


def test_arrays_of_any_kind_are_taken():
    model = make_model(GRU(7))
    x = np.round(random_numbers(2, 5) * 3)
    wanted = model.stream(2).step(x)
    swapped = x.astype(x.dtype.newbyteorder())
    for same in (x.astype(float), x.astype(int), x.tolist(), x[::-1].copy()[::-1], swapped):
        assert_same_bits(model.stream(2).step(same), wanted)
    assert_same_bits(model.stream(2).step(np.repeat(x, 2, axis=1)[:, ::2]), wanted)


@pytest.mark.parametrize("last", [[], [Dense(3, "softmax")]], ids=["core", "python"])
def test_the_output_is_a_new_array_or_the_given_one(last):
    model = make_model(GRU(3), *copy.deepcopy(last))
    stream, other = model.stream(2), model.stream(2)
    x = random_numbers(2, 5)
    first = stream.step(x)
    before = first.copy()
    out = np.full((2, 3), np.nan, np.float32)
    assert stream.step(x, out) is out
    assert_same_bits(first, before)
    other.step(x)
    assert_same_bits(out, other.step(x))
    strided = np.empty((2, 6), np.float32)[:, ::2]
    assert stream.step(x, out=strided) is strided
    assert_same_bits(np.ascontiguousarray(strided), other.step(x))


def test_the_output_may_lie_where_the_input_is():
    model = make_model(Dense(5), I=5)
    x = random_numbers(2, 5)
    wanted = model.stream(2).step(x.copy())
    assert_same_bits(model.stream(2).step(x, out=x), wanted)


BAD_STEPS = {
    "width": (np.zeros((2, 6)), {}, ValueError, r"x_t must have shape \(2, 5\), got \(2, 6\)"),
    "batch": (np.zeros((1, 5)), {}, ValueError, r"shape \(2, 5\), got \(1, 5\)"),
    "one sample": (np.zeros(5), {}, ValueError, r"shape \(2, 5\), got \(5,\)"),
    "sequence": (np.zeros((2, 1, 5)), {}, ValueError, r"got \(2, 1, 5\)"),
    "text": ([["a"] * 5] * 2, {}, TypeError, "x_t must hold real numbers"),
    "objects": (np.full((2, 5), None), {}, TypeError, "real numbers"),
    "complex": (np.zeros((2, 5), complex), {}, TypeError, "complex128"),
    "nothing": (None, {}, TypeError, "got None"),
    "ragged": ([[1.0], [1.0, 2.0]], {}, ValueError, "not an array of numbers"),
    "out's shape": (np.zeros((2, 5)), {"out": np.zeros((2, 2), "f")}, ValueError, r"\(2, 3\)"),
    "out's dtype": (np.zeros((2, 5)), {"out": np.zeros((2, 3))}, ValueError, "float64"),
    "out is a list": (np.zeros((2, 5)), {"out": [0]}, TypeError, "out must be an array, got list"),
}


@pytest.mark.parametrize("last", ["linear", "softmax"])
@pytest.mark.parametrize("bad", BAD_STEPS.values(), ids=BAD_STEPS)
def test_a_bad_step_changes_nothing(bad, last):
    x, options, kind, message = bad
    stream = make_model(GRU(4), Dense(3, last)).stream(2)
    stream.step(random_numbers(2, 5))
    before = stream.state
    with pytest.raises(kind, match=message):
        stream.step(x, **options)
    assert_same_bits(stream.state[0], before[0])


def test_a_read_only_out_is_refused():
    stream, out = make_model(GRU(4)).stream(2), np.zeros((2, 4), np.float32)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="a read-only one"):
        stream.step(random_numbers(2, 5), out)
    assert not stream.state[0].any()


# ---- states --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_stream_continues_from_a_state_that_is_set(dtype):
    model = make_model(GRU(20, return_sequences=True), Dense(3), GRU(9), dtype=dtype)
    x = random_numbers(3, 8, 5, dtype=dtype)
    stream = model.stream(3)
    play(stream, x[:, :3])
    saved = stream.state
    wanted = play(stream, x[:, 3:])
    stream.state = saved
    assert_same_bits(play(stream, x[:, 3:]), wanted)
    other = model.stream(3)
    other.state = [state.tolist() for state in saved]
    assert_same_bits(play(other, x[:, 3:]), wanted)
    saved[0][:] = np.nan  # a copy
    assert np.isfinite(stream.state[0]).all()


def test_a_row_does_not_see_the_others():
    model = make_model(GRU(20, return_sequences=True), GRU(9))
    x = random_numbers(4, 8, 5)
    whole, alone = model.stream(4), model.stream(1)
    assert_same_bits(play(whole, x)[2:3], play(alone, x[2:3]))
    assert_same_bits(whole.state[0][2:3], alone.state[0])


ROWS = {
    "all": (None, [0, 1, 2, 3]),
    "one": (2, [2]),
    "from the end": (-1, [3]),
    "several": ([0, 2], [0, 2]),
    "none": ([], []),
    "slice": (slice(1, 3), [1, 2]),
    "booleans": ([True, False, False, True], [0, 3]),
}


@pytest.mark.parametrize(("rows", "zero"), ROWS.values(), ids=ROWS)
def test_reset_begins_new_sequences(rows, zero):
    model = make_model(GRU(20, return_sequences=True), GRU(9))
    x = random_numbers(4, 8, 5)
    stream = model.stream(4)
    play(stream, x)
    before = stream.state
    stream.reset(rows)
    for state, old in zip(stream.state, before, strict=True):
        old[zero] = 0
        assert_same_bits(state, old)


def test_reset_clears_a_nan():
    stream, x = make_model(GRU(17)).stream(2), random_numbers(2, 5)
    wanted = stream.step(x)
    assert np.isnan(stream.step(np.full_like(x, np.nan))).all()
    stream.reset()
    assert_same_bits(stream.step(x), wanted)


@pytest.mark.parametrize(
    ("rows", "kind"),
    [(4, IndexError), ([0, -5], IndexError), ([True], IndexError), (1.0, TypeError)],
)
def test_rows_that_do_not_exist_are_refused(rows, kind):
    stream = make_model(GRU(4)).stream(4)
    stream.step(random_numbers(4, 5))
    before = stream.state
    with pytest.raises(kind, match="rows must"):
        stream.reset(rows)
    assert_same_bits(stream.state[0], before[0])


@pytest.mark.parametrize(
    ("state", "kind", "message"),
    [
        ([np.zeros((2, 4))], ValueError, "2 arrays, one for each recurrent layer, got 1"),
        ([np.zeros((2, 4)), np.zeros((1, 3))], ValueError, r"state\[1\] must have shape \(2, 3\)"),
        ([np.zeros((2, 4)), "ab"], TypeError, r"state\[1\] must hold real numbers"),
        (np.zeros((2, 2, 4)), TypeError, "list of 2 arrays"),
        (None, TypeError, "NoneType"),
    ],
)
def test_a_bad_state_changes_nothing(state, kind, message):
    stream = make_model(GRU(4, return_sequences=True), GRU(3)).stream(2)
    stream.step(random_numbers(2, 5))
    before = stream.state
    with pytest.raises(kind, match=message):
        stream.state = state
    for actual, wanted in zip(stream.state, before, strict=True):
        assert_same_bits(actual, wanted)


def test_a_stream_of_another_instruction_set_is_refused():
    if len(_core.isa_names()) < 2:
        pytest.skip("this CPU has one instruction set")
    stream, before = make_model(GRU(8)).stream(), _core.active_isa()
    _core.select_isa(next(name for name in _core.isa_names() if name != before))
    try:
        with pytest.raises(RuntimeError, match="make the stream anew"):
            stream.step(random_numbers(1, 5))
    finally:
        _core.select_isa(before)
    stream.step(random_numbers(1, 5))


def test_a_step_allocates_nothing():
    stream = make_model(GRU(50, return_sequences=True), GRU(50), Dense(1)).stream()
    x, out = random_numbers(1, 5), np.empty((1, 1), np.float32)
    for _ in range(3):
        stream.step(x, out)
    tracemalloc.start()
    try:
        stream.step(x, out)
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        for _ in range(1000):
            stream.step(x, out)
        now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert now - before < 200
    assert peak - before < 300  # a few frames, but no array of B * H


# ---- threads -------------------------------------------------------------------------------------


def in_threads(*functions):
    """Run each function in a thread; return the exceptions."""
    errors = []

    def guarded(function):
        try:
            function()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(f,)) for f in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.parametrize("H", [20, 300])  # with the GIL, and without
def test_streams_of_one_model_in_several_threads(H):
    model = make_model(GRU(H, return_sequences=True), GRU(H), Dense(2))
    x = random_numbers(4, 40, 5)
    wanted = [play(model.stream(), x[i : i + 1]) for i in range(4)]
    actual = [None] * 4

    def run(i):
        actual[i] = play(model.stream(), x[i : i + 1])

    assert not in_threads(*(lambda i=i: run(i) for i in range(4)))
    for a, b in zip(actual, wanted, strict=True):
        assert_same_bits(a, b)


@pytest.mark.parametrize("activation", ["linear", "softmax"])
def test_one_stream_in_several_threads_is_an_error_and_no_crash(activation):
    stream = make_model(GRU(600, return_sequences=True), GRU(600), Dense(2, activation)).stream()
    x = random_numbers(1, 5)

    def run():
        for _ in range(200):
            stream.step(x)
            stream.reset()

    errors = in_threads(run, run, run)
    assert all(isinstance(e, RuntimeError) and "another thread" in str(e) for e in errors)
    stream.reset()
    stream.step(x)


def test_a_model_without_weights_is_refused():
    for model in (Sequential(), Sequential([GRU(3)])):
        with pytest.raises(ValueError, match="no weights yet, so a stream is not possible"):
            model.stream()


@pytest.mark.parametrize(("size", "kind"), [(0, ValueError), (-1, ValueError), (1.5, TypeError)])
def test_an_invalid_batch_size_is_refused(size, kind):
    with pytest.raises(kind, match="batch_size must be an integer of at least 1"):
        make_model(GRU(3)).stream(size)


def test_a_batch_too_large_for_memory():
    with pytest.raises(MemoryError):
        make_model(GRU(3)).stream(2**61)


def test_text_goes_step_by_step():
    words = np.random.default_rng(0).integers(0, 30, (3, 12))
    layers = [
        Embedding(30, 8),
        GRU(16, return_sequences=True, stateful=True),
        LayerNormalization(),
        GRU(9, return_sequences=True),
        Activation("relu"),
        Dense(30, activation="softmax"),
    ]
    model = Sequential(layers, seed=0)
    model.build((None, None))
    expected = model.predict(words, batch_size=3)
    stream = model.stream(batch_size=3)
    np.testing.assert_allclose(play(stream, words), expected, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="index 30 "):
        stream.step(np.array([1, 30, 2]))
