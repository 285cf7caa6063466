"""The pinball loss: the quantiles of the targets minimize it.

References
----------
Koenker and Bassett, Regression quantiles, Econometrica 46, 1978, doi:10.2307/1913643.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.validation import check_real
from gru_c.losses import targets
from gru_c.losses.base import Loss, LossOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


class QuantileLoss(Loss):
    """Mean of the pinball loss max(q e, (q - 1) e), e = y - p, over outputs and quantiles.

    The quantiles of y minimize its expectation. With Q quantiles the output has Q neighbouring
    numbers for each target: targets (n, ..., k) go with predictions (n, ..., k Q).

    Parameters
    ----------
    quantiles : float or sequence of float
        Numbers above 0 and below 1, in ascending order.
    reduction, name
        See `Loss`.

    Examples
    --------
    >>> QuantileLoss(0.9)([[1.0], [0.0]], [[0.0], [1.0]])
    0.5
    >>> QuantileLoss((0.25, 0.75))([[1.0]], [[0.0, 2.0]])
    0.25
    """

    def __init__(
        self, quantiles: float | Sequence[float] = 0.5, **options: Unpack[LossOptions]
    ) -> None:
        super().__init__(**options)
        self.quantiles = check_quantiles("QuantileLoss", quantiles)

    def per_sample(self, y_true: Array, y_pred: Array) -> Array:
        """Return the mean over outputs and quantiles."""
        e, q = self._errors(y_true, y_pred)
        values: Array = np.maximum(q * e, (q - 1) * e).mean(axis=(-2, -1))
        return values

    def per_sample_gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the slope by each output over their number; the slope at p = y is taken as 0."""
        e, q = self._errors(y_true, y_pred)
        slope = np.where(e > 0, -q, np.where(e < 0, 1 - q, 0 * e))  # 0 * e: NaN stays NaN
        gradient: Array = slope.reshape(y_pred.shape) / y_pred.shape[-1]
        return gradient

    def _errors(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        """Return y - p of shape (n, ..., k, Q), and the quantiles."""
        q = np.asarray(self.quantiles)
        return y_true[..., None] - y_pred.reshape(*y_true.shape, len(q)), q

    def _shapes(self, output_shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        outputs, remainder = divmod(output_shape[-1], len(self.quantiles))
        if remainder:
            raise ValueError(
                f"{self._owner} of {len(self.quantiles)} quantiles needs a multiple of that many "
                f"outputs, got {output_shape[-1]}"
            )
        return targets.value_shapes((*output_shape[:-1], outputs))


def check_quantiles(owner: str, quantiles: float | Sequence[float]) -> tuple[float, ...]:
    """Return quantiles as floats; ValueError unless they are in (0, 1) and ascending."""
    several = quantiles if isinstance(quantiles, (list, tuple, np.ndarray)) else (quantiles,)
    checked = tuple(check_real(f"{owner}: quantiles", q, "> 0") for q in several)
    if not checked or checked[-1] >= 1 or any(a >= b for a, b in pairwise(checked)):
        raise ValueError(
            f"{owner}: quantiles must be numbers above 0 and below 1 in ascending order, "
            f"got {quantiles!r}"
        )
    return checked
