"""Models that PyTorch and Keras wrote, operators beside onnxruntime, and `to_sequential`."""

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_tools import assert_all_close, by_onnxruntime, gru_arrays, make_model, read_model  # noqa: E402

from gru_c.interop.onnx import load  # noqa: E402
from gru_c.interop.onnx.operators import OPERATORS  # noqa: E402

DATA = Path(__file__).parents[3] / "tests" / "support" / "data" / "onnx"
LAYERS = {
    "last_step": ["gru", "dense"],
    "no_bias": ["gru", "dense"],
    "both_ways": ["bidirectional", "bidirectional_1", "dense"],
    "last_state": ["gru", "gru_1", "dense"],
    "last_states": ["bidirectional", "dense"],
    "with_state": ["gru", "gru_1", "dense"],
    "text": ["embedding", "layer_normalization", "gru", "dense"],
}
OTHERS = ["packed", "time_major", "keras_torch"]
NEW = [] if onnx.IR_VERSION < 10 else [f"{name}_dynamo" for name in [*LAYERS, "time_major"]]
FILES = [*LAYERS, *NEW, *OTHERS]


@pytest.fixture(scope="module")
def expected():
    """Return inputs and the outputs that PyTorch and Keras computed, by name of the model."""
    with np.load(DATA / "expected.npz") as arrays:
        data = {}
        for key in arrays.files:
            name, place = key.split("/")
            data.setdefault(name, {"in": [], "out": []})[place[:-1]].append(arrays[key])
        return data


def prepared(name, expected):
    """Return the model of a file, its feeds and outputs."""
    case = expected[name.removesuffix("_dynamo")]
    model = load(DATA / f"{name}.onnx")
    return model, dict(zip(model.input_names, case["in"], strict=True)), case["out"]


@pytest.mark.parametrize("name", FILES)
def test_what_the_exporters_library_computes(name, expected):
    model, feeds, outputs = prepared(name, expected)
    assert_all_close(model.run(None, feeds), outputs)
    assert_all_close(by_onnxruntime(DATA / f"{name}.onnx", feeds), outputs)


@pytest.mark.parametrize("name", ["time_major", "packed", *LAYERS])  # dynamo fixed the lengths
def test_other_batches_and_lengths(name, expected):
    model, feeds, _ = prepared(name, expected)
    rng = np.random.default_rng(0)
    if name == "text":
        feeds["x"] = rng.integers(0, 7, (3, 9))
    else:
        shape = (9, 3, 4) if name == "time_major" else (3, 9, 4)
        feeds["x"] = rng.normal(size=shape).astype(np.float32)
    if name == "with_state":
        feeds["h0"] = rng.normal(size=(2, 3, 5)).astype(np.float32)
    if name == "packed":
        feeds["lengths"] = np.array([9, 1, 4])
    assert_all_close(model.run(None, feeds), by_onnxruntime(DATA / f"{name}.onnx", feeds))


@pytest.mark.parametrize("name", [*LAYERS, *NEW[:-1]])
def test_to_sequential(name, expected):
    model, feeds, outputs = prepared(name, expected)
    again = model.to_sequential()
    layers = [layer.name for layer in again.layers if layer.name != "activation"]
    assert layers == LAYERS[name.removesuffix("_dynamo")]
    x = next(iter(feeds.values()))
    wanted = outputs[:1] if len(feeds) == 1 else [model.predict(x)]
    assert_all_close([again.predict(x, verbose=0)], wanted)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("packed", "it has 2 inputs"),
        ("time_major", "node '/gru/GRU' .*not with the batch as its first axis"),
        ("keras_torch", r"node .*\(MatMul\): what comes here is nothing that a layer"),
    ],
)
def test_what_is_no_chain_is_named(name, message):
    with pytest.raises(ValueError, match=message):
        load(DATA / f"{name}.onnx").to_sequential()


@pytest.mark.parametrize(
    "first",
    [
        onnx.helper.make_node("LayerNormalization", ["x", "w"], ["z", "of_no_layer"]),
        onnx.helper.make_node("Dropout", ["x"], ["z", "of_no_layer"]),
    ],
    ids=["mean", "mask"],
)
def test_an_output_that_no_layer_gives_is_no_part_of_a_chain(first, tmp_path):
    more = onnx.helper.make_node("Cast", ["of_no_layer"], ["y"], to=1, name="more")
    weights = {"w": np.ones(3, np.float32)}
    model = make_model([first, more], weights, outputs=["y"])
    with pytest.raises(ValueError, match=r"node 'more' .* takes what no layer of gru_c gives"):
        read_model(model, tmp_path).to_sequential()


def test_the_loop_of_keras_on_tensorflow_is_named():
    with pytest.raises(ValueError, match=r"\(Loop\): gru_c does not have this operator"):
        load(DATA / "keras_tensorflow.onnx")


def test_predict_begins_with_zeros_and_takes_all_steps(tmp_path, expected):
    model, feeds, _ = prepared("with_state", expected)
    zeros = {**feeds, "h0": np.zeros_like(feeds["h0"])}
    assert_all_close([model.predict(feeds["x"])], model.run(None, zeros)[:1], 0)
    arrays = gru_arrays(np.random.default_rng(0), (4, 2, 3, 5))
    inputs = {"X": ("float32", ("t", "b", 3)), "lens": ("int32", ("b",))}
    node = onnx.helper.make_node("GRU", ["X", "W", "R", "", "lens"], ["y"], hidden_size=5)
    weights = {name: arrays[name] for name in ("W", "R")}
    read = read_model(make_model([node], weights, inputs), tmp_path)
    whole = read.run(None, {"X": arrays["X"], "lens": [4, 4]})
    assert_all_close([read.predict(arrays["X"])], whole, 0)
    packed = load(DATA / "packed.onnx")
    with pytest.raises(ValueError, match=r"this one has 2 \('x', 'lengths'\): call run"):
        packed.predict(feeds["x"])


def test_weights_that_are_computed_or_given(tmp_path):
    """Weights behind other nodes are computed once; weights from outside at each run."""
    rng = np.random.default_rng(0)
    arrays = gru_arrays(rng, (4, 2, 3, 5), bias=True)
    make_node = onnx.helper.make_node
    nodes = [
        make_node("Identity", ["W"], ["same"]),
        make_node("Transpose", ["turned"], ["R"], perm=[0, 2, 1]),
        make_node("GRU", ["X", "same", "R", "B"], ["Y"], hidden_size=5),
    ]
    feeds = {"X": arrays["X"], "B": arrays["B"]}
    inputs = {name: (array.dtype, array.shape) for name, array in feeds.items()}
    weights = {"W": arrays["W"], "turned": arrays["R"].swapaxes(1, 2).copy()}
    proto = make_model(nodes, weights, inputs, outputs=["Y"])
    assert_all_close(read_model(proto, tmp_path).run(None, feeds), by_onnxruntime(proto, feeds))


def test_what_run_returns_is_the_callers(tmp_path):
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    model, x = read_model(make_model([node]), tmp_path), np.ones((2, 2, 3), np.float32)
    (y,) = model.run(["y"], {"x": x})
    y[...] = 7
    assert (x == 1).all()
    assert (model.run(None, {"x": x})[0] == 1).all()
    assert repr(model) == "<ONNXModel ['x'] -> ['y']: 1 Identity>"


# ---- operators ----------------------------------------------------------------------------------

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
