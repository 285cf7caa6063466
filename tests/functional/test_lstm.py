"""lstm_forward, lstm_backward and lstm_step: the pair of states, and PyTorch's numbers."""

import numpy as np
import pytest
from cells import CELLS
from tools import assert_close

from gru_c import lstm_backward, lstm_forward, lstm_step

_, LSTM, _ = CELLS


def test_torch_computes_the_same():
    """Gates i, f, g, o of PyTorch are Keras's i, f, c, o."""
    torch = pytest.importorskip("torch")
    B, T, I, H = 3, 7, 5, 9
    x, W, U, b, states = LSTM.arguments(B, T, I, H).values()
    module = torch.nn.LSTM(I, H, batch_first=True).double()
    with torch.no_grad():
        for name, value in (("weight_ih", W.T), ("weight_hh", U.T), ("bias_ih", b)):
            getattr(module, f"{name}_l0").copy_(torch.tensor(value))
        module.bias_hh_l0.zero_()
    h, c = LSTM.pair(states)
    inputs = [torch.tensor(a, requires_grad=True) for a in (x, h[None], c[None])]
    output, (h_n, c_n) = module(inputs[0], (inputs[1], inputs[2]))
    result = lstm_forward(x, W, U, b, (h, c), training=True)
    assert_close(result.output, output.detach().numpy(), 1e-12)
    assert_close(result.state[0], h_n[0].detach().numpy(), 1e-12)
    assert_close(result.state[1], c_n[0].detach().numpy(), 1e-12)
    (output.sum() + (2 * h_n).sum() + (3 * c_n).sum()).backward()
    ones = np.ones((B, H))
    gradients = lstm_backward(result.tape, np.ones((B, T, H)), (2 * ones, 3 * ones))
    for actual, of_torch in zip(
        (gradients.x, *gradients.initial_state), [it.grad for it in inputs], strict=True
    ):
        assert_close(actual, of_torch.numpy().reshape(actual.shape), 1e-11)
    assert_close(gradients.kernel, module.weight_ih_l0.grad.numpy().T, 1e-11)
    assert_close(gradients.recurrent_kernel, module.weight_hh_l0.grad.numpy().T, 1e-11)
    assert_close(gradients.bias, module.bias_ih_l0.grad.numpy(), 1e-11)


def test_a_state_that_is_none_is_zeros():
    x, W, U, b, states = LSTM.arguments(2, 4, 3, 5).values()
    h, c = LSTM.pair(states)
    zeros = np.zeros_like(h)
    without, given = (lstm_forward(x, W, U, b, (first, c)) for first in (None, zeros))
    assert_close(without.output, given.output, 0)
    tape = lstm_forward(x, W, U, b, (h, c), training=True).tape
    one, other = (lstm_backward(tape, None, d) for d in ((h, None), (h, zeros)))
    assert_close(one.kernel, other.kernel, 0)


@pytest.mark.parametrize("state", [np.zeros((2, 5)), [np.zeros((2, 5))], [1, 2, 3]])
def test_a_state_that_is_no_pair_is_refused(state):
    x, W, U, b, _ = LSTM.arguments(2, 4, 3, 5).values()
    with pytest.raises(ValueError, match="initial_state of an LSTM must be a pair"):
        lstm_forward(x, W, U, b, state)


def test_a_step_does_not_change_its_states():
    x, W, U, b, states = LSTM.arguments(2, 4, 3, 20).values()
    h, c = LSTM.pair(states)
    before = h.copy(), c.copy()
    after = lstm_step(x[:, 0], (h, c), W, U, b)
    assert_close(h, before[0], 0)
    assert_close(c, before[1], 0)
    assert not np.shares_memory(*after)
