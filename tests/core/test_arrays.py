"""Arrays that the core cannot take: each entry point refuses each of them, by name.

The tests spoil one array after the other of the calls in `core_entries.ENTRIES`. The stub
`_core.pyi` says which arguments are arrays, so that an entry point or an argument that is missing
in the table fails the first test. Of a record, each field is an argument by itself there.
"""

import ast
import re
from dataclasses import fields
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from core_entries import (
    EACH,
    ENTRIES,
    PACKED,
    B,
    H,
    I,
    T,
    aligned_bytes,
    arrays_of,
    backward_entry,
    forward_entry,
    numbers,
)
from tools import assert_same_bits

from gru_c import _core
from gru_c.recurrence.options import PassOptions
from gru_c.recurrence.plain import GRUTape
from gru_c.recurrence.weights import Gradients, Weights

STUB = Path(_core.__file__).with_name("_core.pyi")
RECORDS = {record.__name__: record for record in (Weights, PassOptions, GRUTape, Gradients)}
NOT_READ = {("backward", "bias"), ("backward", "packed")}

# ---- the table is complete ----------------------------------------------------------------------


def with_fields(name, annotation):
    """Yield an argument and its annotation, or those of a record's arrays, by name in messages."""
    if annotation not in RECORDS:
        yield name, annotation
        return
    for field in fields(RECORDS[annotation]):
        within = f"d_{field.name}" if annotation == "Gradients" else field.name
        if field.type in RECORDS or takes_arrays(field.type):
            yield from with_fields(within, field.type)


def arguments_of_stub():
    """Return every function of the stub, with the annotations of its arguments."""
    functions = {}
    for node in ast.parse(STUB.read_text()).body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        for it in members:
            if isinstance(it, ast.FunctionDef):
                key = it.name if node is it else f"{node.name}.{it.name}"
                functions[key.removesuffix(".__init__")] = {
                    name: annotation
                    for a in it.args.args
                    if a.arg != "self"
                    for name, annotation in with_fields(a.arg, ast.unparse(a.annotation))
                }
    return functions


def takes_arrays(annotation):
    return re.search(r"\b_?Array\b", annotation) or annotation in ("object", "list[Any]")


def test_every_array_of_every_entry_point_is_in_the_table():
    functions = arguments_of_stub()
    del functions["set_blas"]  # its argument is a capsule
    public = {name for name in vars(_core) if callable(getattr(_core, name)) and name[0] != "_"}
    public -= {"shares_memory", "main_thread", "get_ident", "itemgetter", "attrgetter"}  # imported
    methods = {
        f"{cls.__name__}.{name}"
        for cls in (_core.Stack, _core.Predictor, _core.TrainingLayers)
        for name in vars(cls)
        if callable(getattr(cls, name)) and "__" not in name
    }
    assert set(functions) == public - {"set_blas"} | methods
    wanted = {
        (key, name)
        for key, arguments in functions.items()
        for name, annotation in arguments.items()
        if takes_arrays(annotation)
    }
    there = {(key.split()[0], name) for key in ENTRIES for name in arrays_of(key)[1]}
    assert there == wanted - NOT_READ - {("layer_pack", "stage")}


@EACH
def test_what_the_table_gives_is_taken(key):
    entry = ENTRIES[key]
    answers = entry.declines or entry.returns
    writes = (entry.written and not answers) or key == "Stack.set_states"
    assert (entry.run() is None) == bool(writes)


def test_no_entry_point_has_more_than_eight_arguments():
    nodes = ast.walk(ast.parse(STUB.read_text()))
    functions = [it for it in nodes if isinstance(it, ast.FunctionDef)]
    assert {"forward", "backward", "adam"} < {it.name for it in functions}
    many = [it.name for it in functions if len(it.args.args + it.args.kwonlyargs) > 8]
    assert not many, "let a record of recurrence or of the optimizers hold some of the arguments"


# ---- arrays that do not fit ---------------------------------------------------------------------


def with_gaps(array):
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def at_odd_address(array):
    memory = np.zeros(array.nbytes + 65, np.uint8)
    begin = -memory.ctypes.data % 64 + 1
    there = memory[begin : begin + array.nbytes].view(array.dtype).reshape(array.shape)
    there[...] = array
    return there


def read_only(array):
    copy = aligned_bytes(array.nbytes).view(array.dtype).reshape(array.shape)
    copy[...] = array
    copy.flags.writeable = False
    return copy


def shorter(array, axis):
    return np.ascontiguousarray(np.take(array, range(array.shape[axis] - 1), axis))


# The change of an array, and the exception; `LAYOUT` matters only where pointers are taken.
LAYOUT = {
    "gaps": (with_gaps, ValueError),
    "odd address": (at_odd_address, ValueError),
}
KINDS = {
    "other byte order": (lambda a: a.astype(a.dtype.newbyteorder()), TypeError),
    "integers": (lambda a: a.view(np.dtype(f"i{a.itemsize}")), TypeError),
    "half": (lambda a: a.astype(np.float16), TypeError),
    "double": (lambda a: a.astype(np.float64), TypeError),
    "complex": (lambda a: a.astype(np.complex64), TypeError),
    "objects": (lambda a: a.astype(object), TypeError),
    "list": (lambda a: a.tolist(), TypeError),
    "string": (lambda a: "array", TypeError),
}
SIZES = {
    "shorter": (lambda a: shorter(a, 0), ValueError),
    "narrower": (lambda a: shorter(a, a.ndim - 1), ValueError),
    "empty": (lambda a: a[:0], ValueError),
}
SHAPES = SIZES | {
    "one more axis": (lambda a: a[None], ValueError),
    "scalar": (lambda a: np.zeros((), a.dtype), ValueError),
    "flat": (lambda a: a.reshape(-1) if a.ndim > 1 else a[:, None], ValueError),
}


def assert_refused(entry, name, bad, error, match):
    """The entry point raises for an array, or declines it, and writes nothing."""
    before = {key: a.copy() for key, a in entry.arrays.items() if a is not None}
    bytes_before = bad.tobytes() if isinstance(bad, np.ndarray) else None
    if entry.declines:
        assert entry.run(**{name: bad}) is None
    else:
        with pytest.raises(error, match=match):
            entry.run(**{name: bad})
    for key, array in before.items():
        assert_same_bits(entry.arrays[key], array)
    assert bytes_before is None or bad.tobytes() == bytes_before


@EACH
@pytest.mark.parametrize("kind", LAYOUT)
def test_an_array_that_lies_otherwise_is_refused(key, kind):
    entry, names = arrays_of(key)
    spoil, error = LAYOUT[kind]
    for name in [] if entry.shapes_only else names:
        if kind == "odd address" and entry.arrays[name].itemsize == 1 and key == "order_steps":
            continue  # bytes may have any address
        match = f"{entry.names.get(name, name)} must"
        assert_refused(entry, name, spoil(entry.arrays[name]), error, match)


@EACH
@pytest.mark.parametrize("kind", KINDS)
def test_an_array_of_another_type_is_refused(key, kind):
    entry, names = arrays_of(key)
    spoil, error = KINDS[kind]
    for name in names:
        array = entry.arrays[name]
        bad = spoil(array)
        no_order = isinstance(bad, np.ndarray) and bad.dtype == array.dtype  # of bytes
        if no_order or (kind == "double" and key == "sum_squares"):
            continue
        # In "double", the others may be those that differ from this one.
        which = "" if kind == "double" else entry.names.get(name, name)
        assert_refused(entry, name, bad, error, f"{which}.* (must|has incorrect type)")


# Where another shape is right, too: another number of rows, steps or features.
ALSO_RIGHT = {
    *(
        (key, "x", kind)
        for key in ("resolve_engine", "tape_bytes", "chunk_steps")
        for kind in SIZES
    ),
    *(
        (key, "kernel", kind)
        for key in ("pack", "pack reset before")
        for kind in ("shorter", "empty")
    ),
    *(("column_sums", "a", kind) for kind in ("shorter", "empty")),
    *(("sum_squares", "x", kind) for kind in SHAPES),
    ("ctc", "targets", "narrower"),  # fewer labels at most
    ("forward_plain", "x", "flat"),  # a step
    *(("TrainingLayers.forward", "x", kind) for kind in ("shorter", "empty")),  # another batch
}


@EACH
@pytest.mark.parametrize("kind", SHAPES)
def test_an_array_of_another_shape_is_refused(key, kind):
    entry, names = arrays_of(key)
    spoil, error = SHAPES[kind]
    for name in names:
        if (key, name, kind) not in ALSO_RIGHT:
            assert_refused(entry, name, spoil(entry.arrays[name]), error, "must")


@EACH
def test_what_is_written_must_be_writeable_and_nothing_else(key):
    entry, names = arrays_of(key)
    for name in names:
        array = read_only(entry.arrays[name])
        if name in entry.written:
            match = f"{entry.names.get(name, name)} is written: .* writeable"
            assert_refused(entry, name, array, ValueError, match)
        else:
            entry.run(**{name: array})


# Arrays for which the stub does not say so, because the arguments may be of any type.
MAY_BE_NONE = [
    ("forward_plain", "bias"),
    ("forward_plain", "state"),
    ("Stack.step", "out"),
    ("Predictor.run", "out"),
]


@EACH
def test_none_stands_for_arrays_that_may_be_left_out_alone(key):
    entry, names = arrays_of(key)
    annotations = arguments_of_stub()[key.split()[0]]
    for name in names:
        optional = annotations[name].endswith("None") or (key, name) in MAY_BE_NONE
        if optional and (key, name) != ("layer_pack", "recurrent_kernel"):
            entry.run(**{name: None})
        else:
            assert_refused(entry, name, None, TypeError, "None")


# ---- shared memory ------------------------------------------------------------------------------

WRITING = [key for key in ENTRIES if ENTRIES[key].written and not ENTRIES[key].declines]


@pytest.mark.parametrize("key", WRITING)
def test_an_array_that_is_written_shares_no_memory_with_another(key):
    entry, names = arrays_of(key)
    for name, other in permutations(names, 2):
        if name not in entry.written:
            continue
        a, b = entry.arrays[name], entry.arrays[other]
        memory = aligned_bytes(a.nbytes + b.nbytes + 8)
        # Packed weights and tapes begin on a cache line, others may lie eight bytes further on.
        bad = memory[8 * (a.dtype != np.uint8) :][: a.nbytes].view(a.dtype).reshape(a.shape)
        shared = memory[: b.nbytes].view(b.dtype).reshape(b.shape)
        shared[...] = b
        before = memory.copy()
        with pytest.raises(
            ValueError,
            match=rf"{name}\b.* {other}\b.*must not share memory|"
            rf"{other}\b.* {name}\b.*must not share memory",
        ):
            entry.run(**{name: bad, other: shared})
        assert_same_bits(memory, before)


@pytest.mark.parametrize("kernel", [_core.sigmoid, _core.tanh])
def test_activations_may_be_written_over_their_input(kernel):
    x = numbers(2, 3)
    expected = np.empty_like(x)
    kernel(x, expected)
    kernel(x, x)
    assert_same_bits(x, expected)


def test_arrays_side_by_side_in_one_stretch_of_memory_share_none():
    """The input and the output of a pass do this, and the outputs of two directions."""
    entry = forward_entry(True, PACKED)
    memory = numbers(B, T, I + 2 * H)
    memory[..., :I] = entry.arrays["x"]
    entry.run()
    entry.run(x=memory[..., :I], output=memory[..., I : I + H])
    assert_same_bits(memory[..., I : I + H].copy(), entry.arrays["output"])


@pytest.mark.parametrize("name", ["output", "d_x", "d_hidden"])
@pytest.mark.parametrize("strides", [(0, 20), (60, 0), (60, 16), (20, 20)], ids=str)
def test_a_sequence_that_is_written_has_a_place_for_each_element(name, strides):
    entry = forward_entry(True, PACKED) if name == "output" else backward_entry(True, PACKED)
    shape = entry.arrays[name].shape
    strides = (*(stride * shape[-1] // 5 // 4 * 4 for stride in strides), 4)
    memory = numbers(200)
    bad = np.lib.stride_tricks.as_strided(memory, shape, strides)
    with pytest.raises(ValueError, match=f"{name} is written: its elements must have places"):
        entry.run(**{name: bad})
    assert_same_bits(memory, numbers(200))
