"""JAX: a jitted lax.scan over time steps."""

from __future__ import annotations

import os

import numpy as np

from bench.cases import Problem
from bench.peers.base import Peer, Work


class Jax(Peer):
    """JAX on the CPU, with one input matmul for all time steps and gates."""

    name = "jax"
    label = "JAX"
    needs = ("jax",)
    all_cores = True

    def __init__(self) -> None:
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
        import jax

        self.jax = jax

    def forward(self, problem: Problem, threads: int) -> Work:
        """Run the jitted scan; `threads` has no effect."""
        run, arrays = self.jax.jit(self._gru), self._arrays(problem)

        def call():
            return run(*arrays).block_until_ready()

        return Work(call, lambda: {"output": np.asarray(call()).swapaxes(0, 1)})

    def training(self, problem: Problem, threads: int) -> Work:
        """Compute sum(output * d_output) and its gradients; `threads` has no effect."""
        arrays = self._arrays(problem)
        d_output = self.jax.numpy.asarray(np.ascontiguousarray(problem.d_output.swapaxes(0, 1)))

        def loss(*arrays):
            output = self._gru(*arrays)
            return (output * d_output).sum(), output

        run = self.jax.jit(self.jax.value_and_grad(loss, argnums=(0, 1, 2, 3), has_aux=True))

        def call():
            return self.jax.block_until_ready(run(*arrays))

        def answer():
            (_, output), gradients = call()
            names = ("d_x", "d_kernel", "d_recurrent_kernel", "d_bias")
            result = dict(zip(names, map(np.asarray, gradients), strict=True))
            result["d_x"] = result["d_x"].swapaxes(0, 1)
            return {"output": np.asarray(output).swapaxes(0, 1), **result}

        return Work(call, answer)

    def _arrays(self, problem: Problem) -> list:
        """Return the input (T, B, I) and the weights on the device."""
        x = np.ascontiguousarray(problem.x.swapaxes(0, 1))
        weights = problem.kernel, problem.recurrent_kernel, problem.bias
        return [self.jax.numpy.asarray(array) for array in (x, *weights)]

    def _gru(self, x, kernel, recurrent_kernel, bias):
        """Return the outputs (T, B, H)."""
        jnp, sigmoid = self.jax.numpy, self.jax.nn.sigmoid
        H = recurrent_kernel.shape[0]

        def step(state, inputs):
            recurrent = state @ recurrent_kernel + bias[1]
            gates = sigmoid(inputs[:, : 2 * H] + recurrent[:, : 2 * H])
            z, r = gates[:, :H], gates[:, H:]
            n = jnp.tanh(inputs[:, 2 * H :] + r * recurrent[:, 2 * H :])
            state = n + z * (state - n)
            return state, state

        zeros = jnp.zeros((x.shape[1], H), x.dtype)
        return self.jax.lax.scan(step, zeros, x @ kernel + bias[0])[1]
