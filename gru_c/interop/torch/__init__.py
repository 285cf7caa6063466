"""PyTorch: a drop-in for ``torch.nn.GRU`` on the CPU, and weights to and from state dicts.

Importing this imports ``torch`` (extra ``torch``).
"""

from gru_c.common.optional import require

require("torch", "torch")

from gru_c.interop.torch.module import GRU, convert  # noqa: E402 - after the check
from gru_c.interop.torch.state_dicts import from_state_dict, to_state_dict  # noqa: E402

__all__ = ["GRU", "convert", "from_state_dict", "to_state_dict"]
