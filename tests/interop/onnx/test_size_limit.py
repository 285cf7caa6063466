"""Small files that ask for much memory are refused before it is allocated."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_tools import make_model  # noqa: E402

from gru_c.interop.onnx import load  # noqa: E402

node = onnx.helper.make_node


@pytest.fixture
def peak():
    """Return a function that returns the peak memory of Python and NumPy in this test, in bytes."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


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
