"""Losses, with the names and defaults of Keras, and their gradients."""

from __future__ import annotations

from types import FunctionType

from gru_c.common.missing_names import explain_missing
from gru_c.common.registry import (
    Registry,
    described,
    library_of,
    public_classes,
    serialize,
    snake_case,
)
from gru_c.losses import per_sample
from gru_c.losses.base import Loss
from gru_c.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
from gru_c.losses.elementwise import (
    Hinge,
    LogCosh,
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    Poisson,
    SquaredHinge,
)
from gru_c.losses.focal import BinaryFocalCrossentropy, CategoricalFocalCrossentropy
from gru_c.losses.label_sequences import CTC
from gru_c.losses.of_outputs import OutputLosses as OutputLosses
from gru_c.losses.per_sample import *  # noqa: F403
from gru_c.losses.per_sample import BY_FUNCTION, cosine_similarity, kullback_leibler_divergence
from gru_c.losses.quantile import QuantileLoss
from gru_c.losses.regression import Huber, MeanAbsoluteError, MeanSquaredError
from gru_c.losses.user_function import FunctionLoss
from gru_c.losses.vectors import CategoricalHinge, CosineSimilarity, KLDivergence

__all__ = [
    "CTC",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "FunctionLoss",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "QuantileLoss",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "cosine_similarity",
    "deserialize",
    "get",
    "kullback_leibler_divergence",
    "serialize",
]
__all__ += per_sample.__all__


LOSSES: dict[str, type[Loss]] = {
    **{snake_case(c.__name__): c for c in public_classes(globals(), Loss) if c is not FunctionLoss},
    "mse": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError,
    "msle": MeanSquaredLogarithmicError,
    "bce": BinaryCrossentropy,
    "kld": KLDivergence,
    "kullback_leibler_divergence": KLDivergence,
    "logcosh": LogCosh,
    "quantile": QuantileLoss,
}
_REGISTRY = Registry("loss", LOSSES, Loss)


def get(identifier: object) -> Loss:
    """Return the loss that a name, a dict or a function stands for.

    Parameters
    ----------
    identifier : str, dict, Loss or callable
        A name such as ``"mse"``, ``"mean_squared_error"`` or ``"MeanSquaredError"``, the dict of
        `serialize`, an instance, a function of this module such as `mean_squared_error`, or a
        function ``f(y_true, y_pred) -> (value, gradient)``, which becomes a `FunctionLoss`.

    Raises
    ------
    ValueError, TypeError
        If the name is unknown, or `identifier` is something else, such as a loss of Keras.

    Examples
    --------
    >>> get("mse").name, get({"class_name": "Huber", "config": {"delta": 2.0}})
    ('mse', Huber(delta=2.0))
    """
    if isinstance(identifier, FunctionType) and identifier in BY_FUNCTION:
        identifier = identifier.__name__
    if callable(identifier) and not isinstance(identifier, (type, Loss)):
        if library_of(identifier):
            raise TypeError(
                "a loss of another library has no gradient here, unlike those of gru_c.losses, got "
                f"{described(identifier, LOSSES)}"
            )
        return FunctionLoss(identifier)
    loss = _REGISTRY.get(identifier)
    if isinstance(identifier, str):
        loss._asked_name = identifier
    return loss


deserialize = get


__getattr__ = explain_missing(__name__, __all__)
