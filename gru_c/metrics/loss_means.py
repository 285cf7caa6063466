"""The means of losses under Keras's names."""

from __future__ import annotations

from typing import ClassVar

from gru_c import losses
from gru_c.common.arrays import Array
from gru_c.losses import vectors
from gru_c.metrics.base import Metric
from gru_c.metrics.errors import MeanOfLoss


class _OfLoss(MeanOfLoss):
    """Base of the means of a loss that has no arguments.

    Parameters
    ----------
    name : str, optional
        See `Metric`.
    """

    _loss: ClassVar[type[losses.Loss]]

    def __init__(self, name: str | None = None) -> None:
        super().__init__(self._loss(), self._default_name() if name is None else name)
        self._has_default_name = name is None


class MeanAbsolutePercentageError(_OfLoss):
    """Mean of 100 abs(p - y) / max(abs(y), 1e-7) over samples and outputs."""

    _loss = losses.MeanAbsolutePercentageError


class MeanSquaredLogarithmicError(_OfLoss):
    """Mean of (log(1 + p) - log(1 + y))^2 over samples and outputs."""

    _loss = losses.MeanSquaredLogarithmicError


class LogCoshError(_OfLoss):
    """Mean of log(cosh(p - y)) over samples and outputs; its default name is "logcosh"."""

    _loss = losses.LogCosh

    @classmethod
    def _default_name(cls) -> str:
        return "logcosh"


class Poisson(_OfLoss):
    """Mean of p - y log(p + 1e-7) over samples and outputs."""

    _loss = losses.Poisson


class KLDivergence(_OfLoss):
    """Mean over the samples of the sum of y log(y / p)."""

    _loss = losses.KLDivergence


class Hinge(_OfLoss):
    """Mean of max(1 - y p, 0) over samples and outputs."""

    _loss = losses.Hinge


class SquaredHinge(_OfLoss):
    """Mean of max(1 - y p, 0)^2 over samples and outputs."""

    _loss = losses.SquaredHinge


class CategoricalHinge(_OfLoss):
    """Mean over the samples of `losses.CategoricalHinge`."""

    _loss = losses.CategoricalHinge


class BinaryCrossentropy(MeanOfLoss):
    """Mean of `losses.BinaryCrossentropy`.

    Parameters
    ----------
    name : str, optional
        See `Metric`.
    from_logits, label_smoothing
        See `losses.BinaryCrossentropy`.

    Examples
    --------
    >>> metric = BinaryCrossentropy(from_logits=True)
    >>> metric.update([[1.0]], [[0.0]])
    >>> round(metric.result(), 6)
    0.693147
    """

    _derived: ClassVar = {"from_logits": ("loss",), "label_smoothing": ("loss",)}

    def __init__(
        self, name: str | None = None, from_logits: bool = False, label_smoothing: float = 0.0
    ) -> None:
        loss = losses.BinaryCrossentropy(from_logits, label_smoothing)
        super().__init__(loss, name)
        self._has_default_name = name is None
        self.from_logits = loss.from_logits
        self.label_smoothing = loss.label_smoothing


class CategoricalCrossentropy(MeanOfLoss):
    """Mean of `losses.CategoricalCrossentropy`.

    Parameters
    ----------
    name : str, optional
        See `Metric`.
    from_logits, label_smoothing
        See `losses.CategoricalCrossentropy`.
    """

    _derived: ClassVar = {"from_logits": ("loss",), "label_smoothing": ("loss",)}

    def __init__(
        self, name: str | None = None, from_logits: bool = False, label_smoothing: float = 0.0
    ) -> None:
        loss = losses.CategoricalCrossentropy(from_logits, label_smoothing)
        super().__init__(loss, name)
        self._has_default_name = name is None
        self.from_logits = loss.from_logits
        self.label_smoothing = loss.label_smoothing


class SparseCategoricalCrossentropy(MeanOfLoss):
    """Mean of `losses.SparseCategoricalCrossentropy`.

    Parameters
    ----------
    name : str, optional
        See `Metric`.
    from_logits : bool
        See `losses.SparseCategoricalCrossentropy`.
    """

    _derived: ClassVar = {"from_logits": ("loss",)}

    def __init__(self, name: str | None = None, from_logits: bool = False) -> None:
        loss = losses.SparseCategoricalCrossentropy(from_logits)
        super().__init__(loss, name)
        self._has_default_name = name is None
        self.from_logits = loss.from_logits


class CosineSimilarity(Metric):
    """Mean over the samples of the cosine of the angle between y and p: 1 for the same direction.

    Parameters
    ----------
    name : str, optional
        See `Metric`.
    axis : int
        The axis of the vectors, which must be the last one: -1, or its number.

    Examples
    --------
    >>> metric = CosineSimilarity()
    >>> metric.update([[0.0, 1.0], [1.0, 0.0]], [[0.0, 3.0], [0.0, 3.0]])
    >>> metric.result()
    0.5
    """

    direction = "max"

    def __init__(self, name: str | None = None, axis: int = -1) -> None:
        super().__init__(name)
        self.axis = losses.CosineSimilarity(axis).axis

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return the cosine of each sample."""
        return vectors.cosine(self._fit(y_true, y_pred), y_pred, self.axis)
