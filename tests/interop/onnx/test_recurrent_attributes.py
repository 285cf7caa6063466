"""LSTM and RNN nodes: `run_node`, files and exports beside onnxruntime and ONNX's own tests."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_tools import (  # noqa: E402
    DIRECTIONS,
    assert_all_close,
    by_onnxruntime,
    make_model,
    node_tests,
    read_model,
)

from gru_c import LSTM, Bidirectional, Dense, Sequential, SimpleRNN  # noqa: E402
from gru_c.interop.onnx import export, load, run_node  # noqa: E402

SHARED = ("X", "W", "R", "B", "sequence_lens", "initial_h")
INPUTS = {"LSTM": (*SHARED, "initial_c", "P"), "RNN": SHARED}
OUTPUTS = {"LSTM": ("Y", "Y_h", "Y_c"), "RNN": ("Y", "Y_h")}
GATES = {"LSTM": 4, "RNN": 1}
FUNCTIONS = ("Tanh", "Sigmoid", "Softsign", "HardSigmoid", "Elu")
BASE = ("defaults", "with_initial_bias", "batchwise", "reverse", "bidirectional")
NODE_TESTS = [
    *(f"test_lstm_{name}" for name in (*BASE, "with_peepholes")),
    *(f"test_simple_rnn_{name}" for name in BASE),
    "test_rnn_seq_length",
]


@pytest.mark.parametrize("name", NODE_TESTS)
def test_of_onnx(name):
    if name not in node_tests():
        pytest.skip("this onnx does not have it yet")
    case = node_tests()[name]
    for inputs, outputs in case.data_sets:
        assert_all_close(run_node(case.model.graph.node[0], list(inputs)), outputs, 1e-5)


def node_of(kind, arrays, **attributes):
    """Return a node with these inputs."""
    names = [name if name in arrays else "" for name in INPUTS[kind]]
    return onnx.helper.make_node(kind, names, OUTPUTS[kind], name="cell", **attributes)


def drawn(kind, seed):
    """Return random inputs and attributes of a node; every second length is that of all steps."""
    rng = np.random.default_rng(seed)
    T, B, I, H = (int(size) for size in rng.integers(1, 8, 4))
    direction = list(DIRECTIONS)[seed % 3]
    D, G = DIRECTIONS[direction], GATES[kind] * H
    attributes = {"hidden_size": H, "direction": direction}
    shapes = {"X": (T, B, I), "W": (D, G, I), "R": (D, G, H), "B": (D, 2 * G)}
    shapes |= {"initial_h": (D, B, H), "initial_c": (D, B, H), "P": (D, 3 * H)}
    wanted = {name for name in shapes if name in "XWR" or rng.random() < 0.5} & {*INPUTS[kind]}
    arrays = {
        name: (0.7 * rng.normal(size=shape)).astype("f")
        for name, shape in shapes.items()
        if name in wanted
    }
    if rng.random() < 0.5:
        arrays["sequence_lens"] = rng.integers(0, T + 1, B).astype(np.int32)
    if kind == "LSTM" and rng.random() < 0.3:
        attributes["input_forget"] = 1
    if rng.random() < 0.3:
        attributes["clip"] = float(rng.uniform(0.1, 1.5))
    if rng.random() < 0.5:
        count = D * (3 if kind == "LSTM" else 1)
        attributes["activations"] = [str(name) for name in rng.choice(FUNCTIONS, count)]
    return arrays, attributes


def by_ort(kind, arrays, **attributes):
    """Return onnxruntime's outputs of a node."""
    inputs = {name: (array.dtype, array.shape) for name, array in arrays.items()}
    node = node_of(kind, arrays, **attributes)
    return by_onnxruntime(make_model([node], inputs=inputs, outputs=OUTPUTS[kind]), arrays)


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
def test_any_node_beside_onnxruntime(kind, seed, tmp_path):
    arrays, attributes = drawn(kind, seed)
    expected = by_ort(kind, arrays, **attributes)
    node = node_of(kind, arrays, **attributes)
    results = run_node(node, arrays)
    assert_all_close(results, expected, 2e-6)
    inputs = {name: (array.dtype, array.shape) for name, array in arrays.items()}
    model = read_model(make_model([node], inputs=inputs, outputs=OUTPUTS[kind]), tmp_path)
    assert_all_close(model.run(None, arrays), results, 0)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
def test_layout_1_is_the_transpose_and_dtypes_are_kept(kind, seed):
    arrays, attributes = drawn(kind, seed)
    results = run_node(node_of(kind, arrays, **attributes), arrays)
    turned = {
        name: array.swapaxes(0, 1) if name in ("X", "initial_h", "initial_c") else array
        for name, array in arrays.items()
    }
    Y, *lasts = run_node(node_of(kind, arrays, layout=1, **attributes), turned)
    np.testing.assert_allclose(Y, results[0].transpose(2, 0, 1, 3), atol=1e-6)
    for last, expected in zip(lasts, results[1:], strict=True):
        np.testing.assert_allclose(last, expected.swapaxes(0, 1), atol=1e-6)
    wide = {name: a.astype("f8") if a.dtype == np.float32 else a for name, a in arrays.items()}
    for a, b in zip(run_node(node_of(kind, wide, **attributes), wide), results, strict=True):
        assert a.dtype == np.float64
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-6)


def test_an_lstm_with_peepholes_of_zero_is_that_of_the_core():
    arrays, attributes = drawn("LSTM", 1)
    attributes = {"hidden_size": attributes["hidden_size"], "direction": attributes["direction"]}
    arrays.pop("P", None)
    expected = run_node(node_of("LSTM", arrays, **attributes), arrays)
    D, _, H = arrays["R"].shape
    arrays["P"] = np.zeros((D, 3 * H), "f")
    assert_all_close(run_node(node_of("LSTM", arrays, **attributes), arrays), expected)


def broken(kind, change=None, **attributes):
    """Return a node and its inputs, some of them replaced."""
    rng = np.random.default_rng(0)
    G = 4 * GATES[kind]
    shapes = {"X": (3, 2, 2), "W": (1, G, 2), "R": (1, G, 4), "B": (1, 2 * G)}
    arrays = {name: rng.normal(size=shape).astype("f") for name, shape in shapes.items()}
    arrays |= change or {}
    return node_of(kind, arrays, **{"hidden_size": 4, **attributes}), arrays


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (broken("LSTM", {"P": np.ones((1, 16), "f")}), r"P must be float32 of shape \(1, 12\)"),
        (broken("LSTM", {"P": np.ones((1, 12))}), r"P must be float32 .* got float64"),
        (
            broken("LSTM", {"initial_c": np.ones((1, 2, 5), "f")}),
            r"initial_c must be .*\(1, 2, 4\)",
        ),
        (broken("LSTM", {"B": np.ones((1, 16), "f")}), r"B must have shape \(1, 32\)"),
        (broken("LSTM", hidden_size=5), r"W must have shape \(1, 20, features\)"),
        (broken("LSTM", activations=["Tanh"]), "activations must be 3 names, got 1"),
        (broken("LSTM", activations=["Tanh", "Tanh", "Swish"]), "none that an LSTM of gru_c has"),
        (broken("LSTM", input_forget=2), "input_forget must be 0 or 1, got 2"),
        (broken("LSTM", linear_before_reset=1), "Unrecognized attribute: linear_before_reset"),
        (broken("RNN", activations=["Tanh", "Tanh"]), "activations must be 1 names, got 2"),
        (broken("RNN", {"initial_h": np.ones((1, 3, 4), "f")}), r"initial_h must be .*\(1, 2, 4\)"),
    ],
)
def test_nodes_that_are_refused(case, message):
    node, arrays = case
    with pytest.raises(ValueError, match=rf"(?s)node 'cell' \({node.op_type}\).*{message}"):
        run_node(node, arrays)


# ---- models ----

MODELS = {
    "lstm": lambda: [LSTM(5, return_sequences=True), LSTM(4), Dense(2)],
    "rnn": lambda: [SimpleRNN(5, "relu", return_sequences=True), SimpleRNN(4), Dense(2)],
    "clip": lambda: [LSTM(5, clip=0.4, use_bias=False)],
    "functions": lambda: [LSTM(5, "softsign", "hard_sigmoid"), Dense(1)],
    "backwards": lambda: [LSTM(5, go_backwards=True, return_sequences=True), SimpleRNN(3)],
    "both ways": lambda: [Bidirectional(LSTM(5, return_sequences=True)), Bidirectional(LSTM(3))],
    "sum": lambda: [Bidirectional(SimpleRNN(5, return_sequences=True), "sum")],
}


@pytest.mark.parametrize("name", MODELS)
def test_models_there_and_back_beside_onnxruntime(name, tmp_path):
    model = Sequential(MODELS[name](), seed=1)
    model.build((None, None, 3))
    model.set_weights([w + np.float32(0.1) for w in model.get_weights()])  # biases, too
    x = np.random.default_rng(0).normal(size=(4, 7, 3)).astype("f")
    expected = model.predict(x, verbose=0)
    path = tmp_path / "model.onnx"
    export(model, path)
    assert_all_close(by_onnxruntime(path, {"x": x}), [expected], 2e-6)
    served = load(path)
    assert_all_close([served.predict(x)], [expected], 2e-6)
    again = served.to_sequential()
    assert [str(layer) for layer in again.layers] == [str(layer) for layer in model.layers]
    for a, b in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_stream_of_an_lstm_hands_on_both_states(tmp_path):
    model = Sequential([LSTM(5, return_sequences=True), SimpleRNN(4, return_sequences=True)])
    model.build((None, None, 3))
    x = np.random.default_rng(0).normal(size=(1, 9, 3)).astype("f")
    path = tmp_path / "model.onnx"
    export(model, path, streaming=True)
    served = load(path)
    assert served.input_names == ["x", "lstm_initial_h", "lstm_initial_c", "simple_rnn_initial_h"]
    first, *states = served.run(None, {"x": x[:, :4]})
    feeds = dict(zip(served.input_names, [x[:, 4:], *states], strict=True))
    whole = np.concatenate([first, served.run(None, feeds)[0]], axis=1)
    np.testing.assert_allclose(whole, model.predict(x, verbose=0), atol=1e-6)
    assert_all_close(by_onnxruntime(path, feeds), served.run(None, feeds), 2e-6)


def test_an_lstm_with_peepholes_runs_but_is_no_layer(tmp_path):
    node, arrays = broken("LSTM", {"P": np.ones((1, 12), "f")})
    x = arrays.pop("X")
    inputs = {"X": (x.dtype, ("time", "batch", 2))}
    model = read_model(make_model([node], arrays, inputs, OUTPUTS["LSTM"]), tmp_path)
    assert_all_close(model.run(None, {"X": x}), run_node(node, {"X": x, **arrays}))
    with pytest.raises(ValueError, match=r"\(LSTM\).*peepholes \(the input P\), which no layer"):
        model.to_sequential()


@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
def test_files_of_torch(kind, tmp_path):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = getattr(torch.nn, kind)(3, 5, 2, batch_first=True, bidirectional=True)
            self.head = torch.nn.Linear(10, 2)

        def forward(self, x):
            return self.head(self.cell(x)[0])

    module, path, x = Model().eval(), tmp_path / "model.onnx", torch.randn(1, 6, 3)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (x,), str(path), dynamo=False)
    served = load(path)
    np.testing.assert_allclose(served.predict(x.numpy()), module(x).detach(), atol=1e-6)
    model = served.to_sequential()
    np.testing.assert_allclose(model.predict(x.numpy(), verbose=0), module(x).detach(), atol=1e-6)
