"""The directions of a `Bidirectional`, run side by side and one after the other.

    pytest bench/bench_bidirectional.py

Float32, two threads, and shapes in which a direction has work for one thread only. (In larger ones
the directions run one after the other, each on all threads.)
"""

import numpy as np
import pytest

from gru_c import GRU, Bidirectional, set_num_threads
from gru_c.recurrence import side_by_side

SHAPES = [(1, 1000, 64, 128), (8, 500, 16, 64), (12, 300, 16, 48)]


@pytest.mark.parametrize("order", ["side by side", "in turn"])
@pytest.mark.parametrize("shape", SHAPES, ids="{0[0]}-{0[1]}-{0[2]}-{0[3]}".format)
def test_training_step(benchmark, monkeypatch, shape, order):
    rows, steps, features, units = shape
    benchmark.group = "training step of a Bidirectional, B={} T={} I={} H={}".format(*shape)
    if order == "in turn":
        monkeypatch.setattr(side_by_side, "SIDE_BY_SIDE_WORK", np.inf)
    set_num_threads(2)
    layer = Bidirectional(GRU(units, return_sequences=True))
    layer.build((None, None, features), rng=0)
    x = np.random.default_rng(0).normal(size=(rows, steps, features)).astype(np.float32)
    d_output = np.ones((rows, steps, 2 * units), np.float32)

    def step():
        layer.forward(x, training=True)
        layer.backward(d_output, keep_tape=False)

    benchmark.pedantic(step, rounds=50, warmup_rounds=3)
