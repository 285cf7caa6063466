"""Damaged and malicious ONNX files, and other files: refused before memory is allocated."""

import os
import random
import tracemalloc
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_tools import make_model  # noqa: E402

from gru_c.interop.onnx import load  # noqa: E402
from gru_c.interop.onnx.operators import OPERATORS  # noqa: E402

DATA = Path(__file__).parents[3] / "tests" / "support" / "data" / "onnx"
node = onnx.helper.make_node
W = {"W": np.zeros((1, 6, 3), np.float32), "R": np.zeros((1, 6, 2), np.float32)}


@pytest.fixture
def stored(tmp_path):
    """Return a function that writes a model, or bytes, and returns the path."""

    def write(model):
        path = tmp_path / "model.onnx"
        path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
        return path

    return write


@pytest.fixture
def peak():
    """Return a function that returns the peak memory of Python and NumPy in this test, in bytes."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


# ---- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [b"", b"a text, and no model\n" * 9, b"PK\x03\x04" + bytes(100), b"\xff" * 1000],
    ids=["empty", "text", "zip", "noise"],
)
def test_no_onnx_file(content, stored):
    with pytest.raises(ValueError, match=r"model\.onnx: it is not an ONNX file"):
        load(stored(content))


def test_paths(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        load(tmp_path / "no.onnx")
    with pytest.raises(ValueError, match="it is not a file but a folder or a device"):
        load(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ValueError, match="it is not a file but a folder or a device"):
            load(tmp_path / "pipe")
    large = tmp_path / "large.onnx"
    with large.open("wb") as file:
        file.truncate(2**31)
    with pytest.raises(ValueError, match="it is larger than 2 GB"):
        load(large)


def test_every_truncation_is_refused_or_is_a_model(stored):
    whole = (DATA / "last_step.onnx").read_bytes()
    for length in range(0, len(whole), 13):
        with pytest.raises(ValueError, match=r"model\.onnx: "):
            load(stored(whole[:length]))


# ---- models -------------------------------------------------------------------------------------


def changed(change, *nodes, constants=None, **options):
    model = make_model(nodes or [node("Relu", ["x"], ["y"], name="r")], constants, **options)
    change(model)
    return model


def tensor(**fields):
    """Return a model with a constant `w` of these fields."""

    def change(model):
        added = model.graph.initializer.add(name="w", data_type=1)
        for name, value in fields.items():
            if name == "external":
                added.data_location = 1
                added.external_data.add(key="location", value=value)
            elif name == "dims":
                added.dims.extend(value)
            else:
                setattr(added, name, value)

    return changed(change, node("Add", ["x", "w"], ["y"]))


def with_function(model):
    model.functions.add(name="f", domain="d")


def with_training(model):
    model.training_info.add()


def sparse(model):
    model.graph.sparse_initializer.add()


def twice(model):
    model.graph.initializer.extend([onnx.numpy_helper.from_array(np.ones(1), "w")] * 2)


def sequence(model):
    model.graph.input[0].type.sequence_type.elem_type.tensor_type.elem_type = 1


def of_version(ir=8, opset=17):
    def change(model):
        model.ir_version, model.opset_import[0].version = ir, opset

    return changed(change)


def branch():
    graph = onnx.helper.make_graph([], "g", [], [])
    return node("If", ["x"], ["y"], then_branch=graph, else_branch=graph, name="choice")


def nothing(model):
    pass


MODELS = [
    (of_version(ir=99), "its format has the version 99"),
    (of_version(opset=99), "its operators are those of version 99"),
    (of_version(opset=6), "its operators are those of version 6"),
    (changed(lambda m: m.ClearField("opset_import")), "which version of ONNX's operators"),
    (changed(lambda m: m.graph.ClearField("output")), "the graph has no output"),
    (changed(with_function), "it has functions of its own"),
    (changed(with_training), "it has training information"),
    (changed(sparse), "it has sparse initializers"),
    (changed(twice), "two of its initializers have the same name"),
    (changed(sequence), "the input 'x' is not a tensor"),
    (changed(nothing, node("Evil", ["x"], ["y"], domain="com.evil")), r"\(Evil\) .*'com\.evil'"),
    (changed(nothing, node("Conv", ["x", "x"], ["y"], name="c")), r"node 'c' \(Conv\): gru_c does"),
    (changed(nothing, branch()), r"node 'choice' \(If\): gru_c does not have"),
    (changed(nothing, node("Relu", ["z"], ["y"])), "wants the value 'z', which nothing before it"),
    (changed(nothing, *[node("Relu", ["x"], ["y"])] * 2), "gives the value 'y', which exists"),
    (changed(nothing, node("Relu", ["x"], ["z"])), "an output wants the value 'y'"),
    (changed(nothing, node("Relu", ["x"], ["y"], a=1)), "Unrecognized attribute: a"),
    (changed(nothing, node("Transpose", ["x"], ["y"], perm=1)), r"\(Transpose\) is not valid"),
    (changed(nothing, node("Relu", [], ["y"])), r"\(Relu\) is not valid"),
    (tensor(dims=[2**40, 2**20], raw_data=b"1234"), "initializer 'w' has the shape .* but 4 bytes"),
    (tensor(dims=[3]), "of 3 float32 values, but 0 values"),
    (tensor(dims=[-1]), "has a shape that no array can have"),
    (tensor(dims=[1] * 99), "has a shape that no array can have"),
    (tensor(dims=[2**62, 0, 2**62]), "initializer 'w' is damaged"),
    (tensor(dims=[1], data_type=8), "initializer 'w' holds STRING"),
    (tensor(dims=[1], data_type=99), "initializer 'w' holds 99"),
    (
        tensor(dims=[1], external="/etc/hostname"),
        "its values in another file, which gru_c does not",
    ),
]


@pytest.mark.parametrize(("model", "message"), MODELS, ids=range(len(MODELS)))
def test_what_cannot_be_read_is_named(model, message, stored):
    with pytest.raises(ValueError, match=message) as caught:
        load(stored(model))
    assert str(caught.value).startswith(f"{stored(model)}: ")


def test_names_in_messages_are_short_and_plain(stored):
    model = changed(nothing, node("Evil", ["x"], ["y"], name="\x1b[31m" + "n" * 10**5))
    with pytest.raises(ValueError, match=r"node '\\x1b\[31mnnn.*\.\.\.' \(Evil\)") as caught:
        load(stored(model))
    assert len(str(caught.value)) < 500
    bytes_in_a_name = changed(nothing).SerializeToString().replace(b"\x01r", b"\x01\xff")
    with pytest.raises(ValueError, match="a name in it is not text"):
        load(stored(bytes_in_a_name))


# ---- sizes --------------------------------------------------------------------------------------


def bomb(shape):
    """Return a model with a huge constant, described by a few bytes."""
    nodes = [node("ConstantOfShape", ["s"], ["c"], name="bomb"), node("Add", ["x", "c"], ["y"])]
    return make_model(nodes, {"s": np.array(shape)})


@pytest.mark.parametrize("shape", [[10**6, 10**6], [10**9, 0, 3], [2**62, 2**62], [10**8]])
def test_a_huge_constant_is_refused_as_it_is_read(shape, stored, peak):
    with pytest.raises(ValueError, match=r"node 'bomb' .*far larger than inputs and weights"):
        load(stored(bomb(shape)))
    assert peak() < 2**23


def doubled(operator, **attributes):
    """Return a model that repeatedly joins x with itself."""
    names = ["x", *(f"v{k}" for k in range(59)), "y"]
    return [node(operator, [a, a], [b], name=b, **attributes) for a, b in pairwise(names)]


GROWING = {
    "Concat": (doubled("Concat", axis=0), {}),
    "MatMul": (
        [
            node("Transpose", ["x"], ["t"], perm=[2, 1, 0]),
            node("Reshape", ["x", "column"], ["a"]),
            node("Reshape", ["x", "row"], ["b"]),
            node("MatMul", ["a", "b"], ["c"]),
            node("Reshape", ["c", "column"], ["d"]),
            node("Reshape", ["c", "row"], ["e"]),
            node("Add", ["d", "e"], ["y"]),
        ],
        {"column": np.array([-1, 1]), "row": np.array([1, -1])},
    ),
    "Tile": ([node("Tile", ["x", "n"], ["y"])], {"n": np.array([10**4, 10**4, 10**4])}),
    "Expand": ([node("Expand", ["x", "n"], ["y"])], {"n": np.array([10**9, 1, 1, 1])}),
}


@pytest.mark.parametrize("name", GROWING)
def test_results_that_outgrow_the_input_are_refused(name, stored, peak):
    nodes, constants = GROWING[name]
    model = load(stored(make_model(nodes, constants)))
    with pytest.raises(ValueError, match="far larger than inputs and weights account for"):
        model.run(None, {"x": np.ones((20, 20, 3))})
    assert peak() < 2**28


@pytest.mark.parametrize(
    ("limits", "message"),
    [((0, 1e12, 1), "far larger"), ((0, np.nan, 1), "NaN"), ((0, 1, 0), "division by zero")],
)
def test_ranges(limits, message, stored):
    inputs = dict.fromkeys("abc", ("float32", ()))
    model = load(stored(make_model([node("Range", list("abc"), ["y"])], inputs=inputs)))
    with pytest.raises(ValueError, match=rf"node 'y' \(Range\): .*{message}"):
        model.run(None, dict(zip("abc", limits, strict=True)))


# ---- feeds --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outputs", "feeds", "error", "message"),
    [
        (None, {}, ValueError, "the input 'x' is missing"),
        (["q"], {"x": np.ones((1, 2, 3))}, ValueError, "there is no output 'q': y"),
        (None, {"z": 1, "x": np.ones((1, 2, 3))}, ValueError, "there is no input 'z': 'x'"),
        (
            None,
            {"x": np.ones((1, 2, 4))},
            ValueError,
            r"wants shape \(any, any, 3\), got \(1, 2, 4\)",
        ),
        (None, {"x": np.ones((1, 2))}, ValueError, r"wants shape \(any, any, 3\), got \(1, 2\)"),
        (None, {"x": np.ones((1, 2, 3), complex)}, TypeError, "must hold real numbers"),
        (None, {"x": "a"}, TypeError, "must hold real numbers"),
    ],
)
def test_feeds_that_do_not_fit(outputs, feeds, error, message, stored):
    model = load(stored(make_model([node("GRU", ["x", "W", "R"], ["y"], hidden_size=2)], W)))
    with pytest.raises(error, match=message):
        model.run(outputs, feeds)


def test_indices_are_whole_numbers(stored):
    table = {"table": np.arange(8, dtype=np.float32).reshape(4, 2)}
    nodes = [node("Gather", ["table", "x"], ["y"], name="words")]
    model = load(stored(make_model(nodes, table, {"x": ("int32", ("batch",))})))
    assert model.run(None, {"x": [3]})[0].tolist() == [[6, 7]]
    with pytest.raises(TypeError, match="the input 'x' wants int32, got float64"):
        model.run(None, {"x": [0.5]})
    with pytest.raises(ValueError, match="numbers that are none of int32"):
        model.run(None, {"x": [2**40]})
    with pytest.raises(ValueError, match=r"node 'words' \(Gather\): index 4 is out of bounds"):
        model.run(None, {"x": [4]})


# ---- chance -------------------------------------------------------------------------------------

SOURCES = ["last_step", "both_ways", "packed", "text", "with_state", "keras_torch"]
NUMBERS = [0, 1, -1, 3, 7, 10**6, 2**31, 2**63 - 1, -(2**63)]


def use(path):
    """Load a file, run the model, convert it: only these exceptions may be raised."""
    try:
        model = load(path)
    except ValueError:
        return False
    for attempt in (
        model.to_sequential,
        lambda: model.run(None, {name: np.ones((2, 6, 4)) for name in model.input_names}),
        lambda: model.predict(np.ones((2, 6), int)),
    ):
        with suppress(ValueError, TypeError):  # TypeError: floats for indices
            attempt()
    return True


@pytest.mark.parametrize("name", SOURCES)
def test_damaged_bytes(name, stored):
    rng = random.Random(name)
    whole = (DATA / f"{name}.onnx").read_bytes()
    for _ in range(70):
        content = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        use(stored(bytes(content)))


@pytest.mark.parametrize("name", SOURCES)
def test_damaged_graphs(name, stored):
    rng = random.Random(name)
    whole, loaded = onnx.load(DATA / f"{name}.onnx"), 0
    for _ in range(70):
        model = onnx.ModelProto()
        model.CopyFrom(whole)
        for _ in range(rng.randint(1, 3)):
            damage(model.graph, rng)
        loaded += use(stored(model))
    assert loaded > 10


def damage(graph, rng):
    """Change an operator, an input or a number."""
    chosen = rng.choice(graph.node)
    values = [*(i.name for i in graph.input), *(o for n in graph.node for o in n.output)]
    kind = rng.randrange(4)
    if kind == 0:
        chosen.op_type = rng.choice([*OPERATORS, "GRU"])
        if rng.random() < 0.7:
            del chosen.attribute[:]
    elif kind == 1 and chosen.input:
        chosen.input[rng.randrange(len(chosen.input))] = rng.choice(values)
    elif kind == 2:
        for attribute in chosen.attribute:
            if attribute.type == onnx.AttributeProto.INT:
                attribute.i = rng.choice(NUMBERS)
            elif attribute.type == onnx.AttributeProto.TENSOR:
                renumber(attribute.t, rng)
    else:
        tensors = [item for item in graph.initializer if item.data_type == 7]
        if tensors:
            renumber(rng.choice(tensors), rng)


def renumber(item, rng):
    array = np.array(onnx.numpy_helper.to_array(item))
    if array.dtype == np.int64 and array.size:
        array.flat[rng.randrange(array.size)] = rng.choice(NUMBERS)
        item.CopyFrom(onnx.numpy_helper.from_array(array, item.name))
