"""Losses, with the names and defaults of Keras, and their gradients."""

from __future__ import annotations

from gru_c.losses.base import Loss
from gru_c.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
from gru_c.losses.function import FunctionLoss
from gru_c.losses.quantile import QuantileLoss
from gru_c.losses.regression import Huber, MeanAbsoluteError, MeanSquaredError
from gru_c.utils.registry import Registry, described, library_of, serialize, snake_case

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "FunctionLoss",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "QuantileLoss",
    "SparseCategoricalCrossentropy",
    "get",
    "serialize",
]


_CLASSES: tuple[type[Loss], ...] = (
    MeanSquaredError,
    MeanAbsoluteError,
    Huber,
    QuantileLoss,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
LOSSES: dict[str, type[Loss]] = {
    **{snake_case(c.__name__): c for c in _CLASSES},
    "mse": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "bce": BinaryCrossentropy,
    "quantile": QuantileLoss,
}
_REGISTRY = Registry("loss", LOSSES, Loss)


def get(spec: object) -> Loss:
    """Return the loss that a name, a dict or a function stands for.

    Parameters
    ----------
    spec : str, dict, Loss or callable
        A name such as ``"mse"``, ``"mean_squared_error"`` or ``"MeanSquaredError"``, the dict of
        `serialize`, an instance, or a function ``f(y_true, y_pred) -> (value, gradient)``, which
        becomes a `FunctionLoss`.

    Raises
    ------
    ValueError, TypeError
        If the name is unknown, or `spec` is something else, such as a loss of Keras or PyTorch.

    Examples
    --------
    >>> get("mse").name, get({"class_name": "Huber", "config": {"delta": 2.0}})
    ('mse', Huber(delta=2.0))
    """
    if callable(spec) and not isinstance(spec, (type, Loss)):
        if library_of(spec):
            raise TypeError(
                "a loss of another library has no gradient here, unlike those of gru_c.losses, got "
                f"{described(spec, LOSSES)}"
            )
        return FunctionLoss(spec)
    loss = _REGISTRY.get(spec)
    if isinstance(spec, str):
        loss._asked_name = spec
    return loss
