"""Strides, numbers and objects that a caller may pass to the core do not crash the process."""

import numpy as np
import pytest
from core_entries import (
    BLAS,
    ENTRIES,
    PACKED,
    B,
    H,
    I,
    aligned_bytes,
    backward_entry,
    dense_stage,
    forward_entry,
    gru_arrays,
    numbers,
    stack,
    stage,
)
from tools import assert_same_bits

from gru_c import _core
from gru_c.recurrence.cell import Cell

# ---- strides of sequences -----------------------------------------------------------------------


def laid_out(array, strides, room):
    """A copy of a sequence that has the strides in bytes; they may be negative."""
    memory = np.zeros(2 * room, np.uint8)
    there = np.ndarray(array.shape, array.dtype, memory, room, strides)
    there[...] = array
    return there


@pytest.mark.parametrize("shape", [(1, 3), (2, 1), (1, 1), (0, 3), (2, 0)], ids=str)
@pytest.mark.parametrize("engine", [PACKED, BLAS])
@pytest.mark.parametrize("stride", [7, -3, 2**40 + 1, 0])
def test_the_stride_of_an_axis_with_one_entry_does_not_matter(shape, engine, stride):
    x = numbers(*shape, I)
    weights = gru_arrays()
    strides = [stride if size < 2 else 400 if axis == 0 else 40 for axis, size in enumerate(shape)]

    def run(place):
        forward = forward_entry(True, engine, training=True)
        memory = aligned_bytes(_core.tape_bytes(x, weights["recurrent_kernel"], Cell(), engine))
        output = np.zeros((*shape, H), np.float32)
        arrays = {"x": place(x), "output": place(output), "memory": memory}
        state = forward.run(**arrays, state=None, state_mask=None)
        backward = backward_entry(True, engine)
        d_x, d_state = place(np.zeros_like(x)), np.ones_like(state)
        d_output, weights_of = place(np.ones_like(output)), np.zeros_like
        gradients = {f"d_{name}": weights_of(a) for name, a in weights.items()}
        given = {"x": arrays["x"], "memory": memory, "d_output": d_output, "d_state": d_state}
        left_out = dict.fromkeys(("state_mask", "d_hidden", "d_initial_state"))
        backward.run(**given, d_x=d_x, **gradients, **left_out)
        return [arrays["output"], state, d_x, *gradients.values()]

    placed = run(lambda a: laid_out(a, (*strides, 4), 1000))
    for result, expected in zip(placed, run(np.ascontiguousarray), strict=True):
        assert_same_bits(np.ascontiguousarray(result), expected)


@pytest.mark.parametrize("strides", [(98, 32), (96, 34), (96, 33)], ids=str)
@pytest.mark.parametrize("name", ["x", "output", "d_x", "d_output", "d_hidden"])
def test_a_sequence_has_strides_of_whole_elements(name, strides):
    entry = forward_entry(True, PACKED) if name in ("x", "output") else backward_entry(True, PACKED)
    shape, dtype = entry.arrays[name].shape, np.float32
    bad = np.ndarray(shape, dtype, np.zeros(1000, np.uint8), 0, (*strides, 4))
    with pytest.raises(ValueError, match=f"{name} must"):
        entry.run(**{name: bad})


# ---- other calls of a hostile caller ------------------------------------------------------------


@pytest.mark.parametrize("key", [key for key in ENTRIES if "threads" in ENTRIES[key].others])
@pytest.mark.parametrize("threads", [0, -1, -(2**31)])
def test_no_threads_are_refused(key, threads):
    with pytest.raises(ValueError, match="no threads"):
        ENTRIES[key].run(threads=threads)


@pytest.mark.parametrize("key", [key for key in ENTRIES if "threads" in ENTRIES[key].others])
def test_any_number_of_threads_is_taken(key):
    try:
        ENTRIES[key].run(threads=2**31 - 1)
    except MemoryError:
        assert "backward" in key  # each thread has its scratch


@pytest.mark.parametrize("key", [key for key in ENTRIES if "engine" in ENTRIES[key].others])
@pytest.mark.parametrize("engine", [-1, 3, 2**31 - 1])
def test_an_unknown_engine_is_refused(key, engine):
    if ENTRIES[key].declines:
        assert ENTRIES[key].run(engine=engine) is None
        return
    with pytest.raises(ValueError, match=f"engine must be a number of .*got {engine}"):
        ENTRIES[key].run(engine=engine)


@pytest.mark.parametrize("key", ["forward", "pack", "resolve_engine"])
@pytest.mark.parametrize("weights_format", [-1, 3, 2**31 - 1])
def test_an_unknown_format_is_refused(key, weights_format):
    with pytest.raises(ValueError, match=f"weights_format must be .*got {weights_format}"):
        ENTRIES[key].run(weights_format=weights_format)


@pytest.mark.parametrize("number", [-1, 12, 2**31 - 1])
def test_an_unknown_activation_is_refused(number):
    cell = Cell(activation=(number, 0.0, 0.0))
    for key in ("forward", "pack", "tape_bytes", "backward"):
        with pytest.raises(ValueError, match="argument"):
            ENTRIES[key].run(cell=cell)
    for bad in (stage(cell=cell), dense_stage()._replace(cell=number)):
        with pytest.raises(ValueError, match="argument"):
            ENTRIES["layer_pack dense" if bad.dense else "layer_pack"].run(stage=bad)


@pytest.mark.parametrize(
    ("bad", "error", "match"),
    [
        (None, TypeError, "a stage of a stream must be a CoreStage, got None"),
        ((False, I, H), TypeError, "must be a CoreStage"),
        ((*stage(), None), TypeError, "must be a CoreStage"),
        (stage(typenum=np.dtype(np.int32).num), TypeError, "typenum must be"),
        (stage(typenum="f"), TypeError, "typenum must be"),
        (stage(units=-1), OverflowError, "negative"),
        (stage(features=-1), OverflowError, "negative"),
        (stage(weights_format=9), ValueError, "argument"),
        (stage(cell=3), AttributeError, "number"),
        (dense_stage(weights_format=-1), ValueError, "argument"),
        (dense_stage()._replace(cell=Cell()), TypeError, "int"),
    ],
    ids=range(11),
)
def test_a_stage_that_is_none_is_refused(bad, error, match):
    key = "layer_pack dense" if bad and bad[0] else "layer_pack"
    with pytest.raises(error, match=match):
        ENTRIES[key].run(stage=bad)
    if not isinstance(bad, tuple) or len(bad) == 7:
        packed = {} if bad is None else {"packed": ENTRIES["Stack"].arrays["stages"]}
        with pytest.raises(error, match=match):
            _core.Stack([bad and bad._replace(**packed)], B)


def test_the_arrays_of_a_stack_are_as_many_as_its_layers_with_a_state():
    it = stack()
    for states in ([], [numbers(B, H)] * 2):
        for method in (it.get_states, it.set_states):
            with pytest.raises(ValueError, match=f"states must hold 1 arrays, got {len(states)}"):
                method(states)
    with pytest.raises(ValueError, match="at least one stage, got none"):
        _core.Stack([], B)
    assert it.step(numbers(B, I)) is not None  # it works on


def test_the_weights_of_a_stack_cannot_be_taken_away():
    it = stack()
    assert isinstance(it.packed, tuple)
    with pytest.raises(AttributeError):
        it.packed = ()


def test_weights_packed_in_another_format_are_refused():
    entry = forward_entry(True, PACKED)
    with pytest.raises(ValueError, match=r"packed must have \d+ bytes, got \d+"):
        entry.run(weights_format=_core.WEIGHT_FORMATS["int8"])


# ---- records ------------------------------------------------------------------------------------

# The records of each call; the settings of a cell are a record within them.
OF_RECORDS = {
    "forward": ("Weights", "PassOptions", "Cell"),
    "forward training": ("Weights", "PassOptions", "Cell"),
    "backward": ("Weights", "PassOptions", "Cell", "GRUTape", "Gradients"),
    "backward reset before, blas": ("Weights", "PassOptions", "Cell", "GRUTape", "Gradients"),
    "pack": ("Weights", "Cell"),
    "adam": ("SimpleNamespace", "StepSettings"),
    "sgd": ("SimpleNamespace", "StepSettings"),
    "rmsprop": ("SimpleNamespace", "StepSettings"),
}
each_record = pytest.mark.parametrize(
    ("key", "kind"), [(key, kind) for key, kinds in OF_RECORDS.items() for kind in kinds]
)


def run_with(entry, kind, change, **arrays):
    """Call an entry point with each record of a kind changed."""

    def wrap(record):
        return change(record) if type(record).__name__ == kind else record

    cell = {"cell": wrap(entry.others["cell"])} if "cell" in entry.others else {}
    return entry.run(wrap=wrap, **cell, **arrays)


class Replaced:
    """A record, but for one attribute."""

    def __init__(self, record, name, value):
        self.record, self.name, self.value = record, name, value

    def __getattr__(self, name):
        return self.value if name == self.name else getattr(self.record, name)


class Recorder:
    """A record that knows which of its attributes have been asked for."""

    def __init__(self, record, seen):
        self.record, self.seen = record, seen

    def __getattr__(self, name):
        self.seen.add(name)
        return getattr(self.record, name)


def attributes_read(entry, kind):
    """Return the attributes that the core reads of a record."""
    seen = set()
    run_with(entry, kind, lambda record: Recorder(record, seen))
    return sorted(seen)


@each_record
@pytest.mark.parametrize(
    "bad", [None, 7, "record", [], (), {}, Cell, object()], ids=lambda bad: type(bad).__name__
)
def test_a_record_that_is_none_is_refused(key, kind, bad):
    with pytest.raises((AttributeError, TypeError)):
        run_with(ENTRIES[key], kind, lambda _: bad)


@each_record
def test_a_record_with_another_object_for_a_number_or_an_array_is_refused(key, kind):
    entry = ENTRIES[key]
    names = attributes_read(entry, kind)
    assert names
    before = {name: a.copy() for name, a in entry.arrays.items() if a is not None}
    for name in names:
        for bad in ("text", object(), [[1.0]], {"a": 1}, Cell, lambda: None):
            if name in ("accumulate", "nesterov", "reset_after"):  # anything is true or false
                continue
            with pytest.raises((TypeError, ValueError, AttributeError)):
                run_with(entry, kind, lambda record, n=name, b=bad: Replaced(record, n, b))
    for name, array in before.items():
        assert_same_bits(entry.arrays[name], array)


@each_record
def test_a_record_without_an_attribute_is_refused(key, kind):
    class Without(Replaced):
        def __getattr__(self, name):
            if name == self.name:
                raise AttributeError(f"{name} is missing")
            return getattr(self.record, name)

    for name in attributes_read(ENTRIES[key], kind):
        with pytest.raises(AttributeError, match=f"{name} is missing"):
            run_with(ENTRIES[key], kind, lambda record, n=name: Without(record, n, None))


class Shrinks(Recorder):
    """A record that shrinks an array of the call whenever it is asked for an attribute."""

    def __getattr__(self, name):
        self.seen.resize((1,) * self.seen.ndim, refcheck=False)
        return getattr(self.record, name)


@each_record
def test_arrays_are_looked_at_after_all_that_may_change_them(key, kind):
    entry = ENTRIES[key]
    for name, array in entry.arrays.items():
        if array is not None:
            copy = array.copy()
            with pytest.raises(ValueError, match="must"):
                run_with(entry, kind, lambda record, c=copy: Shrinks(record, c), **{name: copy})


@pytest.mark.parametrize("draws", [(1,), (1, 2, 3), ("a", 0), (-1, 0), (0, 2**64), 5, "ab"])
def test_draws_are_a_seed_and_a_time_step(draws):
    with pytest.raises((TypeError, ValueError, OverflowError)):
        ENTRIES["forward training"].run(draws=draws, cell=Cell(zoneout=0.5))


def test_an_array_that_its_record_lets_go_is_held_until_the_core_is_done():
    """Each array is taken once, so that a record may return a new one whenever it is asked."""

    class Fresh(Replaced):
        def __getattr__(self, name):
            value = getattr(self.record, name)
            return value.copy() if isinstance(value, np.ndarray) else value

    entry = forward_entry(True, PACKED)
    expected = entry.run()
    for kind in ("Weights", "PassOptions"):
        arrays = {"packed": None} if kind == "PassOptions" else {}  # must lie on a cache line
        state = run_with(entry, kind, lambda record: Fresh(record, "", None), **arrays)
        assert_same_bits(state, expected)


def test_a_subclass_is_its_memory_whatever_it_says_of_itself():
    class Liar(np.ndarray):
        shape = (10**6,)
        strides = (8,)
        dtype = np.dtype(np.float64)

        def __array_function__(self, *_):
            raise AssertionError

    entry = forward_entry(True, PACKED)
    state, expected = entry.run(), entry.arrays["output"].copy()
    views = {name: a.view(Liar) for name, a in entry.arrays.items() if a is not None}
    assert_same_bits(entry.run(**views), state)
    assert_same_bits(entry.arrays["output"], expected)
