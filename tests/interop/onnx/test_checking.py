"""The checks of `load`: graphs that cannot be computed are refused, all others run."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_tools import (  # noqa: E402
    DIRECTIONS,
    assert_all_close,
    by_onnxruntime,
    gru_arrays,
    make_model,
    read_model,
)

from gru_c.interop.onnx.file import OLDEST_OPSET  # noqa: E402
from gru_c.interop.onnx.node_checker import NEWEST  # noqa: E402
from gru_c.interop.onnx.operator_checks import ATTRIBUTES  # noqa: E402
from gru_c.interop.onnx.operators import OPERATORS  # noqa: E402

KNOWN = {*OPERATORS, "GRU"}
from_array, node = onnx.numpy_helper.from_array, onnx.helper.make_node
F, I64 = "float32", "int64"


# ---- the table of attributes --------------------------------------------------------------------


def definitions():
    """Yield ONNX's definitions of the known operators, in all versions that are read."""
    for operator in sorted(KNOWN):
        for version in range(OLDEST_OPSET, onnx.defs.onnx_opset_version() + 1):
            try:
                yield onnx.defs.get_schema(operator, version)
            except onnx.defs.SchemaError:
                continue


def test_every_attribute_and_output_of_onnx_is_known():
    outputs = {"TopK": 2, "Dropout": 2, "GRU": 2, "LayerNormalization": 3}
    for schema in definitions():
        if schema.since_version <= NEWEST:
            known = {*ATTRIBUTES.get(schema.name, ()), "sparse_value"}
            assert set(schema.attributes) <= known, schema
            assert schema.max_output <= outputs.get(schema.name, 1), schema


def test_definitions_that_came_later_are_refused(monkeypatch, tmp_path):
    newest = next(s for s in definitions() if s.name == "Relu" and s.since_version >= 14)
    model = make_model([node("Relu", ["x"], ["y"])], opset=newest.since_version)
    monkeypatch.setattr("gru_c.interop.onnx.node_checker.NEWEST", 13)
    with pytest.raises(ValueError, match=r"\(Relu\): its definition is that of version 14"):
        read_model(model, tmp_path)
    monkeypatch.setitem(ATTRIBUTES, "Flatten", ())
    with pytest.raises(ValueError, match="gru_c does not read the attribute 'axis'"):
        read_model(make_model([node("Flatten", ["x"], ["y"], axis=0)], opset=9), tmp_path)


# ---- graphs that are refused when they are read -------------------------------------------------

IN_TRAINING = [
    node("Constant", [], ["t"], value=from_array(np.array(True))),
    node("Dropout", ["x", "", "t"], ["y"]),
]
HALF = from_array(np.array([0.5, 0.5], np.float32))


def op(operator, *inputs, outputs=("y",), opset=17, constants=None, **attributes):
    """Return a model of one node; inputs are (dtype, shape), or "" for one that is left out."""
    names = [f"v{i}" if item else "" for i, item in enumerate(inputs)]
    names += list(constants or {})
    the_node = node(operator, names, list(outputs), name="it", **attributes)
    declared = {f"v{i}": item for i, item in enumerate(inputs) if item}
    wanted = [name for name in outputs if name]
    return make_model([the_node], constants, declared, wanted, opset)


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


def changed(change):
    model = make_model([node("Add", ["x", "w"], ["y"])], {"w": np.ones(3, np.float32)})
    change(model.graph)
    return model


def info(name, dtype=1, shape=(3,)):
    return onnx.helper.make_tensor_value_info(name, dtype, shape)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g.input.append(info("x")), "two of its inputs have the same name"),
        (lambda g: g.input.append(info("")), "two of its inputs have the same name, or one has no"),
        (lambda g: g.input.append(info("w", 7)), "'w' is int64 .* its value in the file float32"),
        (lambda g: g.input.append(info("w", 1, [5])), r"of shape \(5,\), its value in the file"),
        (lambda g: g.output[0].CopyFrom(info("y", 7)), "'y' is said to be int64, but it is float"),
        (lambda g: g.output.append(info("w", 16)), "the output 'w' holds BFLOAT16"),
    ],
)
def test_repeated_declarations_of_a_value_must_agree(change, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_model(changed(change), tmp_path)


def test_a_value_of_the_file_is_not_replaced(tmp_path):
    read = read_model(changed(lambda g: g.input.append(info("w"))), tmp_path)
    x = np.ones((1, 2, 3), np.float32)
    assert read.input_names == ["x"]
    assert (read.run(None, {"x": x})[0] == 2).all()
    with pytest.raises(ValueError, match="the value of 'w' is in the file and cannot be replaced"):
        read.run(None, {"x": x, "w": np.zeros(3)})


# ---- graphs that run ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "outputs", [["y"], ["y", "m"], ["y", "", "s"], ["y", "m", "s"]], ids=" ".join
)
def test_any_of_several_outputs(outputs, tmp_path):
    """Some outputs are left out, some are not used, and only some are wanted."""
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    normalization = node("LayerNormalization", ["x", "w"], outputs, axis=1)
    w = {"w": np.ones((3, 4), np.float32)}
    for wanted in ([name for name in outputs if name], ["y"], [outputs[-1]]):
        model = make_model([normalization], w, {"x": (F, ("b", 3, 4))}, wanted)
        assert_all_close(
            read_model(model, tmp_path).run(None, {"x": x}), by_onnxruntime(model, {"x": x})
        )
    old = make_model([node("Dropout", ["x"], ["y", "mask"])], opset=7)
    assert_all_close(read_model(old, tmp_path).run(None, {"x": x[..., :3]}), [x[..., :3]], 0)


def test_outputs_that_are_inputs_or_constants(tmp_path):
    x, w = np.ones((1, 2, 3), np.float32), np.ones(3, np.float32)
    model = make_model([node("Add", ["x", "w"], ["y"])], {"w": w}, outputs=["w", "x", "y"])
    assert_all_close(read_model(model, tmp_path).run(None, {"x": x}), [w, x, x + w], 0)
    model.graph.node[0].domain = "ai.onnx"  # the long name of ""
    assert_all_close(read_model(model, tmp_path).run(["y"], {"x": x}), [x + w], 0)


def test_axes_that_are_named_twice_and_scales_that_are_repeated(tmp_path):
    """Old versions of onnxruntime do not take these."""
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    model = op("ReduceSum", ("float64", (2, 3, 4)), axes=[1, -2], keepdims=0, opset=11)
    assert_all_close(read_model(model, tmp_path).run(None, {"v0": x}), [x.sum(1)], 1e-12)
    scale, bias = x[0, :1], x[1, 0]
    feeds = {"v0": x, "v1": scale, "v2": bias}
    shapes = [("float64", array.shape) for array in feeds.values()]
    model = op("LayerNormalization", *shapes, axis=-2)
    normal = (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
    results = read_model(model, tmp_path).run(None, feeds)
    assert_all_close(results, [normal * scale + bias], 1e-6)


def test_slices_of_any_numbers_beside_onnxruntime(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 4, 5)).astype(np.float32)
    names = ["x", "starts", "ends", "axes", "steps"]
    inputs = {"x": (F, x.shape)} | dict.fromkeys(names[1:], (I64, ("n",)))
    model = make_model([node("Slice", names, ["y"])], {}, inputs)
    read = read_model(model, tmp_path)
    for _ in range(80):
        count = rng.integers(1, 4)
        starts, ends = rng.integers(-7, 8, (2, count))
        axes = rng.permutation(3)[:count] - 3 * rng.integers(0, 2, count)
        numbers = [x, starts, ends, axes, rng.choice([-3, -2, -1, 1, 2], count)]
        feeds = dict(zip(names, numbers, strict=True))
        assert_all_close(read.run(None, feeds), by_onnxruntime(model, feeds), 0)


def test_a_value_that_does_not_fit_at_run_time_names_the_node(tmp_path):
    x = np.ones((2, 3), np.float32)
    for model, second, message in [
        (op("Reshape", (F, (2, 3)), (I64, (2,))), [4, 2], "cannot have the shape"),
        (op("Reshape", (F, (2, 3)), (I64, (2,))), [-1, -1], "cannot have the shape"),
        (op("Squeeze", (F, (2, 3)), (I64, ("n",))), [], "its axes are an empty list"),
        (op("Squeeze", (F, (2, 3)), (I64, ("n",))), [0], "axis"),
        (op("Gather", (F, (2, 3)), (I64, ("n",))), [2], "index 2 is out of bounds"),
        (op("ReverseSequence", (F, (2, 3)), (I64, (3,))), [1, 2, -1], r"must be in \[0, 2\]"),
    ]:
        with pytest.raises(ValueError, match=rf"node 'it' .*{message}"):
            read_model(model, tmp_path).run(None, {"v0": x, "v1": np.array(second, np.int64)})


@pytest.mark.parametrize("H", [1, 2, 7, 8, 9, 15, 16, 17])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_gru_nodes_of_any_size_beside_onnxruntime(H, direction, tmp_path):
    for B, T, I in ((1, 1, 1), (2, 3, 1), (1, 1, H)):
        arrays = gru_arrays(
            np.random.default_rng(0), (T, B, I, H), DIRECTIONS[direction], bias=True
        )
        for after in (0, 1):
            options = {"hidden_size": H, "direction": direction, "linear_before_reset": after}
            gru = node("GRU", list(arrays), ["Y", "Y_h"], **options)
            constants = dict(arrays)
            x = constants.pop("X")
            for file_weights in (constants, {}):
                feeds = {"X": x} if file_weights else arrays
                inputs = {name: (array.dtype, array.shape) for name, array in feeds.items()}
                model = make_model([gru], file_weights, inputs, ["Y", "Y_h"])
                results = read_model(model, tmp_path).run(None, feeds)
                assert_all_close(results, by_onnxruntime(model, feeds))


# ---- lengths of attributes ----------------------------------------------------------------------


def with_integers(operator, inputs, outputs=("y",), **attributes):
    """Return a node; an empty list becomes an attribute of integers."""
    result = node(operator, inputs, outputs)
    for name, value in attributes.items():
        kind = onnx.AttributeProto.INTS if value == [] else None
        result.attribute.append(onnx.helper.make_attribute(name, value, attr_type=kind))
    return result


@pytest.mark.parametrize("shape", [(2, 3, 4), ("batch", 3, 4), ("batch", "time", "features")])
@pytest.mark.parametrize("perm", [[], [0], [0, 1], [1, 0], [0, 1, 2, 3], [0, 2, 2], [-1, 0, 1]])
def test_an_order_that_does_not_name_all_axes_is_refused(perm, shape, tmp_path):
    model = make_model([with_integers("Transpose", ["x"], perm=perm)], inputs={"x": (F, shape)})
    with pytest.raises(ValueError, match=r"node 'y' \(Transpose\): .*perm"):
        read_model(model, tmp_path)


def test_an_order_of_all_axes_and_the_default_order(tmp_path):
    x = np.arange(24, dtype=F).reshape(2, 3, 4)
    for attributes, wanted in (({"perm": [0, 2, 1]}, (0, 2, 1)), ({}, (2, 1, 0))):
        model = make_model(
            [with_integers("Transpose", ["x"], **attributes)], inputs={"x": (F, x.shape)}
        )
        (y,) = read_model(model, tmp_path).run(None, {"x": x})
        np.testing.assert_array_equal(y, x.transpose(wanted))


@pytest.mark.parametrize(("k", "opset"), [(5, 9), (5, 17), (-1, 17)])
def test_more_values_than_an_axis_has_are_refused(k, opset, tmp_path):
    if opset < 10:
        nodes, constants = [node("TopK", ["x"], ["y", "places"], k=k)], {}
    else:
        nodes, constants = [node("TopK", ["x", "k"], ["y", "places"])], {"k": np.array([k], I64)}
    model = make_model(nodes, constants, {"x": (F, (2, 3, 4))}, opset=opset)
    with pytest.raises(ValueError, match=r"node 'y' \(TopK\): "):
        read_model(model, tmp_path)


def test_a_slice_of_no_axes_is_all(tmp_path):
    cut = with_integers("Slice", ["x"], starts=[], ends=[])
    model = make_model([cut], inputs={"x": (F, (2, 3))}, opset=9)
    x = np.ones((2, 3), F)
    np.testing.assert_array_equal(read_model(model, tmp_path).run(None, {"x": x})[0], x)
