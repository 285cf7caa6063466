"""PyTorch: nn.GRU, nn.GRUCell, and the demo with its own training loop."""

from __future__ import annotations

import numpy as np

from bench.cases import Demo, Problem
from bench.peers.base import Peer, Work, reset_first


class PyTorch(Peer):
    """PyTorch, with inputs (T, B, I) as is its default."""

    name = "torch"
    label = "PyTorch"
    needs = ("torch",)
    dtypes = ("float32", "float64")

    def __init__(self) -> None:
        import torch

        self.torch = torch

    def forward(self, problem: Problem, threads: int) -> Work:
        """Run nn.GRU in inference mode."""
        self.torch.set_num_threads(threads)
        gru, x = self._gru(problem), self._time_major(problem.x)

        def call():
            with self.torch.inference_mode():
                return gru(x)[0]

        return Work(call, lambda: {"output": call().numpy().swapaxes(0, 1)})

    def training(self, problem: Problem, threads: int) -> Work:
        """Run nn.GRU and its backward pass, for the gradients of weights and input."""
        self.torch.set_num_threads(threads)
        gru, d_output = self._gru(problem), self._time_major(problem.d_output)
        x = self._time_major(problem.x).requires_grad_()

        def call():
            gru.zero_grad(set_to_none=True)
            x.grad = None
            output = gru(x)[0]
            output.backward(d_output)
            return output

        def answer():
            output = call().detach().numpy().swapaxes(0, 1)
            kernel, recurrent_kernel = (
                reset_first(w.grad.numpy().T) for w in (gru.weight_ih_l0, gru.weight_hh_l0)
            )
            bias = np.stack([reset_first(b.grad.numpy()) for b in (gru.bias_ih_l0, gru.bias_hh_l0)])
            return {
                "output": output,
                "d_x": x.grad.numpy().swapaxes(0, 1),
                "d_kernel": kernel,
                "d_recurrent_kernel": recurrent_kernel,
                "d_bias": bias,
            }

        return Work(call, answer)

    def step(self, problem: Problem, threads: int) -> Work:
        """Run nn.GRUCell in inference mode."""
        torch = self.torch
        torch.set_num_threads(threads)
        weights = problem.kernel, problem.recurrent_kernel, problem.bias
        cell = torch.nn.GRUCell(problem.shape.I, problem.shape.H)
        self._set(zip(cell.parameters(), _to_torch_layout(*weights), strict=True))
        x, state = (torch.from_numpy(a[:, 0].copy()) for a in (problem.x, problem.d_output))

        def call():
            with torch.inference_mode():
                return cell(x, state)

        return Work(call, lambda: {"state": call().numpy()})

    def demo(self, demo: Demo, threads: int) -> Work:
        """Run an epoch: batches of 32, mean squared error, Adam."""
        torch = self.torch
        torch.set_num_threads(threads)
        model = self._demo_model(demo)
        optimizer = torch.optim.Adam(model.parameters(), eps=1e-7)  # Keras's epsilon
        x, y = torch.from_numpy(demo.x), torch.from_numpy(demo.y)

        def epoch(order):
            for batch in order.split(32):
                optimizer.zero_grad()
                torch.nn.functional.mse_loss(model(x[batch])[:, 0], y[batch]).backward()
                optimizer.step()

        def answer():
            epoch(torch.arange(len(x)))
            return {"prediction": model(x).detach().numpy()}

        return Work(lambda: epoch(torch.randperm(len(x))), answer)

    def predict(self, demo: Demo, threads: int) -> Work:
        """Run the demo's model on one sequence."""
        self.torch.set_num_threads(threads)
        model, x = self._demo_model(demo), self.torch.from_numpy(demo.x)

        def call():
            with self.torch.inference_mode():
                return model(x).numpy()

        return Work(call, lambda: {"prediction": call()})

    def _gru(self, problem: Problem):
        """Return nn.GRU with the problem's weights."""
        shape = problem.shape
        gru = self.torch.nn.GRU(shape.I, shape.H, dtype=getattr(self.torch, problem.x.dtype.name))
        weights = _to_torch_layout(problem.kernel, problem.recurrent_kernel, problem.bias)
        self._set(zip(gru.parameters(), weights, strict=True))
        return gru

    def _demo_model(self, demo: Demo):
        """Return the tutorial's model with the demo's weights."""
        torch = self.torch
        I, H = demo.x.shape[2], len(demo.weights[1])  # noqa: E741

        class Model(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.gru = torch.nn.GRU(I, H, num_layers=2, batch_first=True)
                self.head = torch.nn.Linear(H, 1)

            def forward(self, x):
                return self.head(self.gru(x)[1][-1])

        model, weights = Model(), demo.weights
        values = [*_to_torch_layout(*weights[:3]), *_to_torch_layout(*weights[3:6])]
        self._set(zip(model.parameters(), [*values, weights[6].T, weights[7]], strict=True))
        return model

    def _set(self, pairs) -> None:
        """Copy arrays into parameters."""
        with self.torch.no_grad():
            for parameter, array in pairs:
                parameter.copy_(self.torch.from_numpy(np.ascontiguousarray(array)))

    def _time_major(self, array: np.ndarray):
        """Return an array (B, T, n) as a tensor (T, B, n)."""
        return self.torch.from_numpy(np.ascontiguousarray(array.swapaxes(0, 1)))


def _to_torch_layout(
    kernel: np.ndarray, recurrent_kernel: np.ndarray, bias: np.ndarray
) -> list[np.ndarray]:
    """Return weight_ih, weight_hh, bias_ih, bias_hh: transposed, with gates r, z, n."""
    return [reset_first(kernel).T, reset_first(recurrent_kernel).T, *reset_first(bias)]
