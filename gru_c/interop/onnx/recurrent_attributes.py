"""The attributes of ONNX's operators GRU, LSTM and RNN, and what tells these operators apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.interop.onnx.activations import read_activations
from gru_c.interop.onnx.proto import Node
from gru_c.layers import GRU, LSTM, SimpleRNN

INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h")
SEQUENCE_LENS, INITIAL_H, INITIAL_C, PEEPHOLES = 4, 5, 6, 7


@dataclass(frozen=True)
class Operator:
    """The properties in which the operators GRU, LSTM and RNN differ.

    Attributes
    ----------
    layer : type
        The layer that computes it.
    in_words : str
    inputs, outputs : tuple of str
    gates : tuple of int
        The place in ONNX's weights of each gate in the layer's order.
    activations : tuple of str
        Names of the default functions, those of a direction.
    """

    layer: type[Any]
    in_words: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    gates: tuple[int, ...]
    activations: tuple[str, ...]

    @property
    def states(self) -> tuple[int, ...]:
        """The places of the initial states among the inputs."""
        return (INITIAL_H, INITIAL_C)[: len(self.outputs) - 1]


OPERATORS: Mapping[str, Operator] = {
    "GRU": Operator(GRU, "a GRU", INPUTS, ("Y", "Y_h"), (0, 1, 2), ("Sigmoid", "Tanh")),
    "LSTM": Operator(
        LSTM,
        "an LSTM",
        (*INPUTS, "initial_c", "P"),
        ("Y", "Y_h", "Y_c"),
        (0, 2, 3, 1),  # ONNX's order is i, o, f, c
        ("Sigmoid", "Tanh", "Tanh"),
    ),
    "RNN": Operator(SimpleRNN, "an RNN", INPUTS, ("Y", "Y_h"), (0,), ("Tanh",)),
}


def reordered(array: Array, gates: Sequence[int], axis: int) -> Array:
    """Return weights with blocks of equal size along an axis in another order."""
    if list(gates) == sorted(gates):
        return array
    parts = np.split(array, len(gates), axis)
    return np.concatenate([parts[place] for place in gates], axis)


DIRECTIONS: dict[str, tuple[bool, ...]] = {  # True for a direction that goes backwards
    "forward": (False,),
    "reverse": (True,),
    "bidirectional": (False, True),
}


@dataclass(frozen=True)
class Attributes:
    """The attributes of a recurrent node.

    Attributes
    ----------
    node : Node
    backwards : tuple of bool
        For each direction, True if it goes from the last time step to the first.
    batch_first : bool
        True for ``layout=1``: (batch, time, ...) rather than (time, batch, ...).
    hidden_size : int or None
    options : list of dict
        For each direction, the arguments of its layer besides the units.
    functions : list of tuple
        For each direction, all of its activations in ONNX's order.
    input_forget : bool
    """

    node: Node
    backwards: tuple[bool, ...]
    batch_first: bool
    hidden_size: int | None
    options: list[dict[str, Any]]
    functions: list[tuple[Any, ...]]
    input_forget: bool = False

    @classmethod
    def from_node(cls, node: Node) -> Attributes:
        """Read the attributes; raise ValueError, which names the node, if one is not valid."""
        direction = node.get("direction", "forward")
        if direction not in DIRECTIONS:
            node.refuse(f"direction must be one of {', '.join(DIRECTIONS)}, got {direction!r}")
        layout = node.get("layout", 0)
        if layout not in (0, 1):
            node.refuse(f"layout must be 0 or 1, got {layout}")
        backwards = DIRECTIONS[direction]
        kind = OPERATORS[node.operator]
        functions = read_activations(node, len(backwards), kind.activations)
        options = [
            {
                **_activations_of(node, of_direction),
                "clip": node.get("clip"),
                "go_backwards": back,
            }
            for back, of_direction in zip(backwards, functions, strict=True)
        ]
        input_forget = node.get("input_forget", 0)
        if input_forget not in (0, 1):
            node.refuse(f"input_forget must be 0 or 1, got {input_forget}")
        try:
            for option in options:
                kind.layer(1, **option)  # checks them
        except (ValueError, TypeError) as error:
            node.refuse(str(error))
        hidden_size = node.get("hidden_size")
        return cls(
            node, backwards, bool(layout), hidden_size, options, functions, bool(input_forget)
        )

    @property
    def kind(self) -> Operator:
        """The node's operator."""
        return OPERATORS[self.node.operator]

    @property
    def problem(self) -> str:
        """The setting that no layer computes; "" where there is none."""
        if self.input_forget:
            return "input_forget=1"
        if len(self.node.inputs) > PEEPHOLES and self.node.inputs[PEEPHOLES]:
            return "peepholes (the input P)"
        if any(len(f) == 3 and f[1] != f[2] for f in self.functions):
            return "another activation of c' than of its candidate"
        return ""

    def directions(
        self, W: Array, R: Array, B: Array | None
    ) -> list[tuple[dict[str, Any], list[Array]]]:
        """Return the arguments of a layer and its weights, for each direction.

        Parameters
        ----------
        W, R, B : ndarray
            ONNX's weights of G gates: (directions, GH, I), (directions, GH, H) and
            (directions, 2GH) or None.
        """
        H = self._checked_units(W, R, B)
        directions = []
        for d, option in enumerate(self.options):
            bias = [] if B is None else [self._bias(B[d])]
            arguments = {"units": H, "use_bias": B is not None, **option}
            directions.append(
                (arguments, [*(reordered(a[d], self.kind.gates, 0).T for a in (W, R)), *bias])
            )
        return directions

    def _bias(self, biases: Array) -> Array:
        """Return the bias of a layer, given ONNX's of shape (2GH,): Wb and then Rb."""
        pair = reordered(biases.reshape(2, -1), self.kind.gates, 1)
        return pair if self.options[0].get("reset_after") else pair[0] + pair[1]

    def _checked_units(self, W: Array, R: Array, B: Array | None) -> int:
        """Return H; raise ValueError unless the weights fit each other and the node."""
        count, G = len(self.backwards), len(self.kind.gates)
        H = self.hidden_size if self.hidden_size is not None else R.shape[-1] if R.ndim else 0
        if H < 1:
            self.node.refuse(f"hidden_size must be positive, got {H}")
        if W.ndim != 3 or W.shape[:2] != (count, G * H) or not W.shape[2]:
            self.node.refuse(f"W must have shape ({count}, {G * H}, features), got {W.shape}")
        for name, array, shape in (("R", R, (count, G * H, H)), ("B", B, (count, 2 * G * H))):
            if array is None:
                continue
            if array.shape != shape:
                self.node.refuse(f"{name} must have shape {shape}, got {array.shape}")
            if array.dtype != W.dtype:
                self.node.refuse(f"W is {W.dtype}, {name} is {array.dtype}")
        return H


def _activations_of(node: Node, functions: Sequence[Any]) -> dict[str, Any]:
    """Return the arguments of a layer for the functions of a direction."""
    if node.operator == "RNN":
        return {"activation": functions[0]}
    options = {"activation": functions[1], "recurrent_activation": functions[0]}
    if node.operator == "GRU":
        options["reset_after"] = bool(node.get("linear_before_reset", 0))
    return options
