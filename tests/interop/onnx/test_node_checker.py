"""Checks of a graph when it is read: declarations, shapes, and definitions that came later."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_nodes import definitions, op  # noqa: E402
from onnx_tools import (  # noqa: E402
    DIRECTIONS,
    assert_all_close,
    by_onnxruntime,
    gru_arrays,
    make_model,
    read_model,
)

from gru_c.interop.onnx.operator_checks import ATTRIBUTES  # noqa: E402

from_array, node = onnx.numpy_helper.from_array, onnx.helper.make_node
F, I64 = "float32", "int64"


def test_definitions_that_came_later_are_refused(monkeypatch, tmp_path):
    newest = next(s for s in definitions() if s.name == "Relu" and s.since_version >= 14)
    model = make_model([node("Relu", ["x"], ["y"])], opset=newest.since_version)
    monkeypatch.setattr("gru_c.interop.onnx.node_checker.NEWEST", 13)
    with pytest.raises(ValueError, match=r"\(Relu\): its definition is that of version 14"):
        read_model(model, tmp_path)
    monkeypatch.setitem(ATTRIBUTES, "Flatten", ())
    with pytest.raises(ValueError, match="gru_c does not read the attribute 'axis'"):
        read_model(make_model([node("Flatten", ["x"], ["y"], axis=0)], opset=9), tmp_path)


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
