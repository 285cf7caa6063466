"""A PyTorch model before and after `gru_c.interop.torch.convert`.

    pip install -e ".[bench]" && pytest bench/bench_torch.py

Two GRU layers and a Linear layer on the last time step, float32, Adam. Measured are a training step
on one and on two threads, and one on a batch of packed sequences of different lengths.
"""

import pytest

torch = pytest.importorskip("torch")
from torch.nn.utils.rnn import pack_padded_sequence  # noqa: E402

from gru_c.interop.torch import convert  # noqa: E402

SHAPES = [(32, 100, 64, 128), (64, 50, 256, 256)]


@pytest.fixture(params=[1, 2], ids="{} threads".format)
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


class Model(torch.nn.Module):
    def __init__(self, features, units):
        super().__init__()
        self.gru = torch.nn.GRU(features, units, num_layers=2, batch_first=True)
        self.head = torch.nn.Linear(units, 1)

    def forward(self, x):
        return self.head(self.gru(x)[1][-1])


def make_training_step(model, x, rows):
    """Return a function that takes one step of Adam."""
    optimizer, y = torch.optim.Adam(model.parameters()), torch.randn(rows, 1)

    def step():
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()

    return step


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("shape", SHAPES, ids="{0[0]}-{0[1]}-{0[2]}-{0[3]}".format)
def test_training_step(benchmark, threads, shape, side):
    B, T, features, units = shape
    benchmark.group = "training step, two layers, B={} T={} I={} H={}, {} threads".format(
        *shape, threads
    )
    torch.manual_seed(0)
    model = Model(features, units)
    step = make_training_step(
        convert(model) if side == "after" else model, torch.randn(B, T, features), B
    )
    benchmark.pedantic(step, rounds=12, warmup_rounds=2)


@pytest.mark.parametrize("side", ["before", "after"])
def test_training_step_of_packed_sequences(benchmark, threads, side):
    B, T, features, units = SHAPES[0]
    benchmark.group = f"training step, packed sequences of 1 to {T} steps, {threads} threads"
    torch.manual_seed(0)
    model, lengths = Model(features, units), torch.randint(1, T + 1, (B,))
    x = pack_padded_sequence(
        torch.randn(B, T, features), lengths, batch_first=True, enforce_sorted=False
    )
    step = make_training_step(convert(model) if side == "after" else model, x, B)
    benchmark.pedantic(step, rounds=12, warmup_rounds=2)
