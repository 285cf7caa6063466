"""The evaluation of one node, given the values of its inputs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gru_c.common.arrays import Array
from gru_c.interop.onnx.proto import Node
from gru_c.interop.onnx.rearranging import Operator
from gru_c.interop.onnx.size_limit import ElementBudget

Values = dict[str, Array | None]
Step = tuple[Node, Operator]

# Operators whose output is absent if their first input is. A GRU whose initial state is left
# out begins with zeros, even if the state would have passed through some of these.
PASS_ABSENCE_ON = frozenset(
    ("Identity", "Cast", "Slice", "Gather", "Squeeze", "Unsqueeze", "Transpose", "Reshape")
)


def evaluate(
    step: Step, values: Mapping[str, Array | None], budget: ElementBudget
) -> list[tuple[str, Array | None]]:
    """Return the outputs of a node with their names.

    Raises
    ------
    ValueError
        When the node cannot be computed; the message names it.
    """
    node, operator = step
    inputs = [values[name] if name else None for name in node.inputs]
    if inputs and inputs[0] is None and node.operator in PASS_ABSENCE_ON and node.inputs[0]:
        return [(name, None) for name in node.outputs]
    results = node.attempt(operator, budget, *inputs)
    return [(n, np.asarray(a)) for n, a in zip(node.outputs, results, strict=False) if n]
