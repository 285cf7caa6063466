"""Checks of a graph before it runs, node by node, by types, shapes and constants.

The library onnx infers the types and shapes of a node's outputs. It accepts some nodes that this
package cannot compute; `gru_c.interop.onnx.operator_checks` refuses those. So a model that `load`
returns can fail only for lengths that its file leaves open, and for values that depend on inputs.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.interop.onnx.file import Graph
from gru_c.interop.onnx.operator_checks import ATTRIBUTES, CHECKS, NOTHING, NodeInputs, Value
from gru_c.interop.onnx.proto import Node, element_number, element_type, library, plain, shown

NEWEST = 28  # the version of ONNX's operators whose definitions this package follows
_IR_VERSION = 8  # of the models passed to onnx
_MOST_NUMBERS = 1024  # of a constant passed to onnx, which needs those that are axes and shapes


class Checker:
    """The types, shapes and constants of a graph's values, as far as they are known.

    `check` must be called with the nodes in their order.

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
        """Store the value of a constant."""
        self._values[name] = Value(array.dtype, array.shape, array)

    def check(self, node: Node) -> None:
        """Raise ValueError, which names the node, if it cannot be computed."""
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
        values = [self._values.get(name, NOTHING) for name in node.inputs]
        self._infer(node)
        if node.operator in CHECKS:
            try:
                CHECKS[node.operator](NodeInputs(node, values, self._used))
            except ValueError as error:
                node.refuse(str(error))

    def require_type(self, name: str, dtype: np.dtype[Any]) -> None:
        """Raise ValueError if an output is not of the type that the file gives."""
        known = self._values.get(name, NOTHING).dtype
        if known not in (None, dtype):
            raise ValueError(f"the output {shown(name)} is said to be {dtype}, but it is {known}")

    def _infer(self, node: Node) -> None:
        """Store the outputs' types and shapes; raise ValueError if the inputs do not fit."""
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
            node.refuse(f"it does not fit its inputs: {plain(_reason(error))}")
        for item in result.graph.output:
            label = f"{node.label}: its output {shown(item.name)}"
            self._values[item.name] = _value_of(item.type.tensor_type, label)

    def _schema(self, node: Node) -> Any:
        """Return onnx's definition of an operator; raise ValueError if it is newer than ours."""
        schema = self._onnx.defs.get_schema(node.operator, node.opset)
        if schema.since_version > NEWEST:
            node.refuse(
                f"its definition is that of version {schema.since_version} of ONNX's operators; "
                f"gru_c knows the definitions up to version {NEWEST}"
            )
        return schema

    @staticmethod
    def _declare(info: Any, value: Value) -> None:
        """Write the known type and shape of a value into a ValueInfoProto."""
        tensor = info.type.tensor_type
        tensor.elem_type = 0 if value.dtype is None else element_number(value.dtype)
        if value.shape is not None:
            tensor.shape.SetInParent()  # there may be no axes
            for size in value.shape:
                dim = tensor.shape.dim.add()
                if size is not None:
                    dim.dim_value = size


def _reason(error: Exception) -> str:
    """Return onnx's message without its position in onnx and the name of the node."""
    return re.sub(r"^.*?\(op_type:[^)]*\): ", "", str(error), count=1, flags=re.DOTALL)


def _value_of(tensor: Any, label: str) -> Value:
    """Return the type and shape that onnx has inferred for a value."""
    shape = None
    if tensor.HasField("shape"):
        shape = tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim)
    dtype = element_type(tensor.elem_type, label) if tensor.elem_type else None
    return Value(dtype, shape)
