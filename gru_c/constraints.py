"""Conditions that weights satisfy after each optimizer step, with Keras's names and formulas.

References
----------
- Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout: a simple way to prevent
  neural networks from overfitting, 2014 (the maximum norm).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.missing_names import explain_missing
from gru_c.common.registry import Configurable, Registry, public_classes, serialize, snake_case
from gru_c.common.validation import check_integer, check_real

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]


_EPSILON = 1e-7  # as in Keras; avoids a division by zero if all weights are zero


class Constraint(Configurable):
    """Base of all constraints; a subclass defines `__call__`."""

    def __call__(self, weight: Array) -> Array:
        """Return the weight that satisfies the constraint, a new array of the same shape."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(weight)")

    def check(self, owner: str, shape: tuple[int, ...]) -> None:
        """Raise ValueError if a weight of this shape cannot be constrained.

        `owner` is what the message calls the weight: ``"bias of layer 'gru'"``.
        """


class NonNeg(Constraint):
    """Replace negative entries by 0."""

    def __call__(self, weight: Array) -> Array:
        """Return max(w, 0)."""
        constrained: Array = np.maximum(weight, 0)
        return constrained


class _NormConstraint(Constraint):
    """Base of the constraints on norms along some axes.

    Along axis 0 of a kernel (inputs, units) there is one norm for each unit, over its inputs.
    """

    axis: int | tuple[int, ...]

    def check(self, owner: str, shape: tuple[int, ...]) -> None:
        """Raise ValueError if the weight lacks one of the axes."""
        axes = (self.axis,) if isinstance(self.axis, int) else self.axis
        for axis in axes:
            if not -len(shape) <= axis < len(shape):
                raise ValueError(f"{owner} of shape {shape} has no axis {axis} for {self!r}")

    def _norms(self, weight: Array) -> Array:
        squares = np.square(weight)
        norms: Array = np.sqrt(squares.sum(axis=self.axis, keepdims=True))
        return norms


class MaxNorm(_NormConstraint):
    """Scale vectors with a norm above `max_value` down to it.

    ``w * min(norm, max_value) / (norm + 1e-7)``.

    Parameters
    ----------
    max_value : float
        Largest norm, at least 0.
    axis : int or sequence of int
        Axes over which each norm is taken.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.

    Examples
    --------
    >>> MaxNorm(1.0)(np.array([[3.0, 0.3], [4.0, 0.4]])).round(3)
    array([[0.6, 0.3],
           [0.8, 0.4]])
    """

    def __init__(self, max_value: float = 2, axis: int | Sequence[int] = 0) -> None:
        self.max_value = check_real("MaxNorm: max_value", max_value, ">= 0", keep_int=True)
        self.axis = _check_axis("MaxNorm", axis)

    def __call__(self, weight: Array) -> Array:
        """Return the scaled weight."""
        norms = self._norms(weight)
        return weight * (np.minimum(norms, self.max_value) / (norms + _EPSILON))


class UnitNorm(_NormConstraint):
    """Scale vectors to norm 1: ``w / (norm + 1e-7)``.

    Parameters
    ----------
    axis : int or sequence of int
        Axes over which each norm is taken.

    Raises
    ------
    TypeError
        If `axis` is something else.

    Examples
    --------
    >>> UnitNorm()(np.array([[3.0, 0.3], [4.0, 0.4]])).round(3)
    array([[0.6, 0.6],
           [0.8, 0.8]])
    """

    def __init__(self, axis: int | Sequence[int] = 0) -> None:
        self.axis = _check_axis("UnitNorm", axis)

    def __call__(self, weight: Array) -> Array:
        """Return the scaled weight."""
        return weight / (self._norms(weight) + _EPSILON)


class MinMaxNorm(_NormConstraint):
    """Move the norms of vectors into an interval.

    ``w * target / (norm + 1e-7)``, with the target ``rate * clip(norm) + (1 - rate) * norm``.

    Parameters
    ----------
    min_value, max_value : float
        The interval; at least 0, the first not above the second.
    rate : float
        Share of the distance to the interval that one step covers, from 0 to 1.
    axis : int or sequence of int
        Axes over which each norm is taken.

    Examples
    --------
    >>> MinMaxNorm(1.0, 2.0)(np.array([[3.0, 0.3], [4.0, 0.4]])).round(3)
    array([[1.2, 0.6],
           [1.6, 0.8]])
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: int | Sequence[int] = 0,
    ) -> None:
        self.min_value = check_real("MinMaxNorm: min_value", min_value, ">= 0")
        self.max_value = check_real("MinMaxNorm: max_value", max_value, ">= 0")
        if self.min_value > self.max_value:
            raise ValueError(f"MinMaxNorm: min_value {min_value} is above max_value {max_value}")
        self.rate = check_real("MinMaxNorm: rate", rate, "[0, 1]")
        self.axis = _check_axis("MinMaxNorm", axis)

    def __call__(self, weight: Array) -> Array:
        """Return the scaled weight."""
        norms = self._norms(weight)
        target = self.rate * np.clip(norms, self.min_value, self.max_value)
        return weight * ((target + (1 - self.rate) * norms) / (norms + _EPSILON))


def _check_axis(owner: str, axis: object) -> int | tuple[int, ...]:
    """Return the axis as an int, or several as a tuple."""
    label = f"{owner}: axis"
    if isinstance(axis, (list, tuple)) and axis:
        return tuple(check_integer(label, item, None) for item in axis)
    return check_integer(label, axis, None, also=" or several")


# Keras has each class under this name, too.
max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm
CONSTRAINTS: dict[str, type[Constraint]] = {
    snake_case(c.__name__): c for c in public_classes(globals(), Constraint)
}
_REGISTRY = Registry(
    "constraint",
    CONSTRAINTS,
    Constraint,
    ": derive from gru_c.constraints.Constraint, with __call__(weight) for the weight that "
    "satisfies it",
)


def get(identifier: object) -> Constraint | None:
    """Return the constraint that a name or a dict stands for.

    Parameters
    ----------
    identifier : str, dict, Constraint or None
        A name such as ``"max_norm"``, the dict of `serialize`, an instance, or None for no
        constraint.

    Raises
    ------
    ValueError, TypeError
        If the name is unknown, or `identifier` is something else.

    Examples
    --------
    >>> get("max_norm"), get("NonNeg")
    (MaxNorm(max_value=2, axis=0), NonNeg())
    """
    return _REGISTRY.get_optional(identifier)


deserialize = get

__getattr__ = explain_missing(__name__, __all__)
