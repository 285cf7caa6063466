"""Sequences of different lengths: only the time steps that count, and all steps with padding.

    pytest bench/bench_lengths.py --benchmark-group-by=func,param:threads

One layer, B=64 T=200 I=64 H=128 float32, lengths drawn evenly from 1 to T: 51% of the steps count.
"""

import numpy as np
import pytest

from gru_c import GRU, Dense, Sequential, gru_backward, gru_forward

B, T, I, H = 64, 200, 64, 128  # noqa: E741
RNG = np.random.default_rng(0)
LENGTHS = RNG.integers(1, T + 1, B)
X = RNG.standard_normal((B, T, I)).astype(np.float32)
WEIGHTS = [
    RNG.uniform(-(H**-0.5), H**-0.5, shape).astype(np.float32)
    for shape in ((I, 3 * H), (H, 3 * H), (2, 3 * H))
]
D_OUTPUT = (np.arange(T) < LENGTHS[:, None])[..., None] * np.ones((B, T, H), np.float32)

each_form = pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["padded", "lengths"])


@each_form
def test_forward(benchmark, threads, lengths):
    benchmark(gru_forward, X, *WEIGHTS, lengths=lengths, num_threads=threads)


@each_form
def test_training_step(benchmark, threads, lengths):
    def step():
        result = gru_forward(X, *WEIGHTS, lengths=lengths, training=True, num_threads=threads)
        return gru_backward(result.tape, D_OUTPUT, keep_tape=False)

    benchmark(step)


@pytest.mark.parametrize("form", ["padded", "lengths", "list", "bucket"])
def test_epoch(benchmark, threads, form):
    """Train for an epoch on 512 sequences in batches of 64."""
    n = 512
    lengths = np.random.default_rng(1).integers(1, T + 1, n)
    x = np.random.default_rng(2).standard_normal((n, T, I)).astype(np.float32)
    sequences = [row[:length] for row, length in zip(x, lengths, strict=True)]
    options = {"batch_size": 64, "verbose": 0}
    options |= {"lengths": {"lengths": lengths}, "bucket": {"bucket": True}}.get(form, {})
    model = Sequential([GRU(H, input_shape=(None, I)), Dense(1)], seed=0)
    model.compile(optimizer="adam", loss="mse")
    inputs = sequences if form in ("list", "bucket") else x
    benchmark(model.fit, inputs, np.ones(n, np.float32), **options)


def pack(torch, x, lengths):
    if lengths is None:
        return x
    return torch.nn.utils.rnn.pack_padded_sequence(
        x, torch.from_numpy(lengths), batch_first=True, enforce_sorted=False
    )


def unpack(torch, output, lengths):
    if lengths is None:
        return output
    return torch.nn.utils.rnn.pad_packed_sequence(output, batch_first=True, total_length=T)[0]


@pytest.mark.peer
@each_form
def test_forward_torch(benchmark, torch, lengths):
    gru, x = torch.nn.GRU(I, H, batch_first=True), torch.from_numpy(X)

    def forward():
        with torch.no_grad():
            return unpack(torch, gru(pack(torch, x, lengths))[0], lengths)

    benchmark(forward)


@pytest.mark.peer
@each_form
def test_training_step_torch(benchmark, torch, lengths):
    gru = torch.nn.GRU(I, H, batch_first=True)
    x, d_output = torch.from_numpy(X).requires_grad_(), torch.from_numpy(D_OUTPUT)

    def step():
        gru.zero_grad()
        unpack(torch, gru(pack(torch, x, lengths))[0], lengths).backward(d_output)

    benchmark(step)
