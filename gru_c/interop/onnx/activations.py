"""What ONNX calls the activations of this package, those of a GRU and those of other layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gru_c import _core
from gru_c.interop.onnx.proto import Node
from gru_c.recurrence.cell import PARAMETERS, Activation

_LETTERS = ("alpha", "beta")

Spec = str | tuple[str | float, ...]


# ---- in a GRU node ------------------------------------------------------------------------------

# The name here, and what alpha and beta are where a node does not say it: what the operator of that
# name has by default. None: there is no such operator any more, or (ThresholdedRelu) onnxruntime
# takes another value than the specification, so that a file without it says nothing.
GRU_ACTIVATIONS: dict[str, tuple[str, tuple[float | None, ...]]] = {
    "Relu": ("relu", ()),
    "Tanh": ("tanh", ()),
    "Sigmoid": ("sigmoid", ()),
    "Softsign": ("softsign", ()),
    "Softplus": ("softplus", ()),
    "Affine": ("affine", (None, None)),
    "LeakyRelu": ("leaky_relu", (0.01,)),
    "ThresholdedRelu": ("thresholded_relu", (None,)),
    "ScaledTanh": ("scaled_tanh", (None, None)),
    "HardSigmoid": ("hard_sigmoid", (0.2, 0.5)),
    "Elu": ("elu", (1.0,)),
}
_BY_LOWER_CASE = {name.lower(): name for name in GRU_ACTIVATIONS}  # onnxruntime takes any case
_NAMES = {own: name for name, (own, _) in GRU_ACTIVATIONS.items()}
_OWN = {number: own for own, number in _core.ACTIVATIONS.items()}


def read_activations(node: Node, directions: int) -> list[tuple[Spec, Spec]]:
    """Return the activations of gates and candidate for each direction, as `GRU` takes them.

    alpha and beta are used up in the order of the functions, by those that have them.
    """
    names = node.get("activations", ["Sigmoid", "Tanh"] * directions)
    if len(names) != 2 * directions:
        node.refuse(f"activations must be {2 * directions} names, got {len(names)}")
    given = {letter: iter(node.get(f"activation_{letter}", [])) for letter in _LETTERS}
    specs: list[Spec] = []
    for name in names:
        if name.lower() not in _BY_LOWER_CASE:
            known = ", ".join(GRU_ACTIVATIONS)
            node.refuse(f"activation {name[:40]!a} is none that a GRU of gru_c has: {known}")
        own, defaults = GRU_ACTIVATIONS[_BY_LOWER_CASE[name.lower()]]
        values = []
        for letter, default in zip(_LETTERS, defaults, strict=False):
            value = next(given[letter], default)
            if value is None:
                node.refuse(
                    f"activation {name!r} has no value for {letter}, and there is none that all "
                    f"readers of ONNX take: write activation_{letter}"
                )
            values.append(value)
        specs.append(_spec(own, values))
    return list(zip(specs[::2], specs[1::2], strict=True))


def _spec(own: str, values: Sequence[float]) -> Spec:
    """Return an activation as `GRU` takes it: a name alone where that says its parameters."""
    if own == "affine" and list(values) == [1, 0]:
        return "linear"
    if [*map(np.float32, values)] == [*map(np.float32, PARAMETERS.get(own, ()))]:
        return own
    return (own, *values)


def write_activations(activations: Sequence[Activation]) -> dict[str, Any]:
    """Return the attributes of a GRU node for its functions in ONNX's order; none for the usual."""
    names, given = [], dict[str, list[float]](alpha=[], beta=[])
    for number, alpha, beta in activations:
        own = _OWN[number]
        if own == "linear":
            own, alpha, beta = "affine", 1.0, 0.0
        names.append(_NAMES[own])
        count = len(PARAMETERS.get(own, ()))
        for letter, value in zip(_LETTERS[:count], (alpha, beta), strict=False):
            given[letter].append(value)
    if names == ["Sigmoid", "Tanh"] * (len(names) // 2):
        return {}
    lists = {f"activation_{letter}": values for letter, values in given.items() if values}
    return {"activations": names, **lists}


# ---- as a node of their own ---------------------------------------------------------------------


class Function(NamedTuple):
    """An activation as an operator.

    Attributes
    ----------
    operator : str
    attributes : dict of str to (float, float)
        What the operator has by default, and what it must be.
    """

    operator: str
    attributes: dict[str, tuple[float, float]]


FUNCTIONS: dict[str, Function] = {
    "relu": Function("Relu", {}),
    "sigmoid": Function("Sigmoid", {}),
    "tanh": Function("Tanh", {}),
    "softmax": Function("Softmax", {}),
    "softplus": Function("Softplus", {}),
    "softsign": Function("Softsign", {}),
    "exponential": Function("Exp", {}),
    "elu": Function("Elu", {"alpha": (1.0, 1.0)}),
    "leaky_relu": Function("LeakyRelu", {"alpha": (0.01, 0.2)}),
    "hard_sigmoid": Function("HardSigmoid", {"alpha": (0.2, 1 / 6), "beta": (0.5, 0.5)}),
}
_OF_OPERATOR = {function.operator: name for name, function in FUNCTIONS.items()}


def is_function(node: Node) -> bool:
    """Whether the node's operator is one of `FUNCTIONS`."""
    return node.operator in _OF_OPERATOR


def read_function(node: Node, axes: int) -> str:
    """Return the name here; ValueError where the node computes something else."""
    name = _OF_OPERATOR[node.operator]
    for attribute, (default, wanted) in FUNCTIONS[name].attributes.items():
        value = node.get(attribute, default)
        if np.float32(value) != np.float32(wanted):
            node.refuse(f"{attribute} is {value:g}, in gru_c's {name} it is {wanted:g}")
    axis = node.get("axis", 1 if node.opset < 13 else -1)
    if name == "softmax" and axis not in (-1, axes - 1):
        node.refuse("gru_c's softmax is that of the last axis")
    return name
