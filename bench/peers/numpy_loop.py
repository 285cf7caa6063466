"""NumPy: a GRU as a plain loop over time steps."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from bench.cases import Problem
from bench.peers.base import Peer, Work


class NumPy(Peer):
    """NumPy with its own BLAS, with one input matmul for all time steps."""

    name = "numpy"
    label = "NumPy"
    dtypes = ("float32", "float64")

    def forward(self, problem: Problem, threads: int) -> Work:
        """Run the loop over time steps."""
        threadpool_limits(threads, user_api="blas")

        def call():
            return _forward(problem)

        return Work(call, lambda: {"output": call()})

    def step(self, problem: Problem, threads: int) -> Work:
        """Run one time step."""
        threadpool_limits(threads, user_api="blas")
        x, state = problem.x[:, 0].copy(), problem.d_output[:, 0].copy()

        def call():
            inputs = x @ problem.kernel + problem.bias[0]
            return _step(inputs, state, problem.recurrent_kernel, problem.bias[1])

        return Work(call, lambda: {"state": call()})


def _forward(problem: Problem) -> np.ndarray:
    B, T, _, H = problem.shape
    inputs = problem.x @ problem.kernel + problem.bias[0]
    output = np.empty((B, T, H), problem.x.dtype)
    state = np.zeros((B, H), problem.x.dtype)
    for t in range(T):
        state = _step(inputs[:, t], state, problem.recurrent_kernel, problem.bias[1])
        output[:, t] = state
    return output


def _step(
    inputs: np.ndarray, state: np.ndarray, recurrent_kernel: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    H = state.shape[1]
    recurrent = state @ recurrent_kernel + bias
    gates = 1 / (1 + np.exp(-(inputs[:, : 2 * H] + recurrent[:, : 2 * H])))
    z, r = gates[:, :H], gates[:, H:]
    n = np.tanh(inputs[:, 2 * H :] + r * recurrent[:, 2 * H :])
    return n + z * (state - n)
