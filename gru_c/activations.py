"""Activation functions of Dense layers, each with its derivative.

Most derivatives are functions of the output y, so a layer keeps y and not the pre-activation x.
Those of the functions that rise and fall, such as `gelu`, are functions of x, and a layer keeps x.
No function here changes its arguments; ``linear`` returns its argument itself, all others return a
new array of the same dtype.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from gru_c import _core
from gru_c.common.arrays import Array, refuse_masked
from gru_c.common.missing_names import explain_missing
from gru_c.common.registry import lookup
from gru_c.common.tensor_operators import ActivationOperation

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805
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
    backward_of_input : callable, optional
        ``backward_of_input(x, dy) -> dx``, for a derivative that does not follow from y. `backward`
        is then not called.
    """

    name: str
    forward: Callable[[Array], Array]
    backward: Callable[[Array, Array], Array]
    backward_of_input: Callable[[Array, Array], Array] | None = None

    def __call__(self, x: Array) -> Array:
        """Return the function of an array, see `forward`, or of a tensor of `gru_c.ops`."""
        if hasattr(x, "_record"):
            return cast(Array, x._record(ActivationOperation(self), [x]))
        return self.forward(x)

    def keep(self, x: Array, y: Array) -> Array:
        """Return the array that `gradient` needs, the input or the output of `forward`."""
        return y if self.backward_of_input is None else x

    def gradient(self, kept: Array, dy: Array) -> Array:
        """Return dx, given the array of `keep` and dy."""
        return (self.backward_of_input or self.backward)(kept, dy)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle an activation of the table by its name: its lambdas cannot be pickled."""
        if ACTIVATIONS.get(self.name) is self:
            return get, (self.name,)
        return Activation, (self.name, self.forward, self.backward, self.backward_of_input)


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
    refuse_masked("x", x)
    y = np.empty_like(x, order="C")
    kernel(x.astype(x.dtype, order="C", copy=not x.flags.aligned), y)
    return y


def softmax(x: Array, axis: int = -1) -> Array:
    """Return the softmax over an axis.

    The largest entry is subtracted first, so that exp cannot overflow.

    Examples
    --------
    >>> softmax(np.array([[1000.0, 1000.0]]))
    array([[0.5, 0.5]])
    """
    y: Array = np.exp(x - x.max(axis=axis, keepdims=True))
    y /= y.sum(axis=axis, keepdims=True)
    return y


def _softmax_backward(y: Array, dy: Array) -> Array:
    dx: Array = dy - (dy * y).sum(axis=-1, keepdims=True)
    dx *= y
    return dx


def log_softmax(x: Array, axis: int = -1) -> Array:
    """Return the logarithm of the softmax over an axis."""
    y: Array = x - x.max(axis=axis, keepdims=True)
    y -= np.log(np.exp(y).sum(axis=axis, keepdims=True))
    return y


def _log_softmax_backward(y: Array, dy: Array) -> Array:
    dx: Array = dy - np.exp(y) * dy.sum(axis=-1, keepdims=True)
    return dx


def linear(x: Array) -> Array:
    """Return the array itself."""
    return x


def relu(
    x: Array, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Array:
    """Return min(x, max_value) above `threshold`, negative_slope (x - threshold) below."""
    if not (negative_slope or threshold) and max_value is None:
        return np.maximum(x, 0)
    y: Array = np.where(x > threshold, x, 0).astype(x.dtype)
    if max_value is not None:
        y = np.minimum(y, x.dtype.type(max_value))
    y += negative_slope * np.minimum(x - threshold, 0)
    return y


def relu6(x: Array) -> Array:
    """Return min(max(x, 0), 6)."""
    return np.clip(x, 0, 6)


def leaky_relu(x: Array, negative_slope: float = _LEAKY_SLOPE) -> Array:
    """Return x above 0, and negative_slope times x below."""
    return np.maximum(x, negative_slope * x) if negative_slope <= 1 else relu(x, negative_slope)


def elu(x: Array, alpha: float = 1.0) -> Array:
    """Return x above 0, and alpha (exp(x) - 1) below."""
    y: Array = np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))
    return y


def selu(x: Array) -> Array:
    """Return 1.0507 times the `elu` with alpha 1.67326, which keeps mean 0 and variance 1."""
    y: Array = _SELU_SCALE * elu(x, _SELU_ALPHA)
    return y


def softplus(x: Array) -> Array:
    """Return log(1 + exp(x))."""
    y: Array = np.logaddexp(x, 0)
    return y


def softsign(x: Array) -> Array:
    """Return x / (1 + abs(x))."""
    # Cut off below infinity: inf / (1 + inf) is NaN, and the limit is 1.
    a = np.minimum(np.abs(x), np.finfo(x.dtype).max)
    y: Array = np.copysign(a / (1 + a), x)
    return y


def exponential(x: Array) -> Array:
    """Return exp(x)."""
    y: Array = np.exp(x)
    return y


def hard_sigmoid(x: Array) -> Array:
    """Return x / 6 + 1 / 2, limited to the range from 0 to 1."""
    return np.clip(x / 6 + 0.5, 0, 1)


def hard_tanh(x: Array) -> Array:
    """Return x, limited to the range from -1 to 1."""
    return np.clip(x, -1, 1)


def log_sigmoid(x: Array) -> Array:
    """Return log(1 / (1 + exp(-x)))."""
    return -softplus(-x)


def silu(x: Array) -> Array:
    """Return x sigmoid(x), which is also called swish."""
    return x * sigmoid(x)


def _silu_slope(x: Array) -> Array:
    s = sigmoid(x)
    return cast(Array, s * (1 + x * (1 - s)))


def hard_silu(x: Array) -> Array:
    """Return x hard_sigmoid(x)."""
    return x * hard_sigmoid(x)


def _hard_silu_slope(x: Array) -> Array:
    slope: Array = np.where(np.abs(x) < 3, x / 3 + 0.5, x > 0)
    return slope.astype(x.dtype, copy=False)


def mish(x: Array) -> Array:
    """Return x tanh(softplus(x))."""
    return x * tanh(softplus(x))


def _mish_slope(x: Array) -> Array:
    t = tanh(softplus(x))
    return cast(Array, t + x * (1 - t * t) * sigmoid(x))


def gelu(x: Array, approximate: bool = False) -> Array:
    """Return x Phi(x) with the normal distribution Phi, or an approximation of it by tanh."""
    if approximate:
        y: Array = 0.5 * x * (1 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
        return y
    exact: Array = x * _normal_distribution(x)
    return exact


def _normal_distribution(x: Array) -> Array:
    try:
        from scipy.special import ndtr  # its import takes longer than that of this package
    except ModuleNotFoundError:  # not installed: slower, the same but for the last bits
        ndtr = _ndtr
    phi: Array = ndtr(x)
    return phi


def _ndtr(x: Array) -> Array:
    """Return scipy.special.ndtr(x), one element at a time."""
    values = np.fromiter((0.5 * math.erfc(-v * math.sqrt(0.5)) for v in x.flat), float, x.size)
    return values.reshape(x.shape).astype(x.dtype)


def _gelu_slope(x: Array) -> Array:
    density = np.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
    slope: Array = _normal_distribution(x) + x * density
    return slope


def _needs_input(y: Array, dy: Array) -> Array:
    raise ValueError(
        "the derivative of this activation follows from its input, not from its output: call "
        "gradient(keep(x, y), dy)"
    )


def _of_input(forward: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Activation:
    """Return an activation whose derivative is a function of its input."""
    return Activation(forward.__name__, forward, _needs_input, lambda x, dy: dy * slope(x))


ACTIVATIONS: dict[str, Activation] = {
    a.name: a
    for a in (
        Activation("linear", linear, lambda y, dy: dy),
        Activation("relu", relu, lambda y, dy: dy * (y > 0)),
        Activation("sigmoid", sigmoid, lambda y, dy: dy * (y * (1 - y))),
        Activation("tanh", tanh, lambda y, dy: dy * (1 - y * y)),
        Activation("softmax", softmax, _softmax_backward),
        # y = log(1 + exp(x)), so sigmoid(x) = 1 - exp(-y)
        Activation("softplus", softplus, lambda y, dy: dy * -np.expm1(-y)),
        # y = x / (1 + |x|), so 1 / (1 + |x|) = 1 - |y|
        Activation("softsign", softsign, lambda y, dy: dy * (1 - np.abs(y)) ** 2),
        Activation("elu", elu, lambda y, dy: dy * np.where(y > 0, 1, y + 1)),
        Activation("exponential", exponential, lambda y, dy: dy * y),
        Activation("hard_sigmoid", hard_sigmoid, lambda y, dy: dy * ((y > 0) & (y < 1)) / 6),
        Activation("leaky_relu", leaky_relu, lambda y, dy: np.where(y > 0, dy, _LEAKY_SLOPE * dy)),
        Activation("relu6", relu6, lambda y, dy: dy * ((y > 0) & (y < 6))),
        Activation("hard_tanh", hard_tanh, lambda y, dy: dy * (np.abs(y) < 1)),
        Activation(
            "selu",
            selu,
            lambda y, dy: dy * np.where(y > 0, _SELU_SCALE, y + _SELU_SCALE * _SELU_ALPHA),
        ),
        Activation("log_sigmoid", log_sigmoid, lambda y, dy: dy * -np.expm1(y)),
        Activation("log_softmax", log_softmax, _log_softmax_backward),
        _of_input(silu, _silu_slope),
        _of_input(hard_silu, _hard_silu_slope),
        _of_input(mish, _mish_slope),
        _of_input(gelu, _gelu_slope),
    )
}
swish, hard_swish = silu, hard_silu
_ALIASES = {"swish": ACTIVATIONS["silu"], "hard_swish": ACTIVATIONS["hard_silu"]}


# Functions of this module that a user may pass instead of the name.
_BY_FUNCTION = {a.forward: a for a in ACTIVATIONS.values()}


def get(identifier: str | Activation | Callable[[Array], Array] | None) -> Activation:
    """Return the activation that a name or a function of this module stands for.

    Parameters
    ----------
    identifier : str, Activation, function or None
        None means ``linear``. Other functions than those of this module have no derivative here:
        give them as ``Activation(name, forward, backward)``.

    Raises
    ------
    ValueError, TypeError
        If the name is unknown, or `identifier` is something else.

    Examples
    --------
    >>> get(None).name, get("ReLU").name
    ('linear', 'relu')
    """
    if identifier is None:
        return ACTIVATIONS["linear"]
    if isinstance(identifier, Activation):
        return identifier
    if isinstance(identifier, str):
        return lookup("activation", identifier, {**ACTIVATIONS, **_ALIASES})
    if callable(identifier) and identifier in _BY_FUNCTION:
        return _BY_FUNCTION[identifier]
    hint = ""
    if callable(identifier):
        hint = (
            ": gru_c does not differentiate functions; write gru_c.activations.Activation(name, "
            "forward, backward), where backward(y, dy) returns dx for y = forward(x)"
        )
    raise TypeError(f"activation must be a name, an Activation or None, got {identifier!r}{hint}")


deserialize = get


def serialize(activation: str | Activation | Callable[[Array], Array] | None) -> str:
    """Return the name of an activation of this module; ValueError for another one."""
    known = get(activation)
    if ACTIVATIONS.get(known.name) is not known:
        raise ValueError(f"a file cannot hold the activation {known.name!r}, which is not gru_c's")
    return known.name


__getattr__ = explain_missing(__name__, __all__)
