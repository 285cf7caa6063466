"""The command ``gru-c bench``: a short comparison of speed on this machine.

Each library runs one GRU layer in float32 on arrays of the same sizes: a forward pass alone, and a
forward and backward pass. The libraries are timed in turn, in rounds, so that changes in the load
of the machine affect all of them; the table shows medians.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.optional import require
from gru_c.functional import gru_backward, gru_forward
from gru_c.runtime.threads import get_num_threads, use_threads

Call = Callable[[], object]

_SHORTEST = 2e-3  # seconds that a sample takes at least; calls are repeated until then


class Shape(NamedTuple):
    """The numbers of sequences, time steps, input features and hidden units."""

    B: int
    T: int
    I: int  # noqa: E741
    H: int

    def __str__(self) -> str:
        return " ".join(f"{name}={size}" for name, size in self._asdict().items())


SHAPES = (Shape(1, 100, 8, 50), Shape(32, 10, 8, 50), Shape(32, 100, 64, 128))


class Problem:
    """The arrays of a shape, in gru_c's layout."""

    def __init__(self, shape: Shape) -> None:
        rng = np.random.default_rng(0)
        B, T, I, H = shape  # noqa: E741
        self.shape = shape
        self.x = self._draw(rng, B, T, I)
        self.kernel, self.recurrent_kernel = self._draw(rng, I, 3 * H), self._draw(rng, H, 3 * H)
        self.bias, self.d_output = self._draw(rng, 2, 3 * H), self._draw(rng, B, T, H)

    @staticmethod
    def _draw(rng: np.random.Generator, *shape: int) -> Array:
        return (0.1 * rng.standard_normal(shape)).astype(np.float32)


def add_command(commands: Any, count: Callable[[str], int]) -> None:
    """Add `bench` to the commands; `count` reads a number of at least 1."""
    parser = commands.add_parser(
        "bench",
        help="time this machine, beside the other libraries that are installed",
        description="Time forward passes and training steps on this machine, beside PyTorch, "
        "onnxruntime and Keras where they are installed.",
        epilog="example: gru-c bench --rounds 20 --threads 1",
    )
    parser.add_argument("--rounds", type=count, default=20, help="default: 20")
    parser.add_argument("--threads", type=count, help="default: as gru-c info says")
    parser.set_defaults(run=_bench)


def _bench(options: argparse.Namespace) -> int:
    print(compare(options.rounds, options.threads))
    return 0


def _ours(problem: Problem, threads: int) -> tuple[Call, Call]:
    weights = problem.kernel, problem.recurrent_kernel, problem.bias

    def forward() -> object:
        with use_threads(threads):
            return gru_forward(problem.x, *weights)

    def training() -> object:
        with use_threads(threads):
            result = gru_forward(problem.x, *weights, training=True)
            assert result.tape is not None
            return gru_backward(result.tape, d_output=problem.d_output)

    return forward, training


def _torch(problem: Problem, threads: int) -> tuple[Call, Call]:
    torch = require("torch", "torch")
    torch.set_num_threads(threads)
    gru = torch.nn.GRU(problem.shape.I, problem.shape.H)
    x, d_output = (
        torch.from_numpy(np.ascontiguousarray(a.swapaxes(0, 1)))
        for a in (problem.x, problem.d_output)
    )

    def forward() -> object:
        with torch.inference_mode():
            return gru(x)

    def training() -> object:
        gru.zero_grad(set_to_none=True)
        return gru(x.detach().requires_grad_())[0].backward(d_output)

    return forward, training


def _onnxruntime(problem: Problem, threads: int) -> tuple[Call, None]:
    runtime, onnx = require("onnxruntime", "bench"), require("onnx", "onnx")
    B, T, I, H = problem.shape  # noqa: E741
    weights = {
        "W": problem.kernel.T[None],
        "R": problem.recurrent_kernel.T[None],
        "B": problem.bias.reshape(1, -1),
    }
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    node = helper.make_node("GRU", ["X", *weights], ["Y"], hidden_size=H, linear_before_reset=1)
    graph = helper.make_graph(
        [node],
        "gru",
        [helper.make_tensor_value_info("X", kind, [T, B, I])],
        [helper.make_tensor_value_info("Y", kind, [T, 1, B, H])],
        [
            onnx.numpy_helper.from_array(np.ascontiguousarray(array), name)
            for name, array in weights.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    session = runtime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feed = {"X": np.ascontiguousarray(problem.x.swapaxes(0, 1))}
    return (lambda: session.run(["Y"], feed)), None


def _keras(problem: Problem, threads: int) -> tuple[Call, None]:
    _choose_backend()
    keras = require("keras", "bench")  # the backend chooses its number of threads
    _, T, I, H = problem.shape  # noqa: E741
    model = keras.Sequential([keras.Input((T, I)), keras.layers.GRU(H, return_sequences=True)])
    model.set_weights([problem.kernel, problem.recurrent_kernel, problem.bias])
    return (lambda: model.predict_on_batch(problem.x)), None


def _choose_backend() -> None:
    """Set an installed backend of Keras, unless the user has set one."""
    backends = ("tensorflow", "jax", "torch")
    backend = next((name for name in backends if importlib.util.find_spec(name)), None)
    if backend is not None and "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", backend)


# For each library the packages that it needs, and a function that makes its two calls: the forward
# pass, and the forward and backward pass.
PEERS: dict[str, tuple[tuple[str, ...], Callable[[Problem, int], tuple[Call, Call | None]]]] = {
    "gru_c": ((), _ours),
    "PyTorch": (("torch",), _torch),
    "onnxruntime": (("onnxruntime", "onnx"), _onnxruntime),
    "Keras": (("keras",), _keras),
}


def compare(rounds: int = 20, threads: int | None = None) -> str:
    """Return a table of medians in microseconds.

    Parameters
    ----------
    rounds : int
        Number of samples of each call.
    threads : int, optional
        Threads of each library; by default the result of `gru_c.get_num_threads`.
    """
    threads = get_num_threads() if threads is None else threads
    reasons = {name: reason_to_skip(name, threads) for name in PEERS}
    peers = [name for name, reason in reasons.items() if not reason]
    lines = [
        f"Microseconds, medians of {rounds} rounds, {threads} threads of {os.cpu_count()} CPUs; "
        "how many times as long as gru_c",
        "",
        f"{'':44}" + "".join(f"{name:>22}" for name in peers),
    ]
    for shape in SHAPES:
        pairs = {name: PEERS[name][1](Problem(shape), threads) for name in peers}
        for number, title in enumerate(("forward", "forward and backward")):
            calls = {name: pair[number] for name, pair in pairs.items()}
            medians = _medians({n: call for n, call in calls.items() if call is not None}, rounds)
            cells = "".join(_cell(medians, name) for name in peers)
            lines.append(f"{title:21}{shape!s:23}{cells}")
    lines += [f"without {name}: {reason}" for name, reason in reasons.items() if reason]
    return "\n".join(lines)


def reason_to_skip(name: str, threads: int) -> str:
    """Return the reason why a library cannot run; "" if it can."""
    needs, make = PEERS[name]
    missing = [module for module in needs if importlib.util.find_spec(module) is None]
    if missing:
        return f"{' and '.join(missing)} not installed"
    try:
        make(Problem(Shape(1, 1, 1, 1)), threads)
    except ImportError as error:
        return str(error)
    return ""


def _cell(medians: dict[str, float], name: str) -> str:
    if name not in medians:
        return f"{'-':>22}"
    times = "" if name == "gru_c" else f" ({medians[name] / medians['gru_c']:.1f}x)"
    return f"{1e6 * medians[name]:,.1f}{times}".rjust(22)


def _medians(calls: dict[str, Call], rounds: int) -> dict[str, float]:
    """Return the median seconds of each call, all timed once in each round."""
    repeats: dict[str, int] = {}
    for name, call in calls.items():
        call()  # the first call also prepares later ones
        repeats[name] = max(1, math.ceil(_SHORTEST / max(_seconds(call, 1), 1e-7)))
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            call()  # fills the caches again, after the calls of the other libraries
            samples[name].append(_seconds(call, repeats[name]))
    return {name: statistics.median(seconds) for name, seconds in samples.items()}


def _seconds(call: Call, repeats: int) -> float:
    begin = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - begin) / repeats
