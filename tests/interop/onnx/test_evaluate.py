"""The evaluation of one node: its inputs by name, absent values, and its name in errors."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_tools import make_model  # noqa: E402

from gru_c.interop.onnx.evaluate import evaluate  # noqa: E402
from gru_c.interop.onnx.file import read  # noqa: E402
from gru_c.interop.onnx.operators import OPERATORS  # noqa: E402
from gru_c.interop.onnx.size_limit import ElementBudget  # noqa: E402

BUDGET = ElementBudget([])


class Step:
    """A stand-in for a node, which records the inputs that its operator is called with."""

    def __init__(self, operator, inputs, outputs):
        self.operator, self.inputs, self.outputs = operator, inputs, outputs
        self.taken = None

    def attempt(self, operator, budget, *inputs):
        assert budget is BUDGET
        self.taken = inputs
        return operator(*inputs)


def test_inputs_are_taken_by_name_and_none_where_they_are_left_out():
    node = Step("Add", ["a", "", "b"], ["y"])
    values = {"a": np.array([1.0]), "b": np.array([2.0])}
    results = evaluate((node, lambda a, left_out, b: [a - b]), values, BUDGET)
    assert node.taken == (values["a"], None, values["b"])
    assert [(name, array.tolist()) for name, array in results] == [("y", [-1.0])]


def test_outputs_without_a_name_are_dropped():
    node = Step("TopK", ["x"], ["", "places"])
    results = evaluate((node, lambda x: [x, 7]), {"x": np.array([3.0])}, BUDGET)
    ((name, array),) = results
    assert name == "places"
    assert isinstance(array, np.ndarray)
    assert array == 7


def test_an_absent_value_passes_through_operators_that_only_rearrange():
    node = Step("Squeeze", ["state"], ["squeezed"])
    assert evaluate((node, None), {"state": None}, BUDGET) == [("squeezed", None)]
    assert node.taken is None
    other = Step("Add", ["state"], ["sum"])
    evaluate((other, lambda x: [0.0]), {"state": None}, BUDGET)
    assert other.taken == (None,)


def test_an_error_names_the_node(tmp_path):
    node = onnx.helper.make_node("Add", ["x", "w"], ["y"], name="the sum")
    file = tmp_path / "model.onnx"
    weight = np.full((1, 1, 3), 2.0, np.float32)
    file.write_bytes(make_model([node], {"w": weight}).SerializeToString())
    (node,) = read(file).nodes
    step = node, OPERATORS["Add"]
    values = {"x": np.ones((2, 4, 3), np.float32), "w": weight}
    ((name, total),) = evaluate(step, values, BUDGET)
    assert name == "y"
    np.testing.assert_array_equal(total, np.full((2, 4, 3), 3.0))
    with pytest.raises(ValueError, match="the sum"):
        evaluate(step, {**values, "w": np.ones(5, np.float32)}, BUDGET)
