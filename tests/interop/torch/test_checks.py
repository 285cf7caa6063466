"""Tensors that the drop-ins refuse: the message names PyTorch's module of the same cell."""

import pytest

torch = pytest.importorskip("torch")

from gru_c.interop.torch import GRU, LSTM, RNN  # noqa: E402


@pytest.mark.parametrize("kind", [GRU, LSTM, RNN])
def test_a_tensor_elsewhere_or_of_another_type_names_the_module(kind):
    module, name = kind(3, 4), f"torch.nn.{kind.__name__}"
    with pytest.raises(ValueError, match=rf"input is torch.float16: take .float\(\), or {name}"):
        module(torch.ones(20, 2, 3, dtype=torch.float16))
