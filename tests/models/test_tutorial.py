"""A well-known Keras tutorial runs after a change of its two imports."""

import contextlib
import io

import numpy as np
import pytest

TUTORIAL = """
import numpy as np
from keras.models import Sequential
from keras.layers import GRU, Dense

X = np.random.randn(100, 10, 8)
y = np.random.randn(100)
model = Sequential()
model.add(GRU(50, input_shape=(10, 8), return_sequences=True))
model.add(GRU(50))
model.add(Dense(1))
model.compile(optimizer='adam', loss='mse')
model.fit(X, y, epochs=10)
predicted_output = model.predict(np.random.randn(1, 10, 8))
print(predicted_output)
"""
KERAS_IMPORTS = "from keras.models import Sequential\nfrom keras.layers import GRU, Dense\n"


def run_tutorial():
    assert TUTORIAL.count("keras") == KERAS_IMPORTS.count("keras") == 2
    text = TUTORIAL.replace(KERAS_IMPORTS, "from gru_c import Sequential, GRU, Dense\n")
    names = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, "tutorial", "exec"), names)
    return names, printed.getvalue()


def test_the_tutorial_runs_and_learns():
    names, printed = run_tutorial()
    losses = names["model"].history.history["loss"]
    assert len(losses) == 10
    assert losses[-1] < losses[0]
    assert names["predicted_output"].shape == (1, 1)
    assert np.isfinite(names["predicted_output"]).all()
    assert printed.count("Epoch") == 10


def test_the_tutorial_has_the_weights_of_keras():
    names, _ = run_tutorial()
    shapes = [weight.shape for weight in names["model"].get_weights()]
    assert shapes == [
        *[(8, 150), (50, 150), (2, 150)],
        *[(50, 150), (50, 150), (2, 150)],
        *[(50, 1), (1,)],
    ]
    assert names["model"].count_params() == 24351


# ---- compared with PyTorch: same weights, same batches, Adam in Keras's form ---------------------


class KerasAdam:
    """Adam in Keras's form: the bias correction is in the rate, epsilon is added to sqrt(v)."""

    def __init__(self, parameters, rate=1e-3, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
        self.parameters = list(parameters)
        self.settings = rate, beta_1, beta_2, epsilon
        self.m = [p.detach() * 0 for p in self.parameters]
        self.v = [p.detach() * 0 for p in self.parameters]
        self.t = 0

    def step(self):
        rate, beta_1, beta_2, epsilon = self.settings
        self.t += 1
        corrected = rate * (1 - beta_2**self.t) ** 0.5 / (1 - beta_1**self.t)
        for p, m, v in zip(self.parameters, self.m, self.v, strict=True):
            m += (p.grad - m) * (1 - beta_1)
            v += (p.grad**2 - v) * (1 - beta_2)
            p.data -= corrected * m / (v.sqrt() + epsilon)
            p.grad = None


def torch_twin(torch, weights):
    """Return two torch.nn.GRU and a Linear, with the weights of the gru_c model."""

    def rzn(array):  # gates z, r, n side by side -> r, z, n
        z, r, n = np.split(np.asarray(array), 3, axis=-1)
        return torch.from_numpy(np.concatenate([r, z, n], axis=-1))

    grus = []
    for kernel, recurrent_kernel, bias in (weights[:3], weights[3:6]):
        gru = torch.nn.GRU(len(kernel), len(recurrent_kernel), batch_first=True)
        gru.to(torch.from_numpy(kernel).dtype)
        gru.weight_ih_l0.data = rzn(kernel).T.contiguous()
        gru.weight_hh_l0.data = rzn(recurrent_kernel).T.contiguous()
        gru.bias_ih_l0.data, gru.bias_hh_l0.data = rzn(bias[0]), rzn(bias[1])
        grus.append(gru)
    head = torch.nn.Linear(50, 1).to(grus[0].weight_ih_l0.dtype)
    head.weight.data = torch.from_numpy(weights[6].T.copy())
    head.bias.data = torch.from_numpy(weights[7].copy())
    parameters = [p for module in (*grus, head) for p in module.parameters()]

    def forward(x):
        sequence, _ = grus[0](x)
        _, state = grus[1](sequence)
        return head(state[0])[:, 0]

    return forward, parameters


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_twenty_epochs_follow_pytorch(dtype):
    torch = pytest.importorskip("torch")
    from gru_c import GRU, Dense, Sequential

    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((100, 10, 8)).astype(dtype), rng.standard_normal(100).astype(dtype)
    layers = [GRU(50, return_sequences=True, input_shape=(10, 8)), GRU(50), Dense(1)]
    model = Sequential(layers, dtype=dtype, seed=3)
    model.compile(optimizer="adam", loss="mse")
    forward, parameters = torch_twin(torch, model.get_weights())
    optimizer = KerasAdam(parameters)
    history = model.fit(X, y, epochs=20, shuffle=False, verbose=0)

    expected = []
    for _ in range(20):
        total = 0.0
        for first in range(0, 100, 32):
            x_batch = torch.from_numpy(X[first : first + 32])
            y_batch = torch.from_numpy(y[first : first + 32])
            loss = ((forward(x_batch) - y_batch) ** 2).mean()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x_batch)
        expected.append(total / 100)
    np.testing.assert_allclose(history.history["loss"], expected, rtol=1e-4)
    assert expected[-1] < 0.9 * expected[0]
