"""ONNX's LSTM with what the core does not compute, step by step in NumPy.

That are peepholes, ``input_forget``, and another function of the cell's state than of its
candidate. With gates i, o, f, n, weights P of the peepholes, and ``*`` elementwise::

    i  = f(x Wi + h Ui + Pi * c + bi)
    f  = f(x Wf + h Uf + Pf * c + bf), or 1 - i with input_forget
    n  = g(x Wn + h Un + bn)
    c' = f * c + i * n
    o  = f(x Wo + h Uo + Po * c' + bo)
    h' = o * h(c')

References
----------
F. Gers, J. Schmidhuber, "Recurrent Nets that Time and Count", IJCNN 2000,
doi:10.1109/IJCNN.2000.861302: peepholes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.interop.onnx.activations import Spec
from gru_c.recurrence.cell import PARAMETERS
from gru_c.recurrence.weights import Weights


def _sigmoid(a: Array) -> Array:
    half: Array = np.tanh(a / 2) / 2 + a.dtype.type(0.5)
    return half


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "relu": lambda a: np.maximum(a, 0),
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "linear": lambda a: a,
    "softsign": lambda a: a / (1 + np.abs(a)),
    "softplus": lambda a: np.logaddexp(a, 0),
    "affine": lambda a, alpha, beta: alpha * a + beta,
    "leaky_relu": lambda a, alpha: np.where(a < 0, alpha * a, a),
    "thresholded_relu": lambda a, alpha: np.where(a > alpha, a, 0),
    "scaled_tanh": lambda a, alpha, beta: alpha * np.tanh(beta * a),
    "hard_sigmoid": lambda a, alpha, beta: np.clip(alpha * a + beta, 0, 1),
    "elu": lambda a, alpha: np.where(a < 0, alpha * np.expm1(np.minimum(a, 0)), a),
}


@dataclass(frozen=True, eq=False)
class LSTMSteps:
    """One direction of an LSTM node.

    Attributes
    ----------
    weights : Weights
        With the gates in the core's order: i, f, c, o.
    functions : tuple
        The functions f, g and h, as a layer takes them.
    clip : float or None
        Limit of the arguments of f and g.
    input_forget : bool
    peepholes : ndarray of shape (3H,), or None
        Of the gates i, o, f.
    """

    weights: Weights
    functions: tuple[Spec, ...]
    clip: float | None
    input_forget: bool
    peepholes: Array | None

    def run(self, x: Array, state: Array, lengths: Array | None, back: bool) -> tuple[Array, Array]:
        """Return outputs (T, B, H) in the order of time, zero beyond a row's length, and states.

        Parameters
        ----------
        x : ndarray of shape (T, B, I)
        state : ndarray of shape (B, 2H)
            h and c before the first step; zeros for a direction that begins with none.
        lengths : ndarray of int, shape (B,), or None
        back : bool
            Take the time steps that count from the last to the first.
        """
        H = self.weights.units
        h, c = state[:, :H], state[:, H:]
        output = np.zeros((*x.shape[:2], H), x.dtype)
        sums = x @ self.weights.kernel
        if self.weights.bias is not None:
            sums = sums + self.weights.bias
        for t in range(len(x))[:: -1 if back else 1]:
            new_h, new_c = self._step(sums[t], h, c)
            counts = np.ones((len(h), 1), bool) if lengths is None else (t < lengths)[:, None]
            h, c = np.where(counts, new_h, h), np.where(counts, new_c, c)
            output[t] = np.where(counts, new_h, 0)
        return output, np.concatenate([h, c], axis=1)

    def _step(self, of_input: Array, h: Array, c: Array) -> tuple[Array, Array]:
        H, gates, candidate = h.shape[1], *self.functions[:2]
        i, f, n, o = np.split(of_input + h @ self.weights.recurrent_kernel, 4, axis=1)
        P = np.zeros(3 * H, h.dtype) if self.peepholes is None else self.peepholes
        i = self._apply(gates, i + P[:H] * c, self.clip)
        f = 1 - i if self.input_forget else self._apply(gates, f + P[2 * H :] * c, self.clip)
        c = f * c + i * self._apply(candidate, n, self.clip)
        o = self._apply(gates, o + P[H : 2 * H] * c, self.clip)
        return o * self._apply(self.functions[2], c, None), c

    @staticmethod
    def _apply(function: Spec, a: Array, clip: float | None) -> Array:
        name, *values = (function,) if isinstance(function, str) else function
        a = a if clip is None else np.clip(a, -clip, clip)
        parameters = (*values, *PARAMETERS.get(str(name), ())[len(values) :])
        result: Array = np.asarray(_FUNCTIONS[str(name)](a, *parameters), a.dtype)
        return result
