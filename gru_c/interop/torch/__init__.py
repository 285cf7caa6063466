"""PyTorch: drop-ins for ``torch.nn.GRU``, ``LSTM`` and ``RNN`` on the CPU, and state dicts.

Importing this imports ``torch`` (extra ``torch``).
"""

from gru_c.common.optional import require

require("torch", "torch")

from gru_c.interop.torch.module import GRU, LSTM, RNN, convert  # noqa: E402 - after the check
from gru_c.interop.torch.state_dicts import from_state_dict, to_state_dict  # noqa: E402

__all__ = ["GRU", "LSTM", "RNN", "convert", "from_state_dict", "to_state_dict"]
