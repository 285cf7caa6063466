"""gru_forward, gru_backward and gru_step compute the numbers of other implementations."""

import numpy as np
import pytest
from tools import (
    assert_close,
    assert_same_bits,
    random_arguments,
    random_gradients,
)

from gru_c import gru_backward, gru_forward

DTYPES = [np.float32, np.float64]
TOLERANCES = {np.float32: 2e-5, np.float64: 1e-12}

pytestmark = pytest.mark.usefixtures("engine", "isa")
both_dtypes = pytest.mark.parametrize("dtype", DTYPES)
both_variants = pytest.mark.parametrize("reset_after", [True, False], ids=["after", "before"])
both_directions = pytest.mark.parametrize("go_backwards", [False, True], ids=["along", "back"])
with_and_without_bias = pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])


@both_dtypes
@with_and_without_bias
@pytest.mark.parametrize("sizes", [(1, 5, 3, 4), (4, 1, 1, 1), (40, 13, 6, 33)], ids=str)
def test_torch_computes_the_same(dtype, bias, sizes):
    torch = pytest.importorskip("torch")
    B, T, I, H = sizes
    arguments = random_arguments(*sizes, dtype=dtype, bias=bias)
    d_output, d_state = random_gradients(B, T, H, dtype=dtype)

    def exchange(array):
        """z, r, n to r, z, n or back, along the last axis, which becomes the first."""
        z, r, n = np.split(np.asarray(array), 3, axis=-1)
        return np.concatenate([r, z, n], axis=-1)

    peer = torch.nn.GRU(I, H, bias=bias, batch_first=True, dtype=getattr(torch, dtype.__name__))
    weights = {
        "weight_ih_l0": exchange(arguments["kernel"]).T,
        "weight_hh_l0": exchange(arguments["recurrent_kernel"]).T,
    }
    if bias:
        weights["bias_ih_l0"], weights["bias_hh_l0"] = exchange(arguments["bias"])
    peer.load_state_dict({name: torch.tensor(array.copy()) for name, array in weights.items()})
    x = torch.tensor(arguments["x"], requires_grad=True)
    h = torch.tensor(arguments["initial_state"][None], requires_grad=True)
    peer_output, peer_state = peer(x, h)
    torch.autograd.backward(
        [peer_output, peer_state], [torch.tensor(d_output), torch.tensor(d_state[None])]
    )

    result = gru_forward(**arguments, training=True)
    gradients = gru_backward(result.tape, d_output, d_state)
    tolerance = {np.float32: 1e-5, np.float64: 1e-12}[dtype]

    def d(name):
        return exchange(getattr(peer, name).grad.numpy().T)

    assert_close(result.output, peer_output.detach().numpy(), tolerance)
    assert_close(result.state, peer_state[0].detach().numpy(), tolerance)
    assert_close(gradients.x, x.grad.numpy(), tolerance)
    assert_close(gradients.initial_state, h.grad[0].numpy(), tolerance)
    assert_close(gradients.kernel, d("weight_ih_l0"), tolerance)
    assert_close(gradients.recurrent_kernel, d("weight_hh_l0"), tolerance)
    if bias:
        expected = np.stack([d("bias_ih_l0"), d("bias_hh_l0")])
        assert_close(gradients.bias, expected, tolerance)


@pytest.mark.parametrize(
    ("options", "bias_shape", "expected"),
    [
        ({}, (2, 9), [0.5217289, 0.6371659, 0.39384964]),
        ({"go_backwards": True}, (2, 9), [0.24406259, 0.611516, 0.3928808]),
        ({"reset_after": False}, (9,), [0.51448, 0.64269, 0.40208]),
        ({}, None, [0.49988, 0.64701, 0.41034]),
    ],
    ids=["default", "go_backwards", "reset_before", "no_bias"],
)
def test_keras_computes_the_same(options, bias_shape, expected):
    """The numbers of Keras's own test of its GRU layer (gru_test.py)."""
    x = np.arange(72, dtype=np.float32).reshape(3, 6, 4)
    kernel, recurrent_kernel = np.full((4, 9), 0.01), np.full((3, 9), 0.02)
    bias = None if bias_shape is None else np.full(bias_shape, 0.03, np.float32)
    result = gru_forward(
        x, kernel.astype(np.float32), recurrent_kernel.astype(np.float32), bias, **options
    )
    for unit in result.state.T:
        np.testing.assert_allclose(unit, expected, rtol=0, atol=6e-6)
    assert_same_bits(result.output[:, -1], result.state)
