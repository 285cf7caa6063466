"""The stacked regression of the tutorial: an epoch of training, and a prediction.

pytest bench/bench_demo.py --benchmark-group-by=param:threads
"""

import numpy as np
import pytest

from gru_c import GRU, Dense, Sequential, _core

RNG = np.random.default_rng(0)
X = RNG.standard_normal((100, 10, 8)).astype(np.float32)
Y = RNG.standard_normal(100).astype(np.float32)


@pytest.fixture
def model(threads):
    layers = [GRU(50, input_shape=(10, 8), return_sequences=True), GRU(50), Dense(1)]
    model = Sequential(layers, seed=0)
    model.compile(optimizer="adam", loss="mse")
    return model


@pytest.fixture
def torch_model(torch):
    class Demo(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = torch.nn.GRU(8, 50, num_layers=2, batch_first=True)
            self.head = torch.nn.Linear(50, 1)

        def forward(self, x):
            return self.head(self.gru(x)[1][-1])[:, 0]

    return Demo()


def test_epoch(benchmark, model):
    benchmark(model.fit, X, Y, verbose=0)


class _NoCore:
    """In place of the core's layers: gives outputs that it has seen before, and no gradients."""

    def __init__(self, outputs):
        self.outputs = outputs

    def forward(self, x, threads):
        return self.outputs[len(x)]

    def backward(self, *arguments):
        return None


def test_epoch_without_the_core(benchmark, model, monkeypatch):
    """The share of an epoch that is Python."""
    model.fit(X, Y, verbose=0)
    outputs = {size: model.run_in_training(X[:size])[0] for size in (32, 4)}
    (run,) = model._training_runs.taken.values()
    run._core = _NoCore(outputs)
    monkeypatch.setattr(_core, "adam", lambda *_: None)
    benchmark(model.fit, X, Y, verbose=0)


@pytest.mark.peer
def test_epoch_torch(benchmark, torch, torch_model):
    optimizer = torch.optim.Adam(torch_model.parameters())
    x, y = torch.from_numpy(X), torch.from_numpy(Y)

    def epoch():
        for batch in torch.randperm(100).split(32):
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(torch_model(x[batch]), y[batch]).backward()
            optimizer.step()

    benchmark(epoch)


def test_predict_one(benchmark, model):
    benchmark(model.predict, X[:1], verbose=0)


@pytest.mark.peer
def test_predict_one_torch(benchmark, torch, torch_model):
    x = torch.from_numpy(X[:1])

    def predict():
        with torch.no_grad():
            return torch_model(x)

    benchmark(predict)
