"""ONNX's messages as plain Python: nodes with their attributes, tensors as arrays.

Everything is looked at before anything is made of it: a tensor has the bytes that its shape wants,
an attribute is of a kind that an operator of `gru_c.interop.onnx.operators` takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from gru_c.utils.arrays import Array
from gru_c.utils.optional import require

_MOST_AXES = 16
_LONGEST_NAME = 80
_EXTERNAL = 1  # TensorProto.EXTERNAL
# What NumPy raises for arrays that do not fit.
_FAILURES = (ArithmeticError, LookupError, MemoryError, TypeError, ValueError)

# ONNX's numbers of the types of elements: the dtype, and the field of values that are no raw bytes.
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
    """Return the module ``onnx``; ImportError that says how to install it."""
    return require("onnx", "onnx")


def shown(name: str) -> str:
    """Return a name from a file for a message: quoted, without control characters, not too long."""
    cut = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 3] + "..."
    return ascii(cut)


def text(value: str | bytes, what: str = "a name in it") -> str:
    """Return a string of a message; protobuf gives bytes where they are no UTF-8."""
    if isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{what} is no text: {shown(value.decode('latin-1'))}") from None


def plain(message: str) -> str:
    """Return what onnx says for a message: on one line, not too long."""
    cut = "".join(c if c.isprintable() else " " for c in message[:300])
    return " ".join(cut.split())


def element_number(dtype: np.dtype[Any]) -> int:
    """Return ONNX's number of a dtype that `element_type` gives."""
    return _NUMBERS[dtype]


def element_type(number: int, what: str) -> np.dtype[Any]:
    """Return the dtype of ONNX's number of a type; ValueError for strings and the like."""
    if number not in ELEMENT_TYPES:
        names = {value: name for name, value in library().TensorProto.DataType.items()}
        kinds = ", ".join(str(dtype) for dtype, _ in ELEMENT_TYPES.values())
        raise ValueError(f"{what} holds {names.get(number, number)}; gru_c reads {kinds}")
    return ELEMENT_TYPES[number][0]


def array_of(tensor: Any, what: str) -> Array:
    """Return the values of a TensorProto, read-only; ValueError for one that is not whole.

    `what` is what the message calls it.
    """
    if tensor.data_location == _EXTERNAL or len(tensor.external_data):
        raise ValueError(
            f"{what} has its values in another file, which gru_c does not open: write the model "
            "into one file (torch.onnx.export has external_data=False for that)"
        )
    dtype = element_type(tensor.data_type, what)
    if tensor.HasField("segment"):
        raise ValueError(f"{what} is stored in segments, which gru_c does not read")
    dims = list(tensor.dims[: _MOST_AXES + 1])
    if len(dims) > _MOST_AXES or any(size < 0 for size in dims):
        raise ValueError(f"{what} has a shape that no array can have: {dims}")
    wanted = math.prod(dims)
    if tensor.HasField("raw_data"):
        matches = len(tensor.raw_data) == wanted * dtype.itemsize
        given = f"{len(tensor.raw_data)} bytes"
    else:
        count = len(getattr(tensor, ELEMENT_TYPES[tensor.data_type][1]))
        matches, given = count == wanted, f"{count} values"
    if not matches:
        raise ValueError(f"{what} has the shape {dims} of {wanted} {dtype} values, but {given}")
    try:
        array: Array = np.array(library().numpy_helper.to_array(tensor), dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{what} is damaged: {error}") from None
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Node:
    """One operation of a graph.

    Attributes
    ----------
    operator : str
        Its name in ONNX, ``"GRU"``.
    label : str
        What messages call the node.
    inputs, outputs : tuple of str
        Names of values; "" for one that is left out.
    attributes : dict
        Numbers, strings, lists of those, arrays.
    opset : int
        Version of the operators.
    name : str
        The node's own, as in the file.
    proto : NodeProto
        The node as it is in the file, but for a Constant, whose values are in `attributes`.
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
        """Read a NodeProto; ValueError, which names it, if its operator is not known or not so."""
        name, operator, domain = map(text, (proto.name, proto.op_type, proto.domain))
        inputs, outputs = (tuple(map(text, names)) for names in (proto.input, proto.output))
        made = next((name for name in outputs if name), "")
        label = f"node {shown(name or made)} ({shown(operator)[1:-1]})"
        if domain not in ("", "ai.onnx"):
            raise ValueError(
                f"{label} is of the domain {shown(domain)}; gru_c knows ONNX's own operators"
            )
        if domain:  # the long name of ONNX's own
            short = type(proto)()
            short.CopyFrom(proto)
            short.domain, proto = "", short
        if operator not in known:
            raise ValueError(f"{label}: gru_c does not have this operator")
        attributes = {text(a.name): _attribute(a, label) for a in proto.attribute}
        _check_by_onnx(proto, opset, label)
        kept = None if operator == "Constant" else proto
        return cls(operator, label, inputs, outputs, attributes, opset, name, kept)

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute, or the default."""
        return self.attributes.get(name, default)

    def refuse(self, why: str) -> NoReturn:
        """Raise ValueError that names the node."""
        raise ValueError(why if why.startswith(self.label) else f"{self.label}: {why}")

    def attempt(self, operator: Callable[..., Any], *arguments: Any) -> tuple[Any, ...]:
        """Return the results of an operator; ValueError, which names the node, if it fails."""
        try:
            with np.errstate(all="ignore"):
                results = operator(self, *arguments)
        except _FAILURES as error:
            self.refuse(str(error) or type(error).__name__)
        return results if isinstance(results, tuple) else (results,)


def _check_by_onnx(proto: Any, opset: int, label: str) -> None:
    """Let onnx say whether a node is what its operator's definition allows."""
    checker = library().checker
    context = checker.C.CheckerContext()
    context.ir_version, context.opset_imports = library().IR_VERSION, {"": opset}
    try:
        checker.check_node(proto, context)
    except (checker.ValidationError, RuntimeError, TypeError, UnicodeError) as error:
        raise ValueError(f"{label} is not valid: {plain(str(error))}") from None


def _attribute(proto: Any, label: str) -> Any:
    what = f"{label}: attribute {shown(text(proto.name))}"
    kinds = library().AttributeProto
    if proto.ref_attr_name:
        raise ValueError(f"{what} is that of a function")
    if proto.type == kinds.TENSOR:
        return array_of(proto.t, what)
    if proto.type == kinds.STRING:
        return text(proto.s, what)
    if proto.type == kinds.STRINGS:
        return [text(item, what) for item in proto.strings]
    if proto.type == kinds.FLOAT:
        return _as_written(proto.f)
    if proto.type == kinds.FLOATS:
        return [_as_written(item) for item in proto.floats]
    if proto.type not in (kinds.INT, kinds.INTS):
        raise ValueError(f"{what} is a graph or of another kind that gru_c does not read")
    return proto.i if proto.type == kinds.INT else list(proto.ints)


def _as_written(value: float) -> float:
    """Return the shortest number that is this one in float32: 0.3 rather than 0.30000001192."""
    return float(str(np.float32(value)))
