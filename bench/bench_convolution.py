"""One Conv1D layer: the forward pass alone, and with the backward pass.

pytest bench/bench_convolution.py --benchmark-group-by=func,param:convolution
"""

from typing import NamedTuple

import numpy as np
import pytest

from gru_c import Conv1D


class Convolution(NamedTuple):
    """Sizes of a convolution: batch, time steps, channels, filters, steps of the kernel."""

    B: int
    T: int
    C: int
    filters: int
    size: int
    dilation: int = 1
    groups: int = 1


# A univariate series alone and in batches, several features, deeper layers, gaps between steps.
CONVOLUTIONS = [
    Convolution(1, 24, 1, 32, 3),
    Convolution(64, 200, 1, 32, 3),
    Convolution(64, 200, 1, 64, 5),
    Convolution(32, 100, 4, 32, 3),
    Convolution(32, 100, 16, 64, 5),
    Convolution(32, 100, 64, 128, 7),
    Convolution(32, 100, 16, 32, 3, dilation=2),
    Convolution(32, 100, 16, 32, 3, groups=2),
]


@pytest.fixture(params=CONVOLUTIONS, ids=lambda sizes: "x".join(map(str, sizes)))
def convolution(request):
    return request.param


@pytest.fixture
def x(convolution):
    """The input (B, T, C) of a convolution, in float32."""
    shape = convolution.B, convolution.T, convolution.C
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.fixture
def layer(convolution, x, threads):
    *_, filters, size, dilation, groups = convolution
    layer = Conv1D(filters, size, dilation_rate=dilation, groups=groups)
    layer.build(x.shape, rng=0)
    return layer


@pytest.fixture
def torch_layer(convolution, torch):
    _, _, channels, filters, size, dilation, groups = convolution
    return torch.nn.Conv1d(channels, filters, size, dilation=dilation, groups=groups)


@pytest.fixture
def torch_x(x, torch):
    """The input in PyTorch's order of axes, (B, C, T)."""
    return torch.from_numpy(x).transpose(1, 2).contiguous()


def test_forward(benchmark, layer, x):
    benchmark(layer.forward, x)


@pytest.mark.peer
def test_forward_torch(benchmark, torch, torch_layer, torch_x):
    def forward():
        with torch.no_grad():
            return torch_layer(torch_x)

    benchmark(forward)


def test_training_step(benchmark, layer, x):
    d_output = np.ones_like(layer(x))

    def step():
        layer.forward(x, training=True)
        return layer.backward(d_output, keep_tape=False)

    benchmark(step)


@pytest.mark.peer
def test_training_step_torch(benchmark, torch, torch_layer, torch_x):
    torch_x.requires_grad_()
    d_output = torch.ones_like(torch_layer(torch_x))

    def step():
        torch_layer.zero_grad()
        torch_x.grad = None
        torch_layer(torch_x).backward(d_output)

    benchmark(step)
