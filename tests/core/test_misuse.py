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
        tape = aligned_bytes(_core.tape_bytes(x, weights["recurrent_kernel"], Cell(), engine))
        state, output = np.zeros((shape[0], H), np.float32), np.zeros((*shape, H), np.float32)
        arrays = {"x": place(x), "output": place(output), "state": state, "tape": tape}
        forward.run(**arrays, initial_state=None, state_mask=None)
        backward = backward_entry(True, engine)
        d_x, d_state = place(np.zeros_like(x)), np.ones_like(state)
        d_output, weights_of = place(np.ones_like(output)), np.zeros_like
        gradients = {f"d_{name}": weights_of(a) for name, a in weights.items()}
        given = {"x": arrays["x"], "tape": tape, "d_output": d_output, "d_state": d_state}
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
        (stage(cell=3), AttributeError, "reset_after"),
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


class Shrinks:
    """A cell that shrinks an array of the call while the core asks it for its settings."""

    def __init__(self, array):
        self.array = array

    def __getattr__(self, name):
        self.array.resize((1,) * self.array.ndim, refcheck=False)
        return getattr(Cell(), name)


@pytest.mark.parametrize("key", ["forward", "forward training", "backward", "pack"])
def test_arrays_are_looked_at_after_all_that_may_change_them(key):
    entry = ENTRIES[key]
    for name, array in entry.arrays.items():
        if array is not None:
            copy = array.copy()
            with pytest.raises(ValueError, match="must"):
                entry.run(**{name: copy}, cell=Shrinks(copy))


def test_a_subclass_is_its_memory_whatever_it_says_of_itself():
    class Liar(np.ndarray):
        shape = (10**6,)
        strides = (8,)
        dtype = np.dtype(np.float64)

        def __array_function__(self, *_):
            raise AssertionError

    entry = forward_entry(True, PACKED)
    expected = entry.run() or entry.arrays["output"].copy()
    entry.run(**{name: a.view(Liar) for name, a in entry.arrays.items() if a is not None})
    assert_same_bits(entry.arrays["output"], expected)
