"""onnxruntime and OpenVINO: the same ONNX model of one GRU node."""

from __future__ import annotations

import numpy as np

from bench.cases import Problem
from bench.peers.base import Peer, Work


def onnx_model(problem: Problem) -> bytes:
    """Return a model of one GRU node, input "X" (T, B, I) to output "Y" (T, 1, B, H).

    ONNX has the same order of gates as gru_c; its weights are transposed, with an axis for the
    direction.
    """
    from onnx import TensorProto, helper, numpy_helper

    B, T, I, H = problem.shape  # noqa: E741
    weights = {
        "W": problem.kernel.T[None],
        "R": problem.recurrent_kernel.T[None],
        "B": problem.bias.reshape(1, -1),
    }
    node = helper.make_node(
        "GRU", ["X", *weights], ["Y"], hidden_size=H, direction="forward", linear_before_reset=1
    )
    graph = helper.make_graph(
        [node],
        "gru",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [T, B, I])],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, [T, 1, B, H])],
        [numpy_helper.from_array(np.ascontiguousarray(w), name) for name, w in weights.items()],
    )
    # Old versions, which runtimes older than the onnx package can read.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    return model.SerializeToString()


class OnnxRuntime(Peer):
    """onnxruntime's CPU provider, with its defaults except for the threads."""

    name = "onnxruntime"
    label = "onnxruntime"
    needs = ("onnxruntime", "onnx")

    def forward(self, problem: Problem, threads: int) -> Work:
        """Run a session."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        session = onnxruntime.InferenceSession(
            onnx_model(problem), options, providers=["CPUExecutionProvider"]
        )
        feed = {"X": np.ascontiguousarray(problem.x.swapaxes(0, 1))}

        def call():
            return session.run(["Y"], feed)[0]

        return Work(call, lambda: {"output": call()[:, 0].swapaxes(0, 1)})


class OpenVino(Peer):
    """OpenVINO's CPU plugin in float32."""

    name = "openvino"
    label = "OpenVINO"
    needs = ("openvino", "onnx")
    precision = "f32"

    def forward(self, problem: Problem, threads: int) -> Work:
        """Run an inference request; input and output are not copied."""
        import openvino

        settings = {
            "INFERENCE_PRECISION_HINT": self.precision,
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
        }
        core = openvino.Core()
        model = core.compile_model(core.read_model(onnx_model(problem)), "CPU", settings)
        request = model.create_infer_request()
        x = np.ascontiguousarray(problem.x.swapaxes(0, 1))
        request.set_input_tensor(openvino.Tensor(x, shared_memory=True))

        def call(alive=(x, model)):  # the request itself keeps neither alive
            return request.infer(share_outputs=True)[0]

        return Work(call, lambda: {"output": np.array(call()[:, 0].swapaxes(0, 1))})


class OpenVinoBfloat16(OpenVino):
    """OpenVINO in its bfloat16 mode, for weights, state and products."""

    name = "openvino-bfloat16"
    label = "OpenVINO, bfloat16"
    precision = "bf16"
    reduced = True

    @classmethod
    def why_not(cls) -> str:
        """Return what is missing, OpenVINO or bfloat16 on this CPU; empty if nothing is."""
        missing = super().why_not()
        if missing:
            return missing
        import openvino

        capabilities = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return "" if "BF16" in capabilities else "OpenVINO has no bfloat16 on this CPU"

    def inference(self, problem: Problem, threads: int) -> Work:
        """Run an inference request, for comparison with our layers with reduced weights."""
        return self.forward(problem, threads)
