"""The cost of dropout, recurrent dropout, zoneout and other activations in a training step.

    pytest bench/bench_regularised.py

One layer, forward and backward pass, B=32 T=100 I=64 H=128 float32 on one thread.
"""

import numpy as np
import pytest

from gru_c import GRU, set_num_threads

KINDS = {
    "plain": {},
    "dropout": {"dropout": 0.2},
    "recurrent_dropout": {"recurrent_dropout": 0.2},
    "zoneout": {"zoneout": 0.1},
    "all three": {"dropout": 0.2, "recurrent_dropout": 0.2, "zoneout": 0.1},
    "hard_sigmoid": {"recurrent_activation": "hard_sigmoid"},
    "clip": {"clip": 3.0},
}


@pytest.mark.benchmark(group="training step")
@pytest.mark.parametrize("kind", KINDS)
def test_training_step(benchmark, kind):
    set_num_threads(1)
    layer = GRU(128, return_sequences=True, seed=0, **KINDS[kind])
    layer.build((None, None, 64), rng=0)
    x = np.random.default_rng(0).normal(size=(32, 100, 64)).astype(np.float32)
    d_output = np.ones((32, 100, 128), np.float32)

    def step():
        layer.forward(x, training=True)
        layer.backward(d_output, keep_tape=False)

    benchmark.pedantic(step, rounds=60, warmup_rounds=5)
