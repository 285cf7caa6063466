"""What is known of a graph before it runs: types, shapes and constants, node by node.

onnx says which types and shapes a node takes and gives; what it lets pass and this package could
not compute is refused by `gru_c.interop.onnx.checks`. So a model that `load` returns fails only for
what a file does not say: lengths that it leaves open, and values that depend on what it is given.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from gru_c.interop.onnx.checks import ATTRIBUTES, CHECKS, NOTHING, Given, Value
from gru_c.interop.onnx.file import Graph
from gru_c.interop.onnx.proto import Node, element_number, element_type, library, plain, shown
from gru_c.utils.arrays import Array

NEWEST = 28  # the version of ONNX's operators whose definitions this package follows
_IR_VERSION = 8  # of what onnx is shown
_MOST_NUMBERS = 1024  # of a constant that onnx is shown: it looks at axes and shapes


class Checker:
    """Knows the values of a graph; `check` takes the nodes in their order.

    Parameters
    ----------
    graph : Graph
    """

    def __init__(self, graph: Graph) -> None:
        self._onnx = library()
        self._values: dict[str, Value] = {
            item.name: Value(
                item.dtype,
                None
                if item.shape is None
                else tuple(size if isinstance(size, int) else None for size in item.shape),
            )
            for item in graph.inputs
        }
        for name, array in graph.constants.items():
            self.constant(name, array)
        self._used = {name for node in graph.nodes for name in node.inputs} | {*graph.outputs}
        self._used.discard("")

    def constant(self, name: str, array: Array) -> None:
        """Take the value of something."""
        self._values[name] = Value(array.dtype, array.shape, array)

    def check(self, node: Node) -> None:
        """Raise ValueError, which names the node, unless it can be computed."""
        schema = self._schema(node)
        for name in node.attributes:
            if name not in ATTRIBUTES.get(node.operator, ()):
                node.refuse(f"gru_c does not read the attribute {shown(name)}")
        for place, name in enumerate(node.inputs):
            formal = schema.inputs[min(place, len(schema.inputs) - 1)]
            if not name and formal.option.name != "Optional":
                node.refuse(f"its input {formal.name} is left out")
        if node.operator == "Constant":
            if len(node.attributes) != 1:
                node.refuse(f"it must have one value, got {len(node.attributes)}")
            return
        given = Given(node, [self._values.get(name, NOTHING) for name in node.inputs], self._used)
        self._infer(node)
        if node.operator in CHECKS:
            try:
                CHECKS[node.operator](given)
            except ValueError as error:
                node.refuse(str(error))

    def require_type(self, name: str, dtype: np.dtype[Any]) -> None:
        """Raise ValueError where a value is not of the type that the file says."""
        known = self._values.get(name, NOTHING).dtype
        if known not in (None, dtype):
            raise ValueError(f"the output {shown(name)} is said to be {dtype}, but it is {known}")

    def _infer(self, node: Node) -> None:
        """Keep what onnx says of the outputs; ValueError where it says that inputs do not fit."""
        onnx = self._onnx
        model = onnx.ModelProto(ir_version=_IR_VERSION)
        model.opset_import.add(version=node.opset)
        model.graph.node.append(node.proto)
        for name in dict.fromkeys(node.inputs):
            if name:
                value = self._values[name]
                self._declare(model.graph.input.add(name=name), value)
                array = value.array
                if array is not None and array.dtype.kind == "i" and array.size <= _MOST_NUMBERS:
                    model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
        outputs = [name for name in node.outputs if name]
        for name in outputs:
            model.graph.output.add(name=name)
        try:
            result = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
        except (onnx.shape_inference.InferenceError, RuntimeError) as error:
            node.refuse(f"it does not fit its inputs: {plain(_what_is_said(error))}")
        for item in result.graph.output:
            what = f"{node.label}: its output {shown(item.name)}"
            self._values[item.name] = _value_of(item.type.tensor_type, what)

    def _schema(self, node: Node) -> Any:
        """Return onnx's definition of an operator; ValueError for one that is newer than ours."""
        schema = self._onnx.defs.get_schema(node.operator, node.opset)
        if schema.since_version > NEWEST:
            node.refuse(
                f"its definition is that of version {schema.since_version} of ONNX's operators; "
                f"gru_c knows those up to version {NEWEST}"
            )
        return schema

    @staticmethod
    def _declare(info: Any, value: Value) -> None:
        """Write what is known of a value as onnx takes it."""
        tensor = info.type.tensor_type
        tensor.elem_type = 0 if value.dtype is None else element_number(value.dtype)
        if value.shape is not None:
            tensor.shape.SetInParent()  # there may be no axes
            for size in value.shape:
                dim = tensor.shape.dim.add()
                if size is not None:
                    dim.dim_value = size


def _what_is_said(error: Exception) -> str:
    """Return what onnx says of a node, without where it says it and what the node is."""
    return re.sub(r"^.*?\(op_type:[^)]*\): ", "", str(error), count=1, flags=re.DOTALL)


def _value_of(tensor: Any, what: str) -> Value:
    """Return what onnx says of a value."""
    shape = None
    if tensor.HasField("shape"):
        shape = tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim)
    dtype = element_type(tensor.elem_type, what) if tensor.elem_type else None
    return Value(dtype, shape)
