"""The three cells beside PyTorch, onnxruntime and OpenVINO: calls on the same shapes."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gru_c import gru_backward, gru_forward, lstm_backward, lstm_forward, rnn_backward, rnn_forward

Call = Callable[[], Any]
GATES = {"GRU": 3, "LSTM": 4, "SimpleRNN": 1}
FUNCTIONS = {
    "GRU": (gru_forward, gru_backward),
    "LSTM": (lstm_forward, lstm_backward),
    "SimpleRNN": (rnn_forward, rnn_backward),
}
ONNX_OPERATORS = {"GRU": "GRU", "LSTM": "LSTM", "SimpleRNN": "RNN"}
# What each package computes here.
PACKAGES = {
    "torch": ("forward", "training"),
    "onnxruntime": ("forward",),
    "openvino": ("forward",),
}


def installed() -> list[str]:
    """Return the packages that can be compared here, in a fixed order."""
    found = [name for name in PACKAGES if importlib.util.find_spec(name)]
    has_onnx = importlib.util.find_spec("onnx") is not None
    return [name for name in found if name == "torch" or has_onnx]


def calls(cell: str, shape: tuple[int, int, int, int], peers: list[str]) -> Iterator[tuple]:
    """Yield (package, pass, call) on one thread, for a shape (B, T, I, H) in float32."""
    B, T, I, H = shape  # noqa: E741
    rng, size, width = np.random.default_rng(0), H**-0.5, GATES[cell] * H
    x, d_output = (rng.standard_normal((B, T, n), np.float32) for n in (I, H))
    bias_shape = (2, width) if cell == "GRU" else (width,)
    weights = [
        rng.uniform(-size, size, s).astype(np.float32) for s in ((I, width), (H, width), bias_shape)
    ]
    yield from _ours(cell, x, weights, d_output)
    if "torch" in peers:
        yield from _torch(cell, x, weights, d_output)
    for package in ("onnxruntime", "openvino"):
        if package in peers:
            run = {"onnxruntime": _onnxruntime, "openvino": _openvino}[package]
            yield package, "forward", run(onnx_model(cell, shape, weights), x)


def _ours(cell: str, x: Any, weights: list[Any], d_output: Any) -> Iterator[tuple]:
    forward, backward = FUNCTIONS[cell]
    yield "gru_c", "forward", lambda: forward(x, *weights, num_threads=1).output

    def train() -> Any:
        result = forward(x, *weights, training=True, num_threads=1)
        return result.output, backward(result.tape, d_output, keep_tape=False)

    yield "gru_c", "training", train


def _torch(cell: str, x: Any, weights: list[Any], d_output: Any) -> Iterator[tuple]:
    """Yield the calls of PyTorch's layer; the order of its gates does not change the time."""
    import torch

    torch.set_num_threads(1)
    kind = {"GRU": torch.nn.GRU, "LSTM": torch.nn.LSTM, "SimpleRNN": torch.nn.RNN}[cell]
    layer = kind(x.shape[2], d_output.shape[2], batch_first=True)
    x, d_output = torch.from_numpy(x), torch.from_numpy(d_output)
    tracked = x.clone().requires_grad_()

    def forward() -> Any:
        with torch.inference_mode():
            return layer(x)[0]

    def train() -> Any:
        layer.zero_grad(set_to_none=True)
        tracked.grad = None
        output = layer(tracked)[0]
        output.backward(d_output)
        return output

    yield "torch", "forward", forward
    yield "torch", "training", train


def _gates(weight: Any, order: tuple[int, ...]) -> list[Any]:
    parts = np.split(weight, len(order), -1)
    return [parts[i] for i in order]


def onnx_model(cell: str, shape: tuple[int, int, int, int], weights: list[Any]) -> bytes:
    """Return a model of one node, input "X" (T, B, I) to output "Y" (T, 1, B, H)."""
    from onnx import TensorProto, helper, numpy_helper

    B, T, I, H = shape  # noqa: E741
    if cell == "LSTM":  # i f c o become i o f c
        weights = [np.concatenate(_gates(w, (0, 3, 1, 2)), -1) for w in weights]
    kernel, recurrent_kernel, bias = weights
    both = bias.reshape(-1) if cell == "GRU" else np.concatenate([bias, np.zeros_like(bias)])
    arrays = {"W": kernel.T[None], "R": recurrent_kernel.T[None], "B": both[None]}
    options = {"linear_before_reset": 1} if cell == "GRU" else {}
    node = helper.make_node(
        ONNX_OPERATORS[cell], ["X", *arrays], ["Y"], hidden_size=H, direction="forward", **options
    )
    graph = helper.make_graph(
        [node],
        "cell",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [T, B, I])],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, [T, 1, B, H])],
        [numpy_helper.from_array(np.ascontiguousarray(a), name) for name, a in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    return model.SerializeToString()


def _onnxruntime(model: bytes, x: Any) -> Call:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {"X": np.ascontiguousarray(x.swapaxes(0, 1))}
    return lambda: session.run(["Y"], feed)[0][:, 0].swapaxes(0, 1)


def _openvino(model: bytes, x: Any) -> Call:
    import openvino

    core = openvino.Core()
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
    }
    compiled = core.compile_model(core.read_model(model), "CPU", settings)
    request = compiled.create_infer_request()
    data = np.ascontiguousarray(x.swapaxes(0, 1))
    request.set_input_tensor(openvino.Tensor(data, shared_memory=True))

    def call(alive: Any = (compiled, data)) -> Any:  # the request keeps neither alive
        return np.array(request.infer(share_outputs=True)[0])[:, 0].swapaxes(0, 1)

    return call
