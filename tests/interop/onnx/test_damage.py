"""Damaged ONNX files, and feeds that do not fit, raise a clear exception."""

import random
from contextlib import suppress
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
