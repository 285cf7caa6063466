"""ONNX's names and parameters of the activations, those of recurrent cells and of other layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gru_c import _core
from gru_c.interop.onnx.proto import Node
from gru_c.recurrence.cell import PARAMETERS, Activation

_LETTERS = ("alpha", "beta")

Spec = str | tuple[str | float, ...]


# ---- in a recurrent node ------------------------------------------------------------------------

# By ONNX's name: the name in this package, and alpha and beta for a node without them, which are
# the defaults of the operator of that name. None: ONNX has no such operator any more, or
# (ThresholdedRelu) onnxruntime's default differs from the specification's, so that a file without
# the value is ambiguous.
CELL_ACTIVATIONS: dict[str, tuple[str, tuple[float | None, ...]]] = {
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
_BY_LOWER_CASE = {name.lower(): name for name in CELL_ACTIVATIONS}  # onnxruntime takes any case
_ONNX_NAMES = {cell_name: name for name, (cell_name, _) in CELL_ACTIVATIONS.items()}
_CELL_NAMES = {number: cell_name for cell_name, number in _core.ACTIVATIONS.items()}


def read_activations(
    node: Node, directions: int, defaults: Sequence[str]
) -> list[tuple[Spec, ...]]:
    """Return the activations of each direction, as layers take them.

    `defaults` has the names of a direction's functions where the node has none.

    The values of alpha and beta go, in their order, to the functions that have such a parameter.
    """
    names = node.get("activations", [*defaults] * directions)
    count = len(defaults)
    if len(names) != count * directions:
        node.refuse(f"activations must be {count * directions} names, got {len(names)}")
    parameters = {letter: iter(node.get(f"activation_{letter}", [])) for letter in _LETTERS}
    specs: list[Spec] = []
    for name in names:
        if name.lower() not in _BY_LOWER_CASE:
            known = ", ".join(CELL_ACTIVATIONS)
            in_words = "a GRU" if node.operator == "GRU" else f"an {node.operator}"
            node.refuse(f"activation {name[:40]!a} is none that {in_words} of gru_c has: {known}")
        cell_name, usual = CELL_ACTIVATIONS[_BY_LOWER_CASE[name.lower()]]
        values = []
        for letter, default in zip(_LETTERS, usual, strict=False):
            value = next(parameters[letter], default)
            if value is None:
                node.refuse(
                    f"activation {name!r} has no value for {letter}, and readers of ONNX differ in "
                    f"the default: write activation_{letter}"
                )
            values.append(value)
        specs.append(_spec(cell_name, values))
    return [tuple(specs[first : first + count]) for first in range(0, len(specs), count)]


def _spec(name: str, values: Sequence[float]) -> Spec:
    """Return an activation as a layer takes it: only the name if parameters are defaults."""
    if name == "affine" and list(values) == [1, 0]:
        return "linear"
    if [*map(np.float32, values)] == [*map(np.float32, PARAMETERS.get(name, ()))]:
        return name
    return (name, *values)


def write_activations(activations: Sequence[Activation], defaults: Sequence[str]) -> dict[str, Any]:
    """Return a node's attributes for its functions in ONNX's order; {} for the defaults."""
    names, parameters = [], dict[str, list[float]](alpha=[], beta=[])
    for number, alpha, beta in activations:
        cell_name = _CELL_NAMES[number]
        if cell_name == "linear":
            cell_name, alpha, beta = "affine", 1.0, 0.0
        names.append(_ONNX_NAMES[cell_name])
        count = len(PARAMETERS.get(cell_name, ()))
        for letter, value in zip(_LETTERS[:count], (alpha, beta), strict=False):
            parameters[letter].append(value)
    if names == [*defaults] * (len(names) // len(defaults)):
        return {}
    lists = {f"activation_{letter}": values for letter, values in parameters.items() if values}
    return {"activations": names, **lists}


# ---- as separate nodes --------------------------------------------------------------------------


class Function(NamedTuple):
    """The operator of an activation.

    Attributes
    ----------
    operator : str
    attributes : dict of str to (float, float)
        By attribute, the operator's default and the value that this package computes with.
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
    """Return True if the node's operator is one of `FUNCTIONS`."""
    return node.operator in _OF_OPERATOR


def read_function(node: Node, axes: int) -> str:
    """Return this package's name; raise ValueError if the node computes something else."""
    name = _OF_OPERATOR[node.operator]
    for attribute, (default, wanted) in FUNCTIONS[name].attributes.items():
        value = node.get(attribute, default)
        if np.float32(value) != np.float32(wanted):
            node.refuse(f"{attribute} is {value:g}, in gru_c's {name} it is {wanted:g}")
    axis = node.get("axis", 1 if node.opset < 13 else -1)
    if name == "softmax" and axis not in (-1, axes - 1):
        node.refuse("gru_c's softmax is along the last axis")
    return name
