"""`run_node` beside onnxruntime, and ONNX's own tests of GRU nodes."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_tools import (  # noqa: E402
    DIRECTIONS,
    GRU_INPUTS,
    assert_all_close,
    drawn_node,
    gru_arrays,
    gru_by_onnxruntime,
    gru_node,
    node_tests,
)

from gru_c.interop.onnx import run_node  # noqa: E402

# All tests of onnx 1.23 with a GRU.
NODE_TESTS = [
    "test_gru_defaults",
    "test_gru_with_initial_bias",
    "test_gru_seq_length",
    "test_gru_batchwise",
    "test_gru_reverse",
    "test_gru_bidirectional",
]


@pytest.mark.parametrize("name", NODE_TESTS)
def test_of_onnx(name):
    if name not in node_tests():
        pytest.skip("this onnx does not have it yet")
    case = node_tests()[name]
    for inputs, outputs in case.data_sets:
        results = run_node(case.model.graph.node[0], list(inputs))
        assert_all_close(results, outputs, 1e-5)  # ONNX's tolerance is 1e-3


@pytest.mark.parametrize("seed", range(60))
def test_any_node_beside_onnxruntime(seed):
    _, arrays, attributes = drawn_node(seed)
    results = run_node(gru_node(arrays, **attributes), arrays)
    assert_all_close(results, gru_by_onnxruntime(arrays, **attributes))


@pytest.mark.parametrize("seed", range(12))
def test_layout_1_is_the_transpose(seed):
    _, arrays, attributes = drawn_node(seed)
    Y, Y_h = run_node(gru_node(arrays, **attributes), arrays)
    turned = {
        name: array.swapaxes(0, 1) if name in ("X", "initial_h") else array
        for name, array in arrays.items()
    }
    results = run_node(gru_node(arrays, layout=1, **attributes), turned)
    np.testing.assert_array_equal(results[0], Y.transpose(2, 0, 1, 3))
    np.testing.assert_array_equal(results[1], Y_h.swapaxes(0, 1))


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_rows_of_length_0(direction):
    rng = np.random.default_rng(3)
    arrays = gru_arrays(rng, (4, 3, 2, 5), DIRECTIONS[direction], bias=True, initial=True)
    for lens in ([4, 2, 0], [0, 0, 0]):
        arrays["sequence_lens"] = np.array(lens, np.int32)
        attributes = {"hidden_size": 5, "direction": direction}
        Y, Y_h = run_node(gru_node(arrays, **attributes), arrays)
        assert_all_close([Y, Y_h], gru_by_onnxruntime(arrays, **attributes))
        assert not Y[:, :, 2].any()
        assert not Y_h[:, 2].any()


@pytest.mark.parametrize("T", [0, 3])
@pytest.mark.parametrize("B", [0, 2])
def test_no_steps_and_no_rows(T, B):
    arrays = gru_arrays(np.random.default_rng(0), (T, B, 2, 5), 2, initial=True)
    node = gru_node(arrays, hidden_size=5, direction="bidirectional")
    Y, Y_h = run_node(node, arrays)
    assert Y.shape == (T, 2, B, 5)
    np.testing.assert_array_equal(Y_h, Y_h if T else arrays["initial_h"])


def test_dtypes():
    _, arrays, attributes = drawn_node(2)
    node = gru_node(arrays, **attributes)
    single = run_node(node, arrays)
    for dtype, tolerance in ((np.float64, 1e-6), (np.float16, 2e-3)):
        cast = {
            name: array.astype(dtype) if array.dtype == np.float32 else array
            for name, array in arrays.items()
        }
        results = run_node(node, cast)
        assert {array.dtype for array in results} == {np.dtype(dtype)}
        assert_all_close([a.astype(np.float32) for a in results], single, tolerance)


def test_inputs_by_order_and_by_name():
    arrays = gru_arrays(np.random.default_rng(1), (3, 2, 2, 4), bias=False, initial=True)
    node = gru_node(arrays, hidden_size=4)
    expected = run_node(node, arrays)
    in_order = [arrays.get(name) for name in GRU_INPUTS]
    only_given = list(arrays.values())
    for inputs in (in_order, only_given):
        assert_all_close(run_node(node, inputs), expected, 0)
    only_last = onnx.helper.make_node("GRU", list(arrays)[:3], ["", "Y_h"], hidden_size=4)
    plain = [arrays[name] for name in ("X", "W", "R")]
    (Y_h,) = run_node(only_last, plain)
    assert Y_h.shape == (1, 2, 4)


def broken(change=None, **attributes):
    arrays = gru_arrays(np.random.default_rng(0), (3, 2, 2, 4), bias=True, lens=True, initial=True)
    arrays |= change or {}
    return gru_node(arrays, **{"hidden_size": 4, **attributes}), arrays


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (broken(direction="sideways"), "direction must be one of forward, reverse, bidirectional"),
        (broken(layout=2), "layout must be 0 or 1, got 2"),
        (broken(hidden_size=5), r"W must have shape \(1, 15, features\), got \(1, 12, 2\)"),
        (broken(hidden_size=0), "hidden_size must be positive"),
        (broken(direction="bidirectional"), r"W must have shape \(2, 12"),
        (broken(clip=0.0), "clip must be a number > 0"),
        (broken(activations=["Tanh"]), "activations must be 2 names, got 1"),
        (broken(activations=["Tanh", "Swish"]), "activation 'Swish' is none that"),
        (broken(unknown=1), "Unrecognized attribute: unknown"),
        (broken({"X": np.ones((3, 2, 9), "f")}), r"X must be float32 of shape \(., ., 2\)"),
        (broken({"X": np.ones((3, 2, 2))}), "X must be float32 .* got float64"),
        (broken({"R": np.ones((1, 12, 5), "f")}), r"R must have shape \(1, 12, 4\)"),
        (broken({"R": np.ones((1, 12, 4))}), "W is float32, R is float64"),
        (broken({"W": np.ones((1, 12, 2), int)}), "W must hold float16, float32 or float64"),
        (broken({"B": np.ones((1, 12), "f")}), r"B must have shape \(1, 24\)"),
        (broken({"initial_h": np.ones((1, 3, 4), "f")}), r"initial_h must be .*\(1, 2, 4\)"),
        (broken({"sequence_lens": np.array([4, 1], "i4")}), r"must be in \[0, 3\], got \[4, 1\]"),
        (broken({"sequence_lens": np.array([-1, 1], "i4")}), r"must be in \[0, 3\]"),
        (broken({"sequence_lens": np.array([1], "i4")}), "must hold 2 integers"),
        (broken({"sequence_lens": np.array([1.0, 2.0])}), "must hold 2 integers, got float64"),
    ],
)
def test_what_does_not_fit_is_named(case, message):
    node, arrays = case
    with pytest.raises(ValueError, match=message) as caught:
        run_node(node, arrays)
    assert str(caught.value).startswith("node 'gru' (GRU)")


def test_other_bad_calls():
    node, arrays = broken()
    relu = onnx.helper.make_node("Relu", ["x"], ["y"])
    with pytest.raises(TypeError, match=r"run_node wants an onnx\.NodeProto, got str"):
        run_node("GRU", arrays)
    with pytest.raises(ValueError, match="run_node evaluates GRU, LSTM, RNN nodes, got 'Relu'"):
        run_node(relu, [arrays["X"]])
    with pytest.raises(ValueError, match="it has no input named 'Q'"):
        run_node(node, {**arrays, "Q": arrays["X"]})
    with pytest.raises(ValueError, match=r"X must be float32 .* got nothing"):
        run_node(node, {**arrays, "X": None})
    with pytest.raises(ValueError, match="the input W is missing"):
        run_node(node, {**arrays, "W": None})
    with pytest.raises(ValueError, match="it has the inputs X, W, R, got 4 arrays"):
        run_node(onnx.helper.make_node("GRU", ["X", "W", "R"], ["Y"]), [arrays["X"]] * 4)
    with pytest.raises(TypeError, match=r"node 'gru' .*: X must hold real numbers"):
        run_node(node, {**arrays, "X": arrays["X"].astype(complex)})
