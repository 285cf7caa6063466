"""Compare how far the gradient reaches back in a GRU, an LSTM and a SimpleRNN.

The adding problem (S. Hochreiter and J. Schmidhuber, "Long Short-Term Memory", 1997): each of 200
time steps shows a number and a mark. Two steps are marked, one in each half, and the target is the
sum of their numbers. A network that forgets the first number before the end cannot do better than
to answer with the mean, which gives an error of 0.17.

The first plot shows the norm of the loss's gradient with respect to the state t time steps before
the last one, for initial weights (dotted) and after training. In a SimpleRNN the gradient passes a
tanh and a matrix in each step. In a GRU it also flows through the update gate, ``z * h``, in an
LSTM through the forget gate (whose bias starts at 1, as usual). At first the gates are half open,
so an untrained GRU forgets fast. But the gates can learn to stay closed, and then the gradient
arrives. The second plot shows which of the networks learn the problem.

    python examples/vanishing_gradient.py

It takes about a minute and saves vanishing_gradient.png. The three layers have about as many
parameters as each other. ``python -m bench.cells`` repeats this with ten seeds; its results are on
the page docs/performance/cells.md.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from itertools import islice

import numpy as np

from gru_c import (
    GRU,
    LSTM,
    Dense,
    Parameters,
    SimpleRNN,
    gru_backward,
    gru_forward,
    lstm_backward,
    lstm_forward,
    rnn_backward,
    rnn_forward,
)
from gru_c.layers import Layer
from gru_c.losses import MeanSquaredError
from gru_c.optimizers import Adam

STEPS = 200
BATCH = 32
UNITS = {GRU: 32, LSTM: 28, SimpleRNN: 57}  # 3,420 to 3,472 weights
MEAN_ERROR = 1 / 6  # of the constant answer 1: the variance of a sum of two uniform numbers
PASSES = {
    GRU: (gru_forward, gru_backward),
    LSTM: (lstm_forward, lstm_backward),
    SimpleRNN: (rnn_forward, rnn_backward),
}


def adding_problem(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs (count, STEPS, 2) and targets (count, 1)."""
    x = np.zeros((count, STEPS, 2), np.float32)
    x[:, :, 0] = rng.random((count, STEPS))
    half = STEPS // 2
    rows = np.arange(count)
    for first in (0, half):
        x[rows, first + rng.integers(half, size=count), 1] = 1
    return x, (x[:, :, 0] * x[:, :, 1]).sum(axis=1, keepdims=True)


def build(layer: Layer, seed: int) -> tuple[Layer, Dense]:
    """Return the layer and a Dense(1) that reads its last state, with initial weights."""
    layer.build((None, STEPS, 2), rng=seed)
    head = Dense(1)
    head.build((None, layer.units), rng=seed)
    return layer, head


def state_gradients(layer: Layer, head: Dense, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the loss's gradients for the initial state and for h_1 to h_T (B, T, H), in float64.

    The initial state is h_0 and, of an LSTM, c_0. In float32 a gradient that vanishes would be 0.
    """
    x, y = (part.astype(float) for part in adding_problem(np.random.default_rng(seed), BATCH))
    forward, backward = PASSES[type(layer)]
    result = forward(x, *(weight.astype(float) for weight in layer.get_weights()), training=True)
    last = result.output[:, -1]
    kernel, bias = (weight.astype(float) for weight in head.get_weights())
    d_last = 2 / BATCH * (last @ kernel + bias - y) @ kernel.T
    d_state = (d_last, None) if isinstance(layer, LSTM) else d_last
    gradients = backward(result.tape, d_state=d_state, d_hidden=True)
    first = gradients.initial_state
    return [*first] if isinstance(layer, LSTM) else [first], gradients.hidden


def gradient_norms(layer: Layer, head: Dense, seed: int) -> np.ndarray:
    """Return the norms of the loss's gradients for h_0 to h_T, over a batch."""
    first, later = state_gradients(layer, head, seed)
    return np.linalg.norm(np.concatenate([first[0][:, None], later], axis=1), axis=(0, 2))


def learn(layer: Layer, head: Dense, rate: float, seed: int) -> Iterator[float]:
    """Train on the adding problem, always on new samples; yield the loss of each step."""
    rng = np.random.default_rng(seed)
    parameters = Parameters([layer, head])
    loss, optimizer = MeanSquaredError(), Adam(rate, global_clipnorm=1.0)
    while True:
        x, y = adding_problem(rng, BATCH)
        output = head.forward(layer.forward(x, training=True), training=True)
        value, d_output = loss.value_and_gradient(y, output)
        layer.backward(head.backward(d_output), input_gradient=False)
        optimizer.step(parameters)
        yield value


def smooth(losses: np.ndarray) -> np.ndarray:
    """Return means over the last 20 steps, over fewer at the beginning."""
    return np.array([losses[max(0, i - 19) : i + 1].mean() for i in range(len(losses))])


def plot(norms: dict[str, list[np.ndarray]], losses: dict[str, np.ndarray], path: str) -> None:
    """Save both plots."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise SystemExit(f'{error}: run pip install "gru_c[plot]"') from error
    plt.rcParams.update({"font.size": 12, "axes.spines.top": False, "axes.spines.right": False})
    colors = {"GRU": "#d95f02", "LSTM": "#7570b3", "SimpleRNN": "0.45"}
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    for name, (fresh, trained) in norms.items():
        back = np.arange(STEPS + 1)[::-1]
        left.semilogy(back, trained / trained[-1], color=colors[name], label=name, linewidth=2)
        left.semilogy(back, fresh / fresh[-1], color=colors[name], linestyle=":")
    left.set_ylim(1e-20, 1e3)
    left.set_title("The part of the gradient that is left (dotted: before training)", loc="left")
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
    parser.add_argument("--steps", type=int, default=2500, help="of the optimizer, 2500 by default")
    parser.add_argument("--units", type=int, help="of each layer; by default as many parameters")
    parser.add_argument("--rate", type=float, default=0.003, help="of Adam, 0.003 by default")
    parser.add_argument("--seed", type=int, default=0, help="0 by default")
    parser.add_argument("--plot", default="vanishing_gradient.png", metavar="PATH")
    options = parser.parse_args(arguments)

    norms, losses = {}, {}
    print("             parameters   ms a step   gradient 200 steps back    error")
    print("                                      fresh      trained")
    for kind, units in UNITS.items():
        name = kind.__name__
        layer, head = build(kind(options.units or units), options.seed)
        fresh = gradient_norms(layer, head, options.seed)
        begin = time.perf_counter()
        training = learn(layer, head, options.rate, options.seed)
        losses[name] = np.array(list(islice(training, options.steps)))
        seconds = (time.perf_counter() - begin) / options.steps
        norms[name] = [fresh, gradient_norms(layer, head, options.seed)]
        left = [values[0] / values[-1] for values in norms[name]]
        print(
            f"  {name:9}  {layer.count_params():10,}  {seconds * 1e3:10.1f}   {left[0]:8.0e}   "
            f"{left[1]:8.0e}                 {losses[name][-100:].mean():.4f}",
            flush=True,
        )
    print(f"  always the mean  {60 * ' '}{MEAN_ERROR:.4f}")
    plot(norms, losses, options.plot)


if __name__ == "__main__":
    main()
