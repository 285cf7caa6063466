"""Rounding errors in float32, beside those of PyTorch on the same numbers."""

from functools import cache

import numpy as np
import pytest
from tools import random_arguments, random_gradients

from gru_c import _core, gru_backward, gru_forward


def ours(arguments, pair, engine="packed"):
    result = gru_forward(**arguments, training=True, engine=engine)
    return {"output": result.output, **gru_backward(result.tape, *pair)._asdict()}


def of_torch(torch, arguments, pair):
    """Return the results of `ours`, computed by torch.nn.GRU in float32."""

    def exchange(array):
        """z, r, n to r, z, n or back, along the last axis."""
        z, r, n = np.split(array, 3, -1)
        return np.concatenate([r, z, n], -1)

    x, kernel, recurrent_kernel, bias, state = arguments.values()
    peer = torch.nn.GRU(x.shape[2], state.shape[1], batch_first=True)
    input_bias, recurrent_bias = exchange(bias)
    arrays = {
        "weight_ih_l0": exchange(kernel).T,
        "weight_hh_l0": exchange(recurrent_kernel).T,
        "bias_ih_l0": input_bias,
        "bias_hh_l0": recurrent_bias,
    }
    peer.load_state_dict({name: torch.tensor(array.copy()) for name, array in arrays.items()})
    x, h = torch.tensor(x, requires_grad=True), torch.tensor(state[None], requires_grad=True)
    output, last = peer(x, h)
    torch.autograd.backward([output, last], [torch.tensor(pair[0]), torch.tensor(pair[1][None])])

    def gradient(name):
        return getattr(peer, name).grad.numpy()

    return {
        "output": output.detach().numpy(),
        "x": x.grad.numpy(),
        "kernel": exchange(gradient("weight_ih_l0").T),
        "recurrent_kernel": exchange(gradient("weight_hh_l0").T),
        "bias": exchange(np.stack([gradient("bias_ih_l0"), gradient("bias_hh_l0")])),
        "initial_state": h.grad[0].numpy(),
    }


@cache
def ratios(sizes, isa):
    """Root-mean-square errors over those of PyTorch: of the output and each gradient."""
    torch = pytest.importorskip("torch")
    B, T, _, H = sizes
    logarithms = {}
    for seed in range(3):
        arguments = random_arguments(*sizes, dtype=np.float32, seed=seed)
        pair = random_gradients(B, T, H, dtype=np.float32, seed=seed + 10)
        double = {name: array.astype(np.float64) for name, array in arguments.items()}
        exact = ours(double, [array.astype(np.float64) for array in pair], engine="blas")
        mine, peers = ours(arguments, pair), of_torch(torch, arguments, pair)
        for name, numbers in exact.items():
            error, peer = (np.sqrt(np.mean((r[name] - numbers) ** 2)) for r in (mine, peers))
            logarithms.setdefault(name, []).append(np.log(error / peer))
    return {name: float(np.exp(np.mean(values))) for name, values in logarithms.items()}


@pytest.mark.parametrize(
    "isa", [name for name in _core.isa_names() if name != "baseline"], indirect=True
)
@pytest.mark.parametrize(
    "sizes",
    [(1, 100, 64, 64), (32, 100, 64, 128), (8, 50, 256, 256), (16, 20, 8, 50), (64, 10, 300, 40)],
    ids=str,
)
def test_errors_beside_those_of_torch(sizes, isa):
    """No gradient's error is more than 1.5 times that of PyTorch, and they are equal on the whole.

    PyTorch adds up a weight's gradient step by step, which for a few sequences is the shorter sum.
    """
    found = ratios(sizes, isa)
    assert max(found.values()) <= 1.5, found
    assert np.exp(np.mean(np.log(list(found.values())))) <= 1.15, found
