"""Latency of a time step of a stream, with the call from Python, on one thread in float32.

    pytest bench/bench_stream.py

It is compared with gru_step, which packs its weights in every call, and with onnxruntime.
"""

import numpy as np
import pytest

from bench.cases import STEP, make_problem
from bench.peers.onnx_runtimes import OnnxRuntime
from gru_c import GRU, Dense, Sequential, gru_step

STACKS = {
    "I=8 H=50": lambda: [GRU(50)],
    "I=8 H=50, H=50, Dense(1)": lambda: [GRU(50, return_sequences=True), GRU(50), Dense(1)],
    "I=8 H=50, softmax": lambda: [GRU(50), Dense(3, "softmax")],
    "I=8 H=256, H=256": lambda: [GRU(256, return_sequences=True), GRU(256)],
    "I=8 H=256, H=256, bfloat16": lambda: [
        GRU(256, return_sequences=True, inference_weights="bfloat16"),
        GRU(256, inference_weights="bfloat16"),
    ],
}
X_T = np.random.default_rng(0).standard_normal((1, 8)).astype(np.float32)


def time_calls(benchmark, function, *arguments):
    """Time rounds of many calls, because a single call is shorter than the clock's resolution."""
    benchmark.pedantic(function, arguments, rounds=50, iterations=1000, warmup_rounds=2)


def make_stream(layers):
    model = Sequential(layers, seed=0)
    model.build((None, None, 8))
    return model.stream()


@pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS)
def test_step(benchmark, stack):
    time_calls(benchmark, make_stream(stack()).step, X_T)


@pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS)
def test_step_into_an_array(benchmark, stack):
    stream = make_stream(stack())
    time_calls(benchmark, stream.step, X_T, stream.step(X_T))


def test_gru_step(benchmark):
    layer = GRU(50)
    layer.build((None, None, 8), rng=0)
    time_calls(benchmark, gru_step, X_T, np.zeros((1, 50), np.float32), *layer.get_weights())


@pytest.mark.peer
def test_step_onnxruntime(benchmark):
    if why := OnnxRuntime.why_not():
        pytest.skip(why)
    time_calls(benchmark, OnnxRuntime().forward(make_problem(STEP, "float32"), 1).call)
