"""Conversion of ONNX's protobuf messages to Python: nodes with their attributes, tensors as arrays.

Messages are checked before they are converted: a tensor must have as many bytes as its shape needs,
and an attribute must be of a kind that the operators of `gru_c.interop.onnx.operators` take.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.optional import require

_MOST_AXES = 16
_LONGEST_NAME = 80
_EXTERNAL = 1  # TensorProto.EXTERNAL
# Exceptions of NumPy for arrays that do not fit.
_FAILURES = (ArithmeticError, LookupError, MemoryError, TypeError, ValueError)

# By ONNX's number of an element type: the dtype, and the field of a TensorProto that holds values
# which are not raw bytes.
ELEMENT_TYPES: dict[int, tuple[np.dtype[Any], str]] = {
    number: (np.dtype(name), field)
    for number, name, field in (
        (1, "float32", "float_data"),
        (2, "uint8", "int32_data"),
        (3, "int8", "int32_data"),
        (4, "uint16", "int32_data"),
        (5, "int16", "int32_data"),
        (6, "int32", "int32_data"),
        (7, "int64", "int64_data"),
        (9, "bool", "int32_data"),
        (10, "float16", "int32_data"),
        (11, "float64", "double_data"),
        (12, "uint32", "uint64_data"),
        (13, "uint64", "uint64_data"),
    )
}

_NUMBERS = {dtype: number for number, (dtype, _) in ELEMENT_TYPES.items()}


def library() -> Any:
    """Return the module ``onnx``; raise ImportError, which says how to install it."""
    return require("onnx", "onnx")


def shown(name: str) -> str:
    """Return a name from a file for a message: quoted, printable, not too long."""
    cut = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 3] + "..."
    return ascii(cut)


def text(value: str | bytes, label: str = "a name in it") -> str:
    """Return a string of a protobuf message; raise ValueError for bytes that are not UTF-8."""
    if isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{label} is not text: {shown(value.decode('latin-1'))}") from None


def plain(message: str) -> str:
    """Return a message of onnx on one line, not too long."""
    cut = "".join(c if c.isprintable() else " " for c in message[:300])
    return " ".join(cut.split())


def element_number(dtype: np.dtype[Any]) -> int:
    """Return ONNX's number of a dtype that `element_type` returns."""
    return _NUMBERS[dtype]


def element_type(number: int, label: str) -> np.dtype[Any]:
    """Return the dtype of ONNX's number of a type; raise ValueError for strings and other types.

    `label` names the holder of the type in the message.
    """
    if number not in ELEMENT_TYPES:
        names = {value: name for name, value in library().TensorProto.DataType.items()}
        kinds = ", ".join(str(dtype) for dtype, _ in ELEMENT_TYPES.values())
        raise ValueError(f"{label} holds {names.get(number, number)}; gru_c reads {kinds}")
    return ELEMENT_TYPES[number][0]


def array_of(tensor: Any, label: str) -> Array:
    """Return the values of a TensorProto, read-only; raise ValueError if it is damaged.

    `label` names the tensor in the message.
    """
    if tensor.data_location == _EXTERNAL or len(tensor.external_data):
        raise ValueError(
            f"{label} has its values in another file, which gru_c does not open: write the model "
            "into one file (torch.onnx.export has external_data=False for that)"
        )
    dtype = element_type(tensor.data_type, label)
    if tensor.HasField("segment"):
        raise ValueError(f"{label} is stored in segments, which gru_c does not read")
    dims = list(tensor.dims[: _MOST_AXES + 1])
    if len(dims) > _MOST_AXES or any(size < 0 for size in dims):
        raise ValueError(f"{label} has a shape that no array can have: {dims}")
    wanted = math.prod(dims)
    if tensor.HasField("raw_data"):
        matches = len(tensor.raw_data) == wanted * dtype.itemsize
        stored = f"{len(tensor.raw_data)} bytes"
    else:
        count = len(getattr(tensor, ELEMENT_TYPES[tensor.data_type][1]))
        matches, stored = count == wanted, f"{count} values"
    if not matches:
        raise ValueError(f"{label} has the shape {dims} of {wanted} {dtype} values, but {stored}")
    try:
        array: Array = np.array(library().numpy_helper.to_array(tensor), dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{label} is damaged: {error}") from None
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Node:
    """One operation of a graph.

    Attributes
    ----------
    operator : str
        Its name in ONNX, such as ``"GRU"``.
    label : str
        The node's name in messages.
    inputs, outputs : tuple of str
        Names of values; "" for one that is left out.
    attributes : dict
        Numbers, strings, lists of those, arrays.
    opset : int
        Version of the operators.
    name : str
        The node's name in the file.
    proto : NodeProto or None
        The node in the file; None for a Constant, whose values are in `attributes`.
    """

    operator: str
    label: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    opset: int
    name: str = ""
    proto: Any = None

    @classmethod
    def from_proto(cls, proto: Any, opset: int, known: Container[str]) -> Node:
        """Read a NodeProto; raise ValueError, which names it, if it is not valid or unknown."""
        name, operator, domain = map(text, (proto.name, proto.op_type, proto.domain))
        inputs, outputs = (tuple(map(text, names)) for names in (proto.input, proto.output))
        first_output = next((name for name in outputs if name), "")
        label = f"node {shown(name or first_output)} ({shown(operator)[1:-1]})"
        if domain not in ("", "ai.onnx"):
            raise ValueError(
                f"{label} is of the domain {shown(domain)}; gru_c knows ONNX's own operators"
            )
        if domain:  # the long name of ONNX's own domain, which onnx does not accept
            short = type(proto)()
            short.CopyFrom(proto)
            short.domain, proto = "", short
        if operator not in known:
            raise ValueError(f"{label}: gru_c does not have this operator")
        attributes = {text(a.name): _attribute(a, label) for a in proto.attribute}
        _check_by_onnx(proto, opset, label)
        if operator == "Constant":
            proto = None
        return cls(operator, label, inputs, outputs, attributes, opset, name, proto)

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute, or the default."""
        return self.attributes.get(name, default)

    def refuse(self, why: str) -> NoReturn:
        """Raise ValueError that names the node."""
        raise ValueError(why if why.startswith(self.label) else f"{self.label}: {why}")

    def attempt(self, operator: Callable[..., Any], *arguments: Any) -> tuple[Any, ...]:
        """Return an operator's results; raise ValueError, which names the node, if it fails."""
        try:
            with np.errstate(all="ignore"):
                results = operator(self, *arguments)
        except _FAILURES as error:
            self.refuse(str(error) or type(error).__name__)
        return results if isinstance(results, tuple) else (results,)


def _check_by_onnx(proto: Any, opset: int, label: str) -> None:
    """Raise ValueError if onnx finds that a node does not follow its operator's definition."""
    checker = library().checker
    context = checker.C.CheckerContext()
    context.ir_version, context.opset_imports = library().IR_VERSION, {"": opset}
    try:
        checker.check_node(proto, context)
    except (checker.ValidationError, RuntimeError, TypeError, UnicodeError) as error:
        raise ValueError(f"{label} is not valid: {plain(str(error))}") from None


def _attribute(proto: Any, node_label: str) -> Any:
    """Return the value of an AttributeProto; raise ValueError for a kind that is not read."""
    label = f"{node_label}: attribute {shown(text(proto.name))}"
    kinds = library().AttributeProto
    if proto.ref_attr_name:
        raise ValueError(f"{label} is that of a function")
    if proto.type == kinds.TENSOR:
        return array_of(proto.t, label)
    if proto.type == kinds.STRING:
        return text(proto.s, label)
    if proto.type == kinds.STRINGS:
        return [text(item, label) for item in proto.strings]
    if proto.type == kinds.FLOAT:
        return _as_written(proto.f)
    if proto.type == kinds.FLOATS:
        return [_as_written(item) for item in proto.floats]
    if proto.type not in (kinds.INT, kinds.INTS):
        raise ValueError(f"{label} is a graph or of another kind that gru_c does not read")
    return proto.i if proto.type == kinds.INT else list(proto.ints)


def _as_written(value: float) -> float:
    """Return the number with the fewest digits that equals this one in float32, such as 0.3."""
    return float(str(np.float32(value)))
