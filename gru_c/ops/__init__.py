"""Functions of arrays with Keras's names, which know their gradients.

With arrays they compute as NumPy does. Called in a user's loss, in the function of a `Lambda` or in
``call`` of a `Layer`, they record what was computed, and gru_c knows the gradient.

>>> import numpy as np
>>> from gru_c import ops
>>> ops.softmax(np.zeros((1, 4), "float32"))
array([[0.25, 0.25, 0.25, 0.25]], dtype=float32)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import cast as _cast

from gru_c.common.missing_names import explain_missing
from gru_c.ops import (
    along_axis,
    binary,
    creation,
    ctc,
    products,
    reductions,
    selecting,
    shaping,
    unary,
)
from gru_c.ops.along_axis import *  # noqa: F403
from gru_c.ops.binary import *  # noqa: F403
from gru_c.ops.creation import *  # noqa: F403
from gru_c.ops.ctc import *  # noqa: F403
from gru_c.ops.products import *  # noqa: F403
from gru_c.ops.reductions import *  # noqa: F403
from gru_c.ops.selecting import *  # noqa: F403
from gru_c.ops.selecting import get_item
from gru_c.ops.shaping import *  # noqa: F403
from gru_c.ops.unary import *  # noqa: F403

__all__: list[str] = []
for _module in (along_axis, binary, creation, ctc, products, reductions, selecting, shaping, unary):
    __all__ += [name for name in _module.__all__ if name != "get_item"]  # it is x[key]


def operator(name: str) -> Callable[..., Any]:
    """Return the function that an operator of Python stands for."""
    return get_item if name == "get_item" else _cast(Callable[..., Any], globals()[name])


__getattr__ = explain_missing(__name__, __all__)
