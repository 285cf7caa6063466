"""The linear path of a forecaster as a part of its file."""

from __future__ import annotations

from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.validation import check_flag, check_real
from gru_c.forecast.base import Base
from gru_c.forecast.linear import Affine

_PREFIX = "forecaster/linear"


def describe_base(base: Base) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return what a file holds of a linear path: JSON, and tensors by name."""
    content = {
        "size": base.size,
        "is_guess": base.is_guess,
        "share": base.share,
        "widening": base.widening,
        "models": base.models,
    }
    tensors = {
        f"{_PREFIX}/coefficients": base.map.coefficients,
        f"{_PREFIX}/intercept": base.map.intercept,
        f"{_PREFIX}/spread": base.spread,
    }
    return content, {name: np.ascontiguousarray(array) for name, array in tensors.items()}


def read_base(content: Any, tensors: dict[str, Array], shape: tuple[int, int]) -> Base | None:
    """Return the linear path in a file; None if it has none.

    Parameters
    ----------
    shape : tuple of int
        Horizon and number of levels.

    Raises
    ------
    ValueError, TypeError, KeyError
        When its parts do not fit.
    """
    if content is None:
        return None
    coefficients, intercept, spread = (
        tensors[f"{_PREFIX}/{name}"].astype(np.float64)
        for name in ("coefficients", "intercept", "spread")
    )
    fits = coefficients.ndim == 2 and len(coefficients) and coefficients.shape[1] == shape[0]
    if not fits or intercept.shape != shape[:1] or spread.shape != shape:
        raise ValueError("its linear path does not fit")
    if not all(np.isfinite(array).all() for array in (coefficients, intercept, spread)):
        raise ValueError("its linear path is not finite")
    models = {str(name): check_real("models", weight) for name, weight in content["models"].items()}
    return Base(
        Affine(coefficients, intercept),
        check_real("linear path: size", content["size"], "> 0"),
        spread,
        check_flag("is_guess", content["is_guess"]),
        check_real("linear path: share", content["share"], "[0, 1]"),
        check_real("linear path: widening", content["widening"], ">= 0"),
        models,
    )
