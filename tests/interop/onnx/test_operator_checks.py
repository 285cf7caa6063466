"""Nodes that this package could not compute are refused when they are read."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_nodes import definitions, op  # noqa: E402
from onnx_tools import make_model, read_model  # noqa: E402

from gru_c.interop.onnx.node_checker import NEWEST  # noqa: E402
from gru_c.interop.onnx.operator_checks import ATTRIBUTES  # noqa: E402

from_array, node = onnx.numpy_helper.from_array, onnx.helper.make_node
F, I64 = "float32", "int64"


def test_every_attribute_and_output_of_onnx_is_known():
    outputs = {"TopK": 2, "Dropout": 2, "GRU": 2, "LayerNormalization": 3}
    for schema in definitions():
        if schema.since_version <= NEWEST:
            known = {*ATTRIBUTES.get(schema.name, ()), "sparse_value"}
            assert set(schema.attributes) <= known, schema
            assert schema.max_output <= outputs.get(schema.name, 1), schema


IN_TRAINING = [
    node("Constant", [], ["t"], value=from_array(np.array(True))),
    node("Dropout", ["x", "", "t"], ["y"]),
]
HALF = from_array(np.array([0.5, 0.5], np.float32))


def ints(*numbers, dtype=np.int64):
    return {"c": np.array(numbers, dtype)}


def cuts(*numbers):
    return {name: np.array([number]) for name, number in zip("abcd", numbers, strict=False)}


def weights(I, H, count=1):
    shapes = {"W": (count, 3 * H, I), "R": (count, 3 * H, H)}
    return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


X = (F, ("batch", 3, 4))
REFUSED = [
    # types
    (op("Cast", X, to=16), "its output 'y' holds BFLOAT16"),
    (op("Cast", X, to=8), "its output 'y' holds STRING"),
    (op("Cast", X, to=99), "does not specify a valid type"),
    (op("Add", X, (I64, (3, 4))), "B has inconsistent type tensor"),
    (op("Add", ("bool", (3,)), ("bool", (3,))), "unsupported type: tensor"),
    (op("Softmax", (I64, (3,))), "unsupported type: tensor"),
    (op("Relu", (I64, (3,)), opset=13), "unsupported type: tensor"),
    (op("Pow", X, (I64, ()), opset=7), "unsupported type: tensor"),
    (op("MatMul", ("int8", (2, 2)), ("int8", (2, 2))), "unsupported type: tensor"),
    (op("Range", (F, ()), (I64, ()), (F, ())), "limit has inconsistent type"),
    (op("Where", (F, ()), X, X), "unsupported type: tensor"),
    (
        op("Gemm", (I64, (2, 2)), (I64, (2, 2)), alpha=0.5),
        "alpha is 0.5, for numbers of int64",
    ),
    # inputs and outputs
    (op("Concat", X, "", axis=0), "its input inputs is left out"),
    (op("Relu", ""), "input 0 is marked single but has an empty string"),
    (op("Relu", X, outputs=["y", "z"]), "output size 2 not in range"),
    (op("Dropout", X, outputs=["y", "mask"], opset=7), "its mask is asked for"),
    (
        op("Dropout", X, (F, ()), ("bool", ())),
        "training_mode must be a constant that is false",
    ),
    (make_model(IN_TRAINING), "training_mode must be a constant that is false"),
    # attributes
    (op("LayerNormalization", X, (F, (4,)), stash_type=16), "with stash_type 1 .* got 16"),
    (op("LayerNormalization", X, (F, (4,)), axis=3), "axis is 3, for an array of 3 axes"),
    (op("ScatterElements", X, (I64, (1, 1, 1)), X, reduction="avg", opset=18), "got 'avg'"),
    (op("ReverseSequence", X, (I64, (3,)), batch_axis=2), "batch_axis and time_axis must be"),
    (op("ConstantOfShape", (I64, (2,)), value=HALF), "its value must be one number, got 2"),
    (op("Constant", value_int=1, value_float=0.5), "it must have one value, got 2"),
    (op("Transpose", (F, None), perm=[0, -1]), r"perm is \[0, -1\]"),
    (op("Softmax", (F, (3,)), opset=11), "'axis' must be in"),
    (op("Unsqueeze", X, axes=[0, -5], opset=9), r"axes \[0, -5\] name one of 5 axes twice"),
    (op("Squeeze", X, axes=[-2], opset=9), "axis 1 has the length 3, not 1"),
    (op("ReduceSum", X, axes=[3], opset=11), "axis"),
    (op("Clip", X, (F, (2,))), r"min must be a single number, got shape \(2,\)"),
    # shapes
    (
        op("MatMul", X, constants={"W": np.ones((3, 2), np.float32)}),
        "Incompatible dimensions",
    ),
    (op("Add", X, (F, (5,))), "Incompatible dimensions"),
    (op("Concat", X, (F, (1, 2, 5)), axis=-2, opset=9), "each array must have shape"),
    (
        op("Gemm", (F, (2, 3)), (F, (3, 4)), (F, (2, 2, 4))),
        r"C of shape \(2, 2, 4\) goes beyond",
    ),
    (op("Gemm", X, X), "rank"),
    (op("LayerNormalization", X, (F, (3,))), "Scale of shape"),
    (op("LayerNormalization", X, (F, (4,)), (F, (1, 3, 3, 4))), "B of shape"),
    (op("Tile", X, (I64, (2,))), r"repeats must have shape \(3,\), got \(2,\)"),
    (op("ScatterElements", X, (I64, (1, 4, 1)), (F, (1, 4, 1))), "do not go into"),
    (
        op("ScatterElements", (F, (2, 3)), (I64, (3, 1)), (F, (3, 1)), axis=1),
        "do not go into",
    ),
    (op("ScatterElements", (F, (2, 3)), (I64, (1, 1)), (F, (1, 2))), "do not go into"),
    (op("ReverseSequence", X, (I64, (2,))), r"sequence_lens must have shape \(3,\)"),
    (op("Gather", (F, (0, 2)), (I64, (3,))), "from an axis that has none"),
    (op("Slice", (F, ()), (I64, (1,)), (I64, (1,))), "a part out of a single number"),
    (op("ReduceMean", (I64, (0, 2))), "the mean of no numbers of int64 is not defined"),
    # constants
    (
        op("Gather", X, constants=ints(4), axis=2),
        "out of bounds for an axis of 4 elements",
    ),
    (op("Reshape", (F, (2, 3)), constants=ints(4, 2)), r"cannot have the shape \[4, 2\]"),
    (op("Reshape", X, constants=ints(-2, 3)), "Invalid dimension value"),
    (op("Reshape", X, constants=ints(2, 2, 2, 0)), "Invalid position of 0|takes over"),
    (
        op("Squeeze", X, constants={"c": np.zeros(0, np.int64)}),
        "some take for none and some for",
    ),
    (op("Div", (I64, (2,)), constants=ints(1, 0)), "it divides integers by zero"),
    (op("TopK", X, outputs=["y", "z"], constants=ints(5)), "it does not fit its inputs"),
    (op("Slice", X, constants=cuts(1, 2, 3)), "axes|axis"),
    (op("Slice", X, constants=cuts(1, 2, 0, 0)), "step"),
    (
        op("Slice", X, constants=cuts(1, 2**63 - 1, 0, -1)),
        r"nothing by ONNX's rules",
    ),
    (
        op("Slice", (F, None), constants=cuts(1, 2**31 - 1, 0, -1)),
        r"nothing by ONNX's rules",
    ),
    (op("Range", (F, ()), (F, ()), constants={"c": np.float32(0)}), "it goes in steps of 0"),
    # GRU nodes
    (
        op("GRU", (F, ("t", "b", 3)), constants=weights(2, 5), hidden_size=5),
        "W must have shape",
    ),
    (op("GRU", (F, ("t", 3)), constants=weights(3, 5), hidden_size=5), "must have rank 3"),
    (op("GRU", ("float64", ("t", "b", 3)), constants=weights(3, 5)), "has inconsistent type"),
    (
        op("GRU", X, (F, (1, 15, 4)), (F, (1, 15, 5)), "", ("int32", (2,)), hidden_size=5),
        r"sequence_lens must have shape \(3,\), got \(2,\)",
    ),
    (
        op("GRU", X, (F, (1, 15, 4)), (F, (1, 15, 5)), "", (I64, (3,))),
        "sequence_lens typestr",
    ),
    (
        op("GRU", X, (F, (1, 15, 4)), (F, (1, 15, 5)), "", "", (F, (1, 2, 5)), hidden_size=5),
        r"initial_h must have shape \(1, 3, 5\), got \(1, 2, 5\)",
    ),
    (op("GRU", X, (F, (1, 15, 4)), (F, (1, 15, 5)), (F, (1, 15))), "B must have shape"),
    (op("GRU", X, (F, (1, 15, 4)), (F, (1, 12, 4)), hidden_size=5), "R must have shape"),
]


@pytest.mark.parametrize(("model", "message"), REFUSED, ids=range(len(REFUSED)))
def test_a_node_that_cannot_be_computed_is_refused_when_it_is_read(model, message, tmp_path):
    with pytest.raises(ValueError, match=message) as caught:
        read_model(model, tmp_path)
    assert "model.onnx: node '" in str(caught.value)
