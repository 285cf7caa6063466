"""Operators of ONNX beside onnxruntime."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_tools import assert_all_close, by_onnxruntime, make_model, read_model  # noqa: E402

from gru_c.interop.onnx.operators import OPERATORS  # noqa: E402

X = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
I64 = np.int64
PLAIN = ["Identity", "Relu", "Sigmoid", "Tanh", "Softplus", "Softsign", "Exp", "Neg"]
WITH_ALPHA = ["Elu", "LeakyRelu", "ThresholdedRelu", "HardSigmoid"]
CASES = [
    *((name, [X], {}, 17) for name in PLAIN + WITH_ALPHA),
    *((name, [X], {"alpha": 0.3}, 17) for name in WITH_ALPHA),
    *((name, [np.abs(X)], {}, 17) for name in ("Sqrt", "Log")),
    *((name, [X, X[0, :1]], {}, 17) for name in ("Add", "Sub", "Mul", "Div")),
    ("Pow", [X, np.float32(2)], {}, 17),
    ("Div", [np.array([7, -7, 7, -7]), np.array([2, 2, -2, -2])], {}, 17),
    ("Equal", [np.array([1, 2]), np.array([[1], [2]])], {}, 17),
    ("Where", [X > 0, X, -X[:, :1]], {}, 17),
    ("HardSigmoid", [X], {"alpha": 0.4, "beta": 0.1}, 17),
    ("Clip", [X, np.float32(-0.5), np.float32(0.2)], {}, 17),
    ("Clip", [X], {"min": -0.5, "max": 0.2}, 8),
    *(("Clip", [np.float32([np.inf, -np.inf, np.nan])], {}, opset) for opset in (7, 11, 17)),
    ("Clip", [X, np.float32(np.nan), np.float32(0.2)], {}, 17),
    ("Clip", [np.array([2**62 + 1, -5]), np.array(-(2**63)), np.array(2**62 + 1)], {}, 17),
    ("Pow", [np.array([2, 3, -2]), np.array([3, 0, 2], np.int32)], {}, 17),
    ("Pow", [np.array([2, 1]), np.array([-1, -1])], {}, 17),
    ("Pow", [np.int32([4, 9]), np.float32(0.5)], {}, 17),
    ("Div", [np.int32([-(2**31), 7, 0]), np.int32([2, -3, 5])], {}, 17),
    *(("Softmax", [X], {"axis": axis}, 17) for axis in (-1, 1)),
    *(("Softmax", [X], {"axis": axis}, 11) for axis in (1, 2)),
    ("Softmax", [X], {}, 11),
    *(("LogSoftmax", [X * 100], {"axis": axis}, 17) for axis in (-1, 1)),
    *(
        (name, [X], {"axes": [1], "keepdims": k}, 11)
        for name in ("ReduceMean", "ReduceSum")
        for k in (0, 1)
    ),
    ("ReduceSum", [X, np.array([0, -1])], {"keepdims": 0}, 17),
    ("ReduceMean", [np.array([[-7, 2], [3, 3]])], {"axes": [1]}, 17),
    ("ReduceSum", [X], {"noop_with_empty_axes": 1}, 17),
    ("ReduceMean", [X], {}, 17),
    ("ReduceMean", [X[:, :0]], {"axes": [2]}, 17),
    ("ReduceProd", [np.array([2, 3, 4])], {"keepdims": 0}, 17),
    ("LayerNormalization", [X, X[0, 0], X[0, 1]], {"epsilon": 0.01}, 17),
    ("LayerNormalization", [X, X[0]], {"axis": 1}, 17),
    ("MatMul", [X, X[0].T.copy()], {}, 17),
    ("MatMul", [X[0, 0], X[1, 1]], {}, 17),
    ("Gemm", [X[0], X[1], X[0, :1]], {"transA": 1, "alpha": 0.5, "beta": 2.0}, 17),
    ("Gemm", [X[0], X[1]], {"transB": 1}, 17),
    ("Gemm", [X[0], X[1].T.copy(), np.float32([np.nan])], {"beta": 0.0}, 17),
    ("Cast", [X * 10], {"to": 7}, 17),
    ("Cast", [X > 0], {"to": 1}, 17),
    ("Shape", [X], {}, 17),
    ("Shape", [X], {"start": 1, "end": -1}, 17),
    ("ConstantOfShape", [np.array([2, 3])], {}, 17),
    ("Expand", [X[:, :1], np.array([3, 1])], {}, 17),
    ("Tile", [X, np.array([1, 2, 3])], {}, 17),
    ("Concat", [X, X[:, :1], X], {"axis": -2}, 17),
    ("Unsqueeze", [X, np.array([0, -1])], {}, 17),
    ("Unsqueeze", [X], {"axes": [0, 2]}, 11),
    ("Squeeze", [X[:, :1], np.array([-2])], {}, 17),
    ("Squeeze", [X[:, :1]], {"axes": [1]}, 11),
    ("Squeeze", [X[:1, :1]], {}, 17),
    ("Reshape", [X, np.array([0, -1])], {}, 17),
    ("Reshape", [X[:, :0], np.array([0, 2, 4])], {"allowzero": 1}, 17),
    ("Transpose", [X], {}, 17),
    ("Transpose", [X], {"perm": [1, 2, 0]}, 17),
    *(("Flatten", [X], {"axis": axis}, 17) for axis in (0, 1, 2, 3, -1)),
    *(("Gather", [X, np.array([[1, -1]])], {"axis": axis}, 17) for axis in (0, 1, -1)),
    ("Gather", [X, np.array(-1)], {"axis": 1}, 17),
    ("Slice", [X], {"starts": [1, 0], "ends": [9, -1], "axes": [0, 2]}, 9),
    ("Slice", [X, np.array([1]), np.array([2])], {}, 17),
    ("Slice", [X, *(np.array([v]) for v in (-1, np.iinfo(I64).min, 1, -1))], {}, 17),
    ("Slice", [X, *(np.array([v]) for v in (5, -3, -1, -2))], {}, 17),
    ("Slice", [X, *(np.array([v]) for v in (-9, -9, 1, -1))], {}, 17),
    ("ReverseSequence", [X.transpose(1, 0, 2).copy(), np.array([3, 1])], {}, 17),
    ("ReverseSequence", [X, np.array([3, 2])], {"batch_axis": 0, "time_axis": 1}, 17),
    ("ScatterElements", [np.zeros(3, I64), np.array([2, 0, 1]), np.array([5, 6, 7])], {}, 17),
    ("ScatterElements", [X, np.array([[[0], [-1]]]), X[:1, :2, :1]], {"axis": 2}, 17),
    *(
        ("ScatterElements", [X[0], np.array([[1, 0, 1]]), X[1, :1, :3]], {"reduction": how}, 18)
        for how in ("add", "mul", "max", "min")
    ),
    ("Range", [np.array(1), np.array(9), np.array(3)], {}, 17),
    ("Range", [np.float32(1), np.float32(-1), np.float32(-0.5)], {}, 17),
    *(("TopK", [np.array([3, 1, 3, 2]), np.array([3])], {"largest": k}, 17) for k in (0, 1)),
    ("TopK", [X, np.array([2])], {"axis": 1}, 17),
    ("TopK", [X], {"axis": 1, "k": 2}, 7),
    ("Dropout", [X, np.float32(0.5)], {}, 17),
    ("Dropout", [X], {}, 17),
]
OUTPUTS = {"TopK": ["y", "indices"], "LayerNormalization": ["y", "mean", "inverse"]}
OUTPUTS |= {"Dropout": ["y", "mask"]}


@pytest.mark.parametrize(
    ("operator", "arrays", "attributes", "opset"),
    CASES,
    ids=[f"{case[0]}-{i}" for i, case in enumerate(CASES)],
)
@pytest.mark.parametrize("by_constants", [False, True])
def test_operator_beside_onnxruntime(operator, arrays, attributes, opset, by_constants, tmp_path):
    feeds = {f"v{i}": np.asarray(array) for i, array in enumerate(arrays)}
    outputs = OUTPUTS.get(operator, ["y"])
    node = onnx.helper.make_node(operator, list(feeds), outputs, **attributes)
    constants = {name: feeds.pop(name) for name in list(feeds)[1:]} if by_constants else {}
    inputs = {name: (array.dtype, array.shape) for name, array in feeds.items()}
    model = make_model([node], constants, inputs, outputs, opset)
    assert_all_close(read_model(model, tmp_path).run(None, feeds), by_onnxruntime(model, feeds))


def test_constants(tmp_path):
    helper = onnx.helper
    tensor = onnx.numpy_helper.from_array(X)
    for attribute in ({"value": tensor}, {"value_float": 0.5}, {"value_floats": [0.5, 2.0]}):
        model = make_model([helper.make_node("Constant", [], ["y"], **attribute)], inputs={})
        assert_all_close(read_model(model, tmp_path).run(None, {}), by_onnxruntime(model, {}))
    text = make_model([helper.make_node("Constant", [], ["y"], value_string="a")], inputs={})
    with pytest.raises(ValueError, match=r"node 'y' \(Constant\): gru_c reads numbers only"):
        read_model(text, tmp_path)


def test_every_operator_has_a_case():
    assert set(OPERATORS) - {"Constant"} == {case[0] for case in CASES}
