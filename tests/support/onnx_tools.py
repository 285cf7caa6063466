"""ONNX models made by hand, onnxruntime's results for them, and ONNX's own tests."""

import functools
import importlib
import pkgutil
import warnings

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from gru_c.interop.onnx import load  # noqa: E402

DIRECTIONS = {"forward": 1, "reverse": 1, "bidirectional": 2}
GRU_INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h")


# Modules with tests of operators that gru_c lacks; they take long to import.
_SLOW = ("pool", "image")


@functools.cache
def node_tests():
    """Return ONNX's own tests of operators by name: each has a model, inputs and outputs."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        from onnx.backend.test.case import node as package

        for module in pkgutil.iter_modules(package.__path__):
            if not any(word in module.name for word in _SLOW):
                importlib.import_module(f"{package.__name__}.{module.name}")
        return {case.name: case for case in package._NodeTestCases}


def make_model(nodes, constants=None, inputs=None, outputs=("y",), opset=17):
    """Return a ModelProto; inputs are (dtype, shape) by name, by default x of (batch, time, 3)."""
    helper = onnx.helper
    inputs = {"x": ("float32", ("batch", "time", 3))} if inputs is None else inputs
    graph = helper.make_graph(
        nodes,
        "test",
        [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape
            )
            for name, (dtype, shape) in inputs.items()
        ],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        initializer=[onnx.numpy_helper.from_array(a, n) for n, a in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def read_model(model, folder):
    """Write a ModelProto to a file in `folder`, and load it."""
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return load(path)


def by_onnxruntime(model, feeds):
    """Return onnxruntime's outputs of a ModelProto or of a file."""
    ort = pytest.importorskip("onnxruntime")
    ort.set_default_logger_severity(4)
    source = model.SerializeToString() if hasattr(model, "SerializeToString") else str(model)
    session = ort.InferenceSession(source, providers=["CPUExecutionProvider"])
    return session.run(None, feeds)


def gru_node(input_names, **attributes):
    """Return a GRU node with these inputs."""
    names = [name if name in input_names else "" for name in GRU_INPUTS]
    return onnx.helper.make_node("GRU", names, ["Y", "Y_h"], name="gru", **attributes)


def gru_arrays(rng, sizes, directions=1, *, bias=False, lens=False, initial=False):
    """Return the inputs of a GRU node of sizes (T, B, I, H); the last three if they are wanted."""
    T, B, I, H = sizes

    def array(*shape):
        return rng.normal(size=shape).astype(np.float32) * np.float32(0.7)

    G = 3 * H
    arrays = {"X": array(T, B, I), "W": array(directions, G, I), "R": array(directions, G, H)}
    if bias:
        arrays["B"] = array(directions, 2 * G)
    if lens:
        arrays["sequence_lens"] = rng.integers(0, T + 1, B).astype(np.int32)
    if initial:
        arrays["initial_h"] = array(directions, B, H)
    return arrays


def gru_by_onnxruntime(arrays, **attributes):
    """Return onnxruntime's Y and Y_h of a GRU node."""
    inputs = {name: (array.dtype, array.shape) for name, array in arrays.items()}
    node = gru_node(arrays, **attributes)
    return by_onnxruntime(make_model([node], inputs=inputs, outputs=("Y", "Y_h")), arrays)


def assert_all_close(actual, expected, tolerance=1e-6):
    """Assert that arrays are equal in number, dtypes and shapes, and close in their elements."""
    assert len(actual) == len(expected)
    for a, b in zip(actual, expected, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def drawn_node(seed):
    """Return random inputs and attributes of a node."""
    rng = np.random.default_rng(seed)
    T, B, I, H = (int(size) for size in rng.integers(1, 8, 4))
    direction = list(DIRECTIONS)[seed % 3]
    bias, lens, initial, clips = rng.random(4) < (0.7, 0.5, 0.5, 0.3)
    arrays = gru_arrays(
        rng, (T, B, I, H), DIRECTIONS[direction], bias=bias, lens=lens, initial=initial
    )
    attributes = {
        "hidden_size": H,
        "direction": direction,
        "linear_before_reset": int(rng.integers(2)),
    }
    if clips:
        attributes["clip"] = float(rng.uniform(0.1, 1.5))
    return rng, arrays, attributes
