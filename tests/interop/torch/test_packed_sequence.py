"""Packed sequences beside torch.nn.GRU."""

import pytest

torch = pytest.importorskip("torch")
from torch.nn.utils.rnn import pack_padded_sequence  # noqa: E402

from gru_c.interop.torch import GRU  # noqa: E402


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(3)


def test_gradcheck_of_packed_sequences():
    gru = GRU(2, 3, bidirectional=True, dtype=torch.float64)
    lengths = torch.tensor([2, 5, 1, 5])

    def run(x):
        output, last = gru(pack_padded_sequence(x, lengths, enforce_sorted=False))
        return output.data, last

    x = torch.randn(5, 4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(run, (x,))
