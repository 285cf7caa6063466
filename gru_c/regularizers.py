"""Penalties on the size of weights, with Keras's names, defaults and formulas.

A penalty is added to the loss that `fit`, `evaluate` and `train_on_batch` report. Its gradient is
added to that of the weight before gradients are clipped.
"""

from __future__ import annotations

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.missing_names import explain_missing
from gru_c.common.registry import Configurable, Registry, serialize
from gru_c.common.validation import check_real

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]


_DEFAULT_FACTOR = 0.01
_SMALLEST_NORM = 1e-7


class Regularizer(Configurable):
    """Base of all regularizers; a subclass defines `__call__` and `add_gradient`."""

    def __call__(self, weight: Array) -> float:
        """Return the penalty of a weight of any shape."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(weight)")

    def add_gradient(self, weight: Array, gradient: Array) -> None:
        """Add the derivative of the penalty by the weight to `gradient`, of the same shape."""
        raise NotImplementedError(
            f"{type(self).__name__} must define add_gradient(weight, gradient)"
        )


class L1L2(Regularizer):
    """The penalty ``l1 * sum(|w|) + l2 * sum(w^2)``.

    With the name ``"l1_l2"`` both factors are 0.01.

    Parameters
    ----------
    l1, l2 : float
        Factors, at least 0.

    Raises
    ------
    ValueError
        If a factor is negative or not a finite number.

    Examples
    --------
    >>> L1L2(l1=1.0, l2=0.5)(np.array([2.0, -4.0]))
    16.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = check_real(f"{type(self).__name__}: l1", l1, ">= 0")
        self.l2 = check_real(f"{type(self).__name__}: l2", l2, ">= 0")

    def __call__(self, weight: Array) -> float:
        """Return the penalty, summed in float64; infinite where that overflows."""
        penalty = 0.0
        with np.errstate(over="ignore"):
            if self.l1:
                penalty += self.l1 * float(np.abs(weight).sum(dtype=np.float64))
            if self.l2:
                penalty += self.l2 * float(np.square(weight, dtype=np.float64).sum())
        return penalty

    def add_gradient(self, weight: Array, gradient: Array) -> None:
        """Add ``l1 * sign(w) + 2 * l2 * w``; the sign of 0 is 0."""
        if self.l1:
            gradient += self.l1 * np.sign(weight)
        if self.l2:
            gradient += 2 * self.l2 * weight


class L1(L1L2):
    """The penalty ``l1 * sum(|w|)``.

    Parameters
    ----------
    l1 : float
        Factor, at least 0.
    """

    def __init__(self, l1: float = _DEFAULT_FACTOR) -> None:
        super().__init__(l1=l1)


class L2(L1L2):
    """The penalty ``l2 * sum(w^2)``.

    Parameters
    ----------
    l2 : float
        Factor, at least 0.
    """

    def __init__(self, l2: float = _DEFAULT_FACTOR) -> None:
        super().__init__(l2=l2)


class OrthogonalRegularizer(Regularizer):
    """The mean absolute cosine between each two rows, or columns, of a matrix, times `factor`.

    A row whose norm is below 1e-7 is divided by that.

    Parameters
    ----------
    factor : float
        Factor, at least 0.
    mode : {"rows", "columns"}
        The vectors.

    Examples
    --------
    >>> OrthogonalRegularizer(1.0)(np.array([[1.0, 0.0], [3.0, 4.0]]))
    0.6
    """

    def __init__(self, factor: float = _DEFAULT_FACTOR, mode: str = "rows") -> None:
        self.factor = check_real("OrthogonalRegularizer: factor", factor, ">= 0")
        if mode not in ("rows", "columns"):
            raise ValueError(
                f"OrthogonalRegularizer: mode must be 'rows' or 'columns', got {mode!r}"
            )
        self.mode = mode

    def __call__(self, weight: Array) -> float:
        """Return the penalty; 0 for a single vector. ValueError unless the weight is a matrix."""
        unit, _ = self._unit_rows(weight)
        pairs = max(1.0, len(unit) * (len(unit) - 1) / 2)
        return self.factor * 0.5 * float(np.abs(_cosines(unit)).sum()) / pairs

    def add_gradient(self, weight: Array, gradient: Array) -> None:
        """Add the derivative through the cosines and the norms."""
        unit, norms = self._unit_rows(weight)
        pairs = max(1.0, len(unit) * (len(unit) - 1) / 2)
        d_unit = np.sign(_cosines(unit)) @ unit * (self.factor / pairs)
        along = (d_unit * unit).sum(axis=1, keepdims=True) * (norms > _SMALLEST_NORM)
        d = (d_unit - along * unit) / norms
        gradient += d if self.mode == "rows" else d.T

    def _unit_rows(self, weight: Array) -> tuple[Array, Array]:
        """Return the vectors as rows of norm 1 in float64, and their norms."""
        if weight.ndim != 2:
            raise ValueError(
                f"OrthogonalRegularizer is for matrices, got a weight of shape {weight.shape}"
            )
        rows = (weight if self.mode == "rows" else weight.T).astype(np.float64)
        norms = np.maximum(np.sqrt(np.square(rows).sum(axis=1, keepdims=True)), _SMALLEST_NORM)
        return rows / norms, norms


def _cosines(unit: Array) -> Array:
    """Return the cosine between each two rows, with zeros on the diagonal."""
    cosines: Array = unit @ unit.T
    np.fill_diagonal(cosines, 0.0)
    return cosines


# Keras has each class under this name, too.
l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer

REGULARIZERS: dict[str, type[Regularizer]] = {
    "l1": L1,
    "l2": L2,
    "l1_l2": L1L2,
    "l1l2": L1L2,
    "orthogonal_regularizer": OrthogonalRegularizer,
}
_REGISTRY: Registry[Regularizer] = Registry(
    "regularizer",
    REGULARIZERS,
    Regularizer,
    ", which gru_c does not differentiate: derive from gru_c.regularizers.Regularizer, with "
    "__call__(weight) for the penalty and add_gradient(weight, gradient) for its derivative",
)


def get(identifier: object) -> Regularizer | None:
    """Return the regularizer that a name or a dict stands for.

    Parameters
    ----------
    identifier : str, dict, Regularizer or None
        A name such as ``"l2"``, the dict of `serialize`, an instance, or None for no regularizer.

    Raises
    ------
    ValueError, TypeError
        If the name is unknown, or `identifier` is something else.

    Examples
    --------
    >>> get("l2"), get("l1_l2")
    (L2(l2=0.01), L1L2(l1=0.01, l2=0.01))
    """
    if isinstance(identifier, str) and _REGISTRY.find(identifier) is L1L2:
        # The class's own defaults of 0, meant for one factor without the other, give no penalty.
        return L1L2(_DEFAULT_FACTOR, _DEFAULT_FACTOR)
    return _REGISTRY.get_optional(identifier)


deserialize = get

__getattr__ = explain_missing(__name__, __all__)
