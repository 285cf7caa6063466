"""One GRU layer: the forward pass alone, and with the backward pass.

pytest bench/bench_layer.py --benchmark-group-by=func,param:problem
"""

import numpy as np
import pytest

from gru_c import gru_backward, gru_forward


def record_speed(benchmark, problem, passes):
    """Record the GFLOP/s of the median time; a backward pass counts as two forward passes."""
    if benchmark.disabled:
        return
    x, _, recurrent_kernel, _ = problem
    B, T, I = x.shape  # noqa: E741
    H = len(recurrent_kernel)
    flops = passes * 2 * T * B * 3 * H * (I + H)
    benchmark.extra_info["gflops"] = round(flops / benchmark.stats.stats.median / 1e9, 1)


def test_forward(benchmark, problem, threads):
    benchmark(gru_forward, *problem, num_threads=threads)
    record_speed(benchmark, problem, 1)


@pytest.mark.peer
def test_forward_torch(benchmark, problem, torch, torch_gru):
    gru, x = torch_gru

    def forward():
        with torch.no_grad():
            return gru(x)

    benchmark(forward)
    record_speed(benchmark, problem, 1)


def test_training_step(benchmark, problem, threads):
    d_output = np.ones((*problem[0].shape[:2], len(problem[2])), np.float32)

    def step():
        result = gru_forward(*problem, training=True, num_threads=threads)
        return gru_backward(result.tape, d_output, keep_tape=False)

    benchmark(step)
    record_speed(benchmark, problem, 3)


@pytest.mark.peer
def test_training_step_torch(benchmark, problem, torch_gru):
    gru, x = torch_gru
    x.requires_grad_()

    def step():
        gru.zero_grad()
        gru(x)[0].sum().backward()

    benchmark(step)
    record_speed(benchmark, problem, 3)
