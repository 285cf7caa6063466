"""rnn_forward, rnn_backward and rnn_step: PyTorch's numbers."""

import numpy as np
import pytest
from cells import CELLS
from tools import assert_close

from gru_c import rnn_backward, rnn_forward

_, _, RNN = CELLS


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_torch_computes_the_same(activation):
    torch = pytest.importorskip("torch")
    B, T, I, H = 3, 7, 5, 9
    x, W, U, b, h = RNN.arguments(B, T, I, H).values()
    module = torch.nn.RNN(I, H, nonlinearity=activation, batch_first=True).double()
    with torch.no_grad():
        for name, value in (("weight_ih", W.T), ("weight_hh", U.T), ("bias_ih", b)):
            getattr(module, f"{name}_l0").copy_(torch.tensor(value))
        module.bias_hh_l0.zero_()
    inputs = [torch.tensor(a, requires_grad=True) for a in (x, h[None])]
    output, h_n = module(*inputs)
    result = rnn_forward(x, W, U, b, h, activation=activation, training=True)
    assert_close(result.output, output.detach().numpy(), 1e-12)
    assert_close(result.state, h_n[0].detach().numpy(), 1e-12)
    (output.sum() + (2 * h_n).sum()).backward()
    gradients = rnn_backward(result.tape, np.ones((B, T, H)), np.full((B, H), 2.0))
    assert_close(gradients.x, inputs[0].grad.numpy(), 1e-11)
    assert_close(gradients.initial_state, inputs[1].grad.numpy()[0], 1e-11)
    assert_close(gradients.kernel, module.weight_ih_l0.grad.numpy().T, 1e-11)
    assert_close(gradients.recurrent_kernel, module.weight_hh_l0.grad.numpy().T, 1e-11)
