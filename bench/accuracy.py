"""Rounding errors of a GRU's passes in float32: python -m bench.accuracy [--shapes B,T,I,H ...]

Prints a table of the root-mean-square errors of the output and of the gradients of x, W and U, over
the root mean square of the exact numbers, in units of 1e-7; behind the slash, those of PyTorch on
the same numbers. The exact numbers are computed in float64 by the BLAS engine. The last column has
their own error in the output, beside the equations in long double, where these do not take long.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch

from gru_c import gru_backward, gru_forward

SHAPES = ["1,100,8,16", "8,100,64,64", "32,100,64,128", "8,50,256,256", "2,20,512,1024"]
SHAPES += ["1,10000,8,32"]
NAMES = ("output", "x", "kernel", "recurrent_kernel")


def numbers(B, T, I, H):  # noqa: E741
    rng = np.random.default_rng(0)
    arrays = {
        "x": rng.normal(size=(B, T, I)),
        "kernel": rng.uniform(-1, 1, (I, 3 * H)) / np.sqrt(I),
        "recurrent_kernel": rng.uniform(-1, 1, (H, 3 * H)) * np.sqrt(3 / H),
        "bias": rng.uniform(-0.5, 0.5, (2, 3 * H)),
    }
    return {name: a.astype(np.float32) for name, a in arrays.items()}, rng.normal(
        size=(B, T, H)
    ).astype(np.float32)


def ours(arrays, d_output, engine, dtype=np.float32):
    arrays = {name: array.astype(dtype) for name, array in arrays.items()}
    result = gru_forward(**arrays, training=True, engine=engine)
    return {"output": result.output, **gru_backward(result.tape, d_output.astype(dtype))._asdict()}


def exchange(array):
    """z, r, n to r, z, n or back, along the last axis."""
    z, r, n = np.split(array, 3, -1)
    return np.concatenate([r, z, n], -1)


def of_torch(arrays, d_output):
    x, kernel, recurrent_kernel, bias = arrays.values()
    peer = torch.nn.GRU(x.shape[2], d_output.shape[2], batch_first=True)
    weights = {
        "weight_ih_l0": exchange(kernel).T,
        "weight_hh_l0": exchange(recurrent_kernel).T,
        "bias_ih_l0": exchange(bias)[0],
        "bias_hh_l0": exchange(bias)[1],
    }
    peer.load_state_dict({name: torch.tensor(array.copy()) for name, array in weights.items()})
    x = torch.tensor(x, requires_grad=True)
    output = peer(x)[0]
    output.backward(torch.tensor(d_output))
    return {
        "output": output.detach().numpy(),
        "x": x.grad.numpy(),
        "kernel": exchange(peer.weight_ih_l0.grad.numpy().T),
        "recurrent_kernel": exchange(peer.weight_hh_l0.grad.numpy().T),
    }


def in_long_double(arrays):
    """Return the outputs, by the equations of the cell."""
    x, W, U, bias = (array.astype(np.longdouble) for array in arrays.values())
    H = len(U)
    h, outputs = np.zeros((len(x), H), np.longdouble), []
    for x_t in x.swapaxes(0, 1):
        a, u = x_t @ W + bias[0], h @ U + bias[1]
        gates = 1 / (1 + np.exp(-(a + u)[:, : 2 * H]))
        n = np.tanh(a[:, 2 * H :] + gates[:, H:] * u[:, 2 * H :])
        h = (1 - gates[:, :H]) * n + gates[:, :H] * h
        outputs.append(h)
    return np.stack(outputs, 1)


def error(values, exact):
    scale = np.sqrt(np.mean(np.square(exact)))
    return float(np.sqrt(np.mean(np.square(values - exact))) / scale)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="+", default=SHAPES)
    chosen = parser.parse_args()
    print("| B,T,I,H | output | dx | dW | dU | float64 against long double |")
    print("|---|--:|--:|--:|--:|--:|")
    for shape in chosen.shapes:
        B, T, I, H = map(int, shape.split(","))  # noqa: E741
        arrays, d_output = numbers(B, T, I, H)
        exact = ours(arrays, d_output, "blas", np.float64)
        mine, peers = ours(arrays, d_output, "packed"), of_torch(arrays, d_output)
        errors = ((error(r[name], exact[name]) for r in (mine, peers)) for name in NAMES)
        cells = [" / ".join(f"{1e7 * value:.2f}" for value in pair) for pair in errors]
        small = B * T * (I + H) * H <= 10_000_000
        double = f"{error(exact['output'], in_long_double(arrays)):.1e}" if small else ""
        print(f"| {shape} | {' | '.join(cells)} | {double} |", flush=True)


if __name__ == "__main__":
    main()
