"""Models that PyTorch and Keras wrote: their results, batches, starts and given weights."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_stored import DATA, LAYERS, prepared  # noqa: E402
from onnx_tools import assert_all_close, by_onnxruntime, gru_arrays, make_model, read_model  # noqa: E402

from gru_c.interop.onnx import load  # noqa: E402

OTHERS = ["packed", "time_major", "keras_torch"]
NEW = [] if onnx.IR_VERSION < 10 else [f"{name}_dynamo" for name in [*LAYERS, "time_major"]]
FILES = [*LAYERS, *NEW, *OTHERS]


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
