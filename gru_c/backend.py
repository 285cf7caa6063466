"""The functions of Keras's ``backend`` that programs use beside models; for others take NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.common.missing_names import explain_missing
from gru_c.common.validation import check_choice, check_real
from gru_c.layers.base.tensor_calls import forget_names

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_value",
    "image_data_format",
    "set_epsilon",
    "set_floatx",
    "set_value",
]

_EPSILON = 1e-7


def backend() -> str:
    """Return the name of the library that computes, "numpy"."""
    return "numpy"


def clear_session() -> None:
    """Begin again with the numbers in the names of layers: "gru", "gru_1", ...

    gru_c keeps no models between calls. Python frees a model without references.
    """
    forget_names()


def epsilon() -> float:
    """Return the small number that keeps logarithms in losses finite, 1e-07."""
    return _EPSILON


def set_epsilon(value: float) -> None:
    """Accept the value of `epsilon`; ValueError for another one, which would have no effect."""
    if check_real("set_epsilon: value", value, "> 0") != _EPSILON:
        raise ValueError(f"set_epsilon: epsilon is always {_EPSILON}, got {value!r}")


def floatx() -> str:
    """Return the dtype of models that are given none, "float32"."""
    return "float32"


def set_floatx(value: str) -> None:
    """Accept "float32"; ValueError for another dtype, which is given to each model or layer."""
    if check_choice("set_floatx: value", value, ("float16", "float32", "float64")) != "float32":
        raise ValueError(
            f"set_floatx({value!r}): the dtype is an argument of models and layers here: write "
            "Sequential([...], dtype='float64'), or leave it float32"
        )


def image_data_format() -> str:
    """Return the place of the channels in the input of layers, "channels_last"."""
    return "channels_last"


def get_value(x: Any) -> Any:
    """Return the value of a weight or of ``optimizer.learning_rate`` as NumPy has it.

    Examples
    --------
    >>> from gru_c import backend, optimizers
    >>> adam = optimizers.Adam()
    >>> backend.set_value(adam.learning_rate, 0.5)
    >>> float(backend.get_value(adam.learning_rate))
    0.5
    """
    return x.numpy() if hasattr(x, "numpy") else np.asarray(x)[()]


def set_value(x: Any, value: npt.ArrayLike) -> None:
    """Assign a value to a weight or to ``optimizer.learning_rate``.

    Raises
    ------
    TypeError
        If `x` is something else, such as a number.
    ValueError
        If the value does not fit.
    """
    if not hasattr(x, "assign"):
        raise TypeError(
            "set_value sets a weight of model.weights or model.optimizer.learning_rate, got "
            f"{type(x).__name__}"
        )
    x.assign(value)


__getattr__ = explain_missing(__name__, __all__)
