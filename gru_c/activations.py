"""Activation functions of Dense layers, each with its derivative.

Every derivative is a function of the output y, so a layer keeps y and not the pre-activation. No
function here changes its arguments; ``linear`` returns its argument itself, all others return a new
array of the same dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gru_c import _core
from gru_c.common.arrays import Array
from gru_c.common.missing_names import explain_missing
from gru_c.common.registry import lookup
from gru_c.common.warnings import warn

__all__ = ["ACTIVATIONS", "Activation", "get", "sigmoid", "softmax", "tanh"]


_LEAKY_SLOPE = 0.2  # Keras 3; Keras 2 had 0.3, PyTorch has 0.01


@dataclass(frozen=True)
class Activation:
    """A function of an array and its derivative.

    Attributes
    ----------
    name : str
        Keras's name.
    forward : callable
        ``forward(x) -> y`` for arrays of any shape; x is not changed. `linear` returns x itself.
    backward : callable
        ``backward(y, dy) -> dx``, where y is the output of `forward`; neither is changed. `linear`
        returns dy itself.
    """

    name: str
    forward: Callable[[Array], Array]
    backward: Callable[[Array, Array], Array]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle an activation of the table by its name: its lambdas cannot be pickled."""
        if ACTIVATIONS.get(self.name) is self:
            return get, (self.name,)
        return Activation, (self.name, self.forward, self.backward)


def sigmoid(x: Array) -> Array:
    """Return the logistic function 1 / (1 + exp(-x)) of an array of float32 or float64.

    Examples
    --------
    >>> sigmoid(np.array([-np.inf, 0.0, 1e30]))
    array([0. , 0.5, 1. ])
    """
    return _by_kernel(_core.sigmoid, x)


def tanh(x: Array) -> Array:
    """Return the hyperbolic tangent of an array of float32 or float64.

    Examples
    --------
    >>> tanh(np.array([-np.inf, 0.0]))
    array([-1.,  0.])
    """
    return _by_kernel(_core.tanh, x)


def _by_kernel(kernel: Callable[[Array, Array], None], x: Array) -> Array:
    """Return what a kernel of the core computes from an array."""
    if x.dtype.char not in "fd" or not x.dtype.isnative:
        raise TypeError(f"sigmoid and tanh are for float32 and float64, got {x.dtype}")
    y = np.empty_like(x, order="C")
    kernel(x.astype(x.dtype, order="C", copy=not x.flags.aligned), y)
    return y


def softmax(x: Array) -> Array:
    """Return the softmax over the last axis.

    The largest entry is subtracted first, so that exp cannot overflow.

    Examples
    --------
    >>> softmax(np.array([[1000.0, 1000.0]]))
    array([[0.5, 0.5]])
    """
    y: Array = np.exp(x - x.max(axis=-1, keepdims=True))
    y /= y.sum(axis=-1, keepdims=True)
    return y


def _softmax_backward(y: Array, dy: Array) -> Array:
    dx: Array = dy - (dy * y).sum(axis=-1, keepdims=True)
    dx *= y
    return dx


def _softsign(x: Array) -> Array:
    # Cut off below infinity: inf / (1 + inf) is NaN, and the limit is 1.
    a = np.minimum(np.abs(x), np.finfo(x.dtype).max)
    y: Array = np.copysign(a / (1 + a), x)
    return y


def _elu(x: Array) -> Array:
    y: Array = np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
    return y


ACTIVATIONS: dict[str, Activation] = {
    a.name: a
    for a in (
        Activation("linear", lambda x: x, lambda y, dy: dy),
        Activation("relu", lambda x: np.maximum(x, 0), lambda y, dy: dy * (y > 0)),
        Activation("sigmoid", sigmoid, lambda y, dy: dy * (y * (1 - y))),
        Activation("tanh", tanh, lambda y, dy: dy * (1 - y * y)),
        Activation("softmax", softmax, _softmax_backward),
        # y = log(1 + exp(x)), so sigmoid(x) = 1 - exp(-y)
        Activation("softplus", lambda x: np.logaddexp(x, 0), lambda y, dy: dy * -np.expm1(-y)),
        # y = x / (1 + |x|), so 1 / (1 + |x|) = 1 - |y|
        Activation("softsign", _softsign, lambda y, dy: dy * (1 - np.abs(y)) ** 2),
        Activation("elu", _elu, lambda y, dy: dy * np.where(y > 0, 1, y + 1)),
        Activation("exponential", lambda x: np.exp(x), lambda y, dy: dy * y),
        Activation(
            "hard_sigmoid",
            lambda x: np.clip(x / 6 + 0.5, 0, 1),
            lambda y, dy: dy * ((y > 0) & (y < 1)) / 6,
        ),
        Activation(
            "leaky_relu",
            lambda x: np.maximum(x, _LEAKY_SLOPE * x),
            lambda y, dy: np.where(y > 0, dy, _LEAKY_SLOPE * dy),
        ),
    )
}


# Functions of this module that a user may give in place of the name.
_BY_FUNCTION = {a.forward: a for a in ACTIVATIONS.values()}


def warn_of_constant(activation: Activation, owner: str, outputs: int | None) -> None:
    """Warn if an activation is a softmax over one number, which is always 1."""
    if outputs == 1 and activation is ACTIVATIONS["softmax"]:
        warn(
            f"{owner} takes the softmax of one number, which is always 1: write "
            "activation='sigmoid' for the probability of one of two classes, or have an output for "
            "each class"
        )


def get(spec: str | Activation | Callable[[Array], Array] | None) -> Activation:
    """Return the activation that a name or a function of this module stands for.

    Parameters
    ----------
    spec : str, Activation, function or None
        None means ``linear``. Other functions than those of this module have no derivative here:
        give them as ``Activation(name, forward, backward)``.

    Raises
    ------
    ValueError, TypeError
        If the name is unknown, or `spec` is something else.

    Examples
    --------
    >>> get(None).name, get("ReLU").name
    ('linear', 'relu')
    """
    if spec is None:
        return ACTIVATIONS["linear"]
    if isinstance(spec, Activation):
        return spec
    if isinstance(spec, str):
        return lookup("activation", spec, ACTIVATIONS)
    if callable(spec) and spec in _BY_FUNCTION:
        return _BY_FUNCTION[spec]
    hint = ""
    if callable(spec):
        hint = (
            ": gru_c does not differentiate functions; write gru_c.activations.Activation(name, "
            "forward, backward), where backward(y, dy) returns dx for y = forward(x)"
        )
    raise TypeError(f"activation must be a name, an Activation or None, got {spec!r}{hint}")


__getattr__ = explain_missing(__name__, __all__)
