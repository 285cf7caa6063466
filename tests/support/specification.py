"""The specification: the equations of the GRU, the LSTM and the plain cell in plain NumPy.

Nothing here is fast or imported from the package. Numbers are double precision, or complex:
`derivative` differentiates by an imaginary step.
"""

import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


ACTIVATIONS = {
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "hard_sigmoid": lambda a, alpha=1 / 6, beta=0.5: clipped(alpha * a + beta, 0, 1),
    "relu": lambda a: np.where(a.real > 0, a, 0),
    "linear": lambda a: a,
    "softsign": lambda a: a / (1 + a * np.sign(a.real)),
    "affine": lambda a, alpha=1.0, beta=0.0: alpha * a + beta,
    "leaky_relu": lambda a, alpha=0.2: np.where(a.real < 0, alpha * a, a),
    "thresholded_relu": lambda a, alpha=1.0: np.where(a.real > alpha, a, 0),
    "scaled_tanh": lambda a, alpha=1.0, beta=1.0: alpha * np.tanh(beta * a),
    "elu": lambda a, alpha=1.0: np.where(a.real < 0, alpha * np.expm1(clipped(a, -999, 0)), a),
    "softplus": lambda a: np.log1p(np.exp(a)),
}


def clipped(a, low, high):
    return np.where(a.real < low, low, np.where(a.real > high, high, a))


def gru(
    x,
    W,
    U,
    bias=None,
    h=None,
    *,
    reset_after=True,
    go_backwards=False,
    activation="tanh",
    recurrent_activation="sigmoid",
    clip=np.inf,
    state_mask=1,
    keeps=None,
    mask=None,
    zero_output=False,
):
    """Return outputs (B, T, H) in the order in which steps are computed, and the last state (B, H).

    `keeps` (T, B, H) is the probability with which each unit keeps its state over each time step.
    `mask` (B, T) is true for the time steps that count. The others do not change the state; their
    output is that of the step before or, with `zero_output`, zero.
    """

    def f(activation, a):
        name, *parameters = [activation] if isinstance(activation, str) else activation
        return ACTIVATIONS[name](clipped(a, -clip, clip), *parameters)

    x, W, U = (np.asarray(a, np.result_type(a, np.float64)) for a in (x, W, U))
    H = len(U)
    b = np.zeros((2, 3 * H) if reset_after else 3 * H) if bias is None else np.asarray(bias)
    b_in, b_rec = b if reset_after else (b, np.zeros(3 * H))
    h = np.zeros((len(x), H)) if h is None else np.asarray(h, np.result_type(h, np.float64))
    z_, r_, n_ = slice(0, H), slice(H, 2 * H), slice(2 * H, 3 * H)
    outputs, order = [], -1 if go_backwards else 1
    mask = np.ones(x.shape[:2], bool) if mask is None else mask
    visible = np.zeros_like(h)
    for t, x_t in enumerate(x.swapaxes(0, 1)[::order]):
        a, m = x_t @ W + b_in, h * state_mask
        z = f(recurrent_activation, a[:, z_] + m @ U[:, z_] + b_rec[z_])
        r = f(recurrent_activation, a[:, r_] + m @ U[:, r_] + b_rec[r_])
        if reset_after:
            n = f(activation, a[:, n_] + r * (m @ U[:, n_] + b_rec[n_]))
        else:
            n = f(activation, a[:, n_] + (r * m) @ U[:, n_])
        after = (1 - z) * n + z * h
        after = after if keeps is None else keeps[t] * h + (1 - keeps[t]) * after
        counts = mask[:, ::order][:, t, None]
        h = np.where(counts, after, h)
        visible = np.where(counts, after, 0 if zero_output else visible)
        outputs.append(visible)
    return (np.stack(outputs, 1) if outputs else np.zeros((len(x), 0, H))), h


def _steps(step, x, state, units, go_backwards, mask, zero_output):
    """Return outputs and last state of ``step(t, x_t, state)``; the output is the state's head."""
    order, visible, outputs = -1 if go_backwards else 1, np.zeros_like(state[:, :units]), []
    mask = np.ones(x.shape[:2], bool) if mask is None else mask
    for t, x_t in enumerate(x.swapaxes(0, 1)[::order]):
        after, counts = step(t, x_t, state), mask[:, ::order][:, t, None]
        state = np.where(counts, after, state)
        visible = np.where(counts, after[:, :units], 0 if zero_output else visible)
        outputs.append(visible)
    return (np.stack(outputs, 1) if outputs else np.zeros((len(x), 0, units))), state


def lstm(
    x,
    W,
    U,
    bias=None,
    state=None,
    *,
    go_backwards=False,
    activation="tanh",
    recurrent_activation="sigmoid",
    clip=np.inf,
    state_mask=1,
    keeps=None,
    mask=None,
    zero_output=False,
):
    """Return outputs (B, T, H) and the last states (B, 2H), h and behind it c; see `gru`."""

    def f(activation, a, clip=np.inf):
        name, *parameters = [activation] if isinstance(activation, str) else activation
        return ACTIVATIONS[name](clipped(a, -clip, clip), *parameters)

    x, W, U = (np.asarray(a, np.result_type(a, np.float64)) for a in (x, W, U))
    H = len(U)
    state = np.zeros((len(x), 2 * H)) if state is None else np.asarray(state)

    def step(t, x_t, before):
        h, c = np.split(before, 2, axis=1)
        a = x_t @ W + (h * state_mask) @ U + (0 if bias is None else np.asarray(bias))
        i, f_, n, o = np.split(a, 4, axis=1)
        i, f_, o = (f(recurrent_activation, gate, clip) for gate in (i, f_, o))
        c = f_ * c + i * f(activation, n, clip)
        after = np.concatenate([o * f(activation, c), c], axis=1)
        keep = 0 if keeps is None else np.concatenate([keeps[t], keeps[t]], axis=1)
        return keep * before + (1 - keep) * after

    return _steps(step, x, state, H, go_backwards, mask, zero_output)


def rnn(
    x,
    W,
    U,
    bias=None,
    h=None,
    *,
    go_backwards=False,
    activation="tanh",
    clip=np.inf,
    state_mask=1,
    keeps=None,
    mask=None,
    zero_output=False,
):
    """Return outputs (B, T, H) and the last state (B, H) of the plain cell; see `gru`."""
    x, W, U = (np.asarray(a, np.result_type(a, np.float64)) for a in (x, W, U))
    h = np.zeros((len(x), len(U))) if h is None else np.asarray(h)
    name, *parameters = [activation] if isinstance(activation, str) else activation

    def step(t, x_t, before):
        a = x_t @ W + (before * state_mask) @ U + (0 if bias is None else np.asarray(bias))
        after = ACTIVATIONS[name](clipped(a, -clip, clip), *parameters)
        keep = 0 if keeps is None else keeps[t]
        return keep * before + (1 - keep) * after

    return _steps(step, x, h, len(U), go_backwards, mask, zero_output)


def derivative(arguments, directions, d_output, d_state, cell=gru, **variant):
    """Return the derivative of sum(output * d_output) + sum(state * d_state) along `directions`.

    `directions` holds an array for some of the `arguments`, which are those of `cell`. The step is
    imaginary, so nothing cancels, and the result is as exact as the function.
    """
    step = 1e-30
    moved = dict(arguments)
    for name, direction in directions.items():
        moved[name] = np.asarray(moved[name], np.float64) + 1j * step * direction
    output, state = cell(*moved.values(), **variant)
    return ((output * d_output).sum() + (state * d_state).sum()).imag / step


def gradient(name, arguments, d_output, d_state, **variant):
    """Return the gradient with respect to an argument, computed element by element."""
    shape = np.shape(arguments[name])
    result = np.empty(shape)
    for index in np.ndindex(shape):
        direction = np.zeros(shape)
        direction[index] = 1
        result[index] = derivative(arguments, {name: direction}, d_output, d_state, **variant)
    return result
