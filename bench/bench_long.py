"""A training step of a long sequence, with gradient checkpointing and without.

    pytest bench/bench_long.py

One layer, B=8 T=10,000 I=8 H=128 float32, two threads. ``extra_info`` shows the memory that a step
holds besides its inputs and results.
"""

import tracemalloc

import numpy as np
import pytest

from gru_c import GRU, set_num_threads


@pytest.mark.benchmark(group="training step of 10,000 time steps")
@pytest.mark.parametrize("every", [None, "auto"], ids=["plain", "checkpoints"])
def test_training_step(benchmark, every):
    set_num_threads(2)
    layer = GRU(128, return_sequences=True, checkpoint_every=every)
    layer.build((None, None, 8), rng=0)
    x = np.random.default_rng(0).normal(size=(8, 10_000, 8)).astype(np.float32)
    d_output = np.ones((8, 10_000, 128), np.float32)

    def step():
        output = layer.forward(x, training=True)
        return output, layer.backward(d_output)

    tracemalloc.start()
    results = step()
    peak = tracemalloc.get_traced_memory()[1] - sum(array.nbytes for array in results)
    tracemalloc.stop()
    benchmark.extra_info["MB beyond inputs and results"] = round(peak / 1e6, 2)
    benchmark.pedantic(step, rounds=9, warmup_rounds=1)
