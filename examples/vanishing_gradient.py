"""Compare how far the gradient reaches back in a GRU, a plain tanh RNN and an LSTM.

The adding problem (S. Hochreiter and J. Schmidhuber, "Long Short-Term Memory", 1997): each of 200
time steps shows a number and a mark. Two steps are marked, one in each half, and the target is the
sum of their numbers. A network that forgets the first number before the end cannot do better than
to answer with the mean, which gives an error of 0.17.

The first plot shows the norm of the gradient of the last state with respect to the state t time
steps before it, for initial weights (dotted) and after training. In a plain RNN the gradient passes
a tanh and a matrix in each step. In a GRU it also flows through the update gate, ``z * h``, in an
LSTM through the forget gate (whose bias starts at 1, as usual). At first the gates are half open,
so an untrained GRU forgets even faster than the RNN. But the gates can learn to stay closed, and
then the gradient arrives. The second plot shows which of the networks learn the problem.

    python examples/vanishing_gradient.py

It takes about half a minute and saves vanishing_gradient.png. The RNN and the LSTM below are plain
NumPy, twenty lines each, and the GRU is gru_c's. The times therefore do not compare a GRU with an
LSTM; the parameters do, with three gates to four.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from gru_c import GRU, Dense, Parameters, gru_backward, gru_forward
from gru_c.initializers import GlorotUniform, Orthogonal, Zeros
from gru_c.layers import Layer
from gru_c.losses import MeanSquaredError
from gru_c.optimizers import Adam

try:
    import matplotlib.pyplot as plt
except ImportError as error:
    raise SystemExit(f'{error}: run pip install "gru_c[plot]"') from error

STEPS = 200
BATCH = 32
MEAN_ERROR = 1 / 6  # of the constant answer 1: the variance of a sum of two uniform numbers


class Recurrent(Layer):
    """Base of the two layers in NumPy: weights, and the last state as the output.

    ``hidden_gradient`` (B, T, H) holds, after `backward`, the gradient with respect to each state.
    """

    gates = 1
    kernel_initializer = GlorotUniform()
    recurrent_kernel_initializer = Orthogonal()
    bias_initializer = Zeros()

    def __init__(self, units):
        super().__init__()
        self.units = units

    def compute_output_shape(self, input_shape):
        """Return (B, H)."""
        return (input_shape[0], self.units)

    def weight_shapes(self, input_shape):
        """Return the shapes of the kernels, with the gates side by side, and of the bias."""
        width = self.gates * self.units
        shapes = {"kernel": (input_shape[2], width), "recurrent_kernel": (self.units, width)}
        return {**shapes, "bias": (width,)}

    def backward(self, d_output, **_):
        """Compute the gradients of the weights."""
        x, states, *_ = self.tape
        d_sums = self.backward_steps(d_output)  # (B, T, gates * H)
        flat = d_sums.reshape(-1, d_sums.shape[-1])
        self.gradient("kernel")[:] = x.reshape(-1, x.shape[-1]).T @ flat
        self.gradient("recurrent_kernel")[:] = states[:, :-1].reshape(-1, self.units).T @ flat
        self.gradient("bias")[:] = flat.sum(axis=0)


class TanhRNN(Recurrent):
    """h' = tanh(x W + h U + b)."""

    def forward(self, x, *, training=False):
        """Return the last state."""
        U, sums = self.value("recurrent_kernel"), x @ self.value("kernel") + self.value("bias")
        states = np.zeros((len(x), x.shape[1] + 1, self.units), x.dtype)
        for t in range(x.shape[1]):
            states[:, t + 1] = np.tanh(sums[:, t] + states[:, t] @ U)
        self.tape = x, states
        return states[:, -1]

    def backward_steps(self, d_state):
        """Return the gradients of the sums before the activations, from that of the last state."""
        states, U = self.tape[1], self.value("recurrent_kernel")
        d_sums = np.empty_like(states[:, 1:])
        self.hidden_gradient = np.empty_like(d_sums)
        for t in reversed(range(d_sums.shape[1])):
            self.hidden_gradient[:, t] = d_state
            d_sums[:, t] = d_state * (1 - states[:, t + 1] ** 2)
            d_state = d_sums[:, t] @ U.T
        return d_sums


class LSTM(Recurrent):
    """c' = f c + i g,  h' = o tanh(c'); gates i f o g, the forget gate's bias starting at 1."""

    gates = 4

    def build(self, input_shape, rng=None):
        """Make the weights."""
        super().build(input_shape, rng)
        self.value("bias")[self.units : 2 * self.units] = 1

    def forward(self, x, *, training=False):
        """Return the last state."""
        H, U = self.units, self.value("recurrent_kernel")
        sums = x @ self.value("kernel") + self.value("bias")
        states = np.zeros((len(x), x.shape[1] + 1, H), x.dtype)
        cells = np.zeros_like(states)
        for t in range(x.shape[1]):
            sums[:, t] += states[:, t] @ U
            sums[:, t, : 3 * H] = 1 / (1 + np.exp(-sums[:, t, : 3 * H]))
            sums[:, t, 3 * H :] = np.tanh(sums[:, t, 3 * H :])
            i, f, o, g = np.split(sums[:, t], 4, axis=1)
            cells[:, t + 1] = f * cells[:, t] + i * g
            states[:, t + 1] = o * np.tanh(cells[:, t + 1])
        self.tape = x, states, cells, sums
        return states[:, -1]

    def backward_steps(self, d_state):
        """Return the gradients of the sums before the activations, from that of the last state."""
        _, states, cells, gates = self.tape
        U, d_cell, d_sums = self.value("recurrent_kernel"), 0, np.empty_like(gates)
        self.hidden_gradient = np.empty_like(states[:, 1:])
        for t in reversed(range(gates.shape[1])):
            self.hidden_gradient[:, t] = d_state
            i, f, o, g = np.split(gates[:, t], 4, axis=1)
            squashed = np.tanh(cells[:, t + 1])
            d_cell = d_cell + d_state * o * (1 - squashed**2)
            slopes = i * (1 - i), f * (1 - f), o * (1 - o), 1 - g**2
            parts = d_cell * g, d_cell * cells[:, t], d_state * squashed, d_cell * i
            d_sums[:, t] = np.concatenate([a * b for a, b in zip(parts, slopes, strict=True)], 1)
            d_cell = d_cell * f
            d_state = d_sums[:, t] @ U.T
        return d_sums


def adding_problem(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs (count, STEPS, 2) and targets (count, 1)."""
    x = np.zeros((count, STEPS, 2), np.float32)
    x[:, :, 0] = rng.random((count, STEPS))
    half = STEPS // 2
    rows = np.arange(count)
    for first in (0, half):
        x[rows, first + rng.integers(half, size=count), 1] = 1
    return x, (x[:, :, 0] * x[:, :, 1]).sum(axis=1, keepdims=True)


def gradient_norms(layer: Layer, seed: int) -> np.ndarray:
    """Return the norms of the gradient of the sum of the last state, with respect to each state."""
    x = adding_problem(np.random.default_rng(seed), BATCH)[0].astype(
        float
    )  # in float32 it underflows
    ones = np.ones((BATCH, layer.units))
    if isinstance(layer, GRU):
        tape = gru_forward(x, *layer.get_weights(), training=True).tape
        hidden = gru_backward(tape, d_state=ones, d_hidden=True).hidden
    else:
        layer.forward(x, training=True)
        layer.backward(ones)
        hidden = layer.hidden_gradient
    return np.linalg.norm(hidden, axis=2).mean(axis=0)


def learn(layer: Layer, steps: int, seed: int) -> tuple[np.ndarray, float]:
    """Train on the adding problem; return the losses, and the median seconds of a step."""
    rng = np.random.default_rng(seed)
    head = Dense(1)
    head.build((None, layer.units), rng=seed)
    parameters = Parameters([layer, head])
    loss, optimizer = MeanSquaredError(), Adam(3e-3, global_clipnorm=1.0)
    losses, seconds = np.empty(steps), np.empty(steps)
    for step in range(steps):
        x, y = adding_problem(rng, BATCH)
        begin = time.perf_counter()
        output = head.forward(layer.forward(x, training=True), training=True)
        losses[step], d_output = loss.value_and_gradient(y, output)
        layer.backward(head.backward(d_output))
        optimizer.step(parameters)
        seconds[step] = time.perf_counter() - begin
    return losses, float(np.median(seconds))


def smooth(losses: np.ndarray) -> np.ndarray:
    """Return means over the last 20 steps, over fewer at the beginning."""
    return np.array([losses[max(0, i - 19) : i + 1].mean() for i in range(len(losses))])


def plot(norms: dict[str, list[np.ndarray]], losses: dict[str, np.ndarray], path: str) -> None:
    """Save both plots."""
    plt.rcParams.update({"font.size": 12, "axes.spines.top": False, "axes.spines.right": False})
    colors = {"GRU": "#d95f02", "LSTM": "#7570b3", "tanh RNN": "0.45"}
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    for name, (fresh, trained) in norms.items():
        back = np.arange(STEPS)[::-1]
        left.semilogy(back, trained / trained[-1], color=colors[name], label=name, linewidth=2)
        left.semilogy(back, fresh / fresh[-1], color=colors[name], linestyle=":")
    left.set_ylim(1e-20, 1e3)
    left.set_title("What is left of the gradient (dotted: before training)", loc="left")
    left.set_xlabel("steps back")
    left.set_ylabel("norm with respect to the state, last one = 1")
    left.legend(frameon=False)
    for name, values in losses.items():
        right.plot(smooth(values), color=colors[name], label=name, linewidth=2)
    right.axhline(MEAN_ERROR, color="0.8", zorder=0)
    right.annotate("always the mean", (100, MEAN_ERROR), (0, -32), textcoords="offset points")
    right.set_ylim(0, 0.4)
    right.set_title(f"Adding problem, {STEPS} steps: mean squared error", loc="left")
    right.set_xlabel("optimizer steps")
    figure.savefig(path, dpi=100)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> None:
    """Measure, train, print the table, and save the plots."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=1200, help="of the optimizer, 1200 by default")
    parser.add_argument("--units", type=int, default=64, help="64 by default")
    parser.add_argument("--seed", type=int, default=0, help="0 by default")
    parser.add_argument("--plot", default="vanishing_gradient.png", metavar="PATH")
    options = parser.parse_args(arguments)

    norms, losses = {}, {}
    print("            parameters   ms a step   gradient 199 steps back    error")
    print("                                     fresh      trained")
    for name, kind in {"GRU": GRU, "LSTM": LSTM, "tanh RNN": TanhRNN}.items():
        layer = kind(options.units)
        layer.build((None, STEPS, 2), rng=options.seed)
        fresh = gradient_norms(layer, options.seed)
        losses[name], seconds = learn(layer, options.steps, options.seed)
        norms[name] = [fresh, gradient_norms(layer, options.seed)]
        left = [values[0] / values[-1] for values in norms[name]]
        print(
            f"  {name:8}  {layer.count_params():10,}  {seconds * 1e3:10.1f}   {left[0]:8.0e}   "
            f"{left[1]:8.0e}                 {losses[name][-100:].mean():.4f}"
        )
    print(f"  always the mean {60 * ' '}{MEAN_ERROR:.4f}")
    plot(norms, losses, options.plot)


if __name__ == "__main__":
    main()
