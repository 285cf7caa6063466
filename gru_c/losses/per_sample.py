"""The losses as functions, as in Keras: one value for each sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, refuse_masked
from gru_c.common.registry import snake_case
from gru_c.losses import (
    crossentropy,
    elementwise,
    focal,
    label_sequences,
    regression,
    vectors,
)
from gru_c.losses.base import Loss

# The functions that `gru_c.losses` and `gru_c.metrics` have, as in Keras.
__all__ = [
    "KLD",
    "MAE",
    "MAPE",
    "MSE",
    "MSLE",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "ctc",
    "hinge",
    "huber",
    "kl_divergence",
    "kld",
    "log_cosh",
    "logcosh",
    "mae",
    "mape",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "mse",
    "msle",
    "poisson",
    "sparse_categorical_crossentropy",
    "squared_hinge",
]

LossValues = Callable[..., Any]
BY_FUNCTION: dict[LossValues, type[Loss]] = {}  # the class of each function


def _function(cls: type[Loss]) -> LossValues:
    """Return the function that computes a loss of each sample."""

    def values(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, **options: Any) -> Any:
        if hasattr(y_pred, "_record"):
            from gru_c.losses.traced_function import values_on_tensors  # imports gru_c.ops

            return values_on_tensors(cls(**options), y_true, y_pred)
        return per_sample(cls(**options).sample_values, y_true, y_pred)

    values.__name__ = values.__qualname__ = snake_case(cls.__name__)
    values.__doc__ = (
        f"Return the values of `{cls.__name__}` for each sample; options are its arguments.\n\n"
        "Predictions have the shape (n, ..., outputs), and the values that without the last axis."
    )
    BY_FUNCTION[values] = cls
    return values


def per_sample(
    compute: Callable[[Array, Array], Array], y_true: npt.ArrayLike, y_pred: npt.ArrayLike
) -> Any:
    """Return the values of a loss for each sample; `y_pred` with one axis is one sample."""
    refuse_masked("y_true", y_true)
    refuse_masked("y_pred", y_pred)
    y, p = np.asarray(y_true), np.asarray(y_pred)
    if p.ndim == 1 and y.shape == (*p.shape, 1):
        p = p[:, None]
    return compute(y, p) if p.ndim != 1 else compute(y[None], p[None])[0]


mean_squared_error = mse = MSE = _function(regression.MeanSquaredError)
mean_absolute_error = mae = MAE = _function(regression.MeanAbsoluteError)
mean_absolute_percentage_error = _function(elementwise.MeanAbsolutePercentageError)
mean_squared_logarithmic_error = _function(elementwise.MeanSquaredLogarithmicError)
huber = _function(regression.Huber)
log_cosh = logcosh = _function(elementwise.LogCosh)
poisson = _function(elementwise.Poisson)
hinge = _function(elementwise.Hinge)
squared_hinge = _function(elementwise.SquaredHinge)
categorical_hinge = _function(vectors.CategoricalHinge)
cosine_similarity = _function(vectors.CosineSimilarity)
kl_divergence = kld = KLD = kullback_leibler_divergence = _function(vectors.KLDivergence)
binary_crossentropy = _function(crossentropy.BinaryCrossentropy)
categorical_crossentropy = _function(crossentropy.CategoricalCrossentropy)
sparse_categorical_crossentropy = _function(crossentropy.SparseCategoricalCrossentropy)
binary_focal_crossentropy = _function(focal.BinaryFocalCrossentropy)
categorical_focal_crossentropy = _function(focal.CategoricalFocalCrossentropy)
ctc = _function(label_sequences.CTC)
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
