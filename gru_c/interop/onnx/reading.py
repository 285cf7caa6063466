"""A file becomes a graph: nodes, constants, inputs and outputs, all of them checked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from gru_c.arrays import Array
from gru_c.interop.onnx.operators import OPERATORS
from gru_c.interop.onnx.proto import Node, array_of, element_type, library, shown

OLDEST_OPSET = 7  # the first with the GRU of today and with NumPy's broadcasting
_MOST_BYTES = 2**31 - 1  # protobuf's limit
_LOOPS = ("Loop", "Scan", "If")


@dataclass(frozen=True)
class Input:
    """What a graph wants.

    Attributes
    ----------
    name : str
    dtype : numpy.dtype
    shape : tuple of int, str or None; or None
        A length, the name of one, or None for any; None where the file says nothing.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | str | None, ...] | None


@dataclass(frozen=True, eq=False)
class Graph:
    """What a file holds.

    Attributes
    ----------
    nodes : list of Node
        In an order in which they can be computed.
    constants : dict of str to ndarray
        Weights and other values of the file, read-only.
    inputs : list of Input
    outputs : list of str
    producer : str
        Who wrote the file, as it says.
    """

    nodes: list[Node]
    constants: dict[str, Array]
    inputs: list[Input]
    outputs: list[str]
    producer: str


def read(path: str | os.PathLike[str]) -> Graph:
    """Read a file; see `gru_c.interop.onnx.load` for the exceptions."""
    file = Path(path)
    if not file.exists():
        raise FileNotFoundError(f"there is no file {os.fspath(file)!r}")
    try:
        return _graph_of(_parse(file))
    except ValueError as error:
        raise ValueError(f"{os.fspath(file)}: {error}") from None


def _parse(file: Path) -> Any:
    if not file.is_file():
        raise ValueError("it is no file, but a folder or a device")
    if file.stat().st_size > _MOST_BYTES:
        raise ValueError("it is larger than 2 GB, which no ONNX file can be")
    model = library().ModelProto()
    try:
        model.ParseFromString(file.read_bytes())
    except Exception as error:  # DecodeError is protobuf's, of which onnx exports nothing
        raise ValueError(f"it is no ONNX file, or damaged ({type(error).__name__})") from None
    if not model.ir_version or not model.HasField("graph"):
        raise ValueError("it is no ONNX file: it holds no graph")
    return model


def _graph_of(model: Any) -> Graph:
    """Check a ModelProto and take it apart; ValueError for the first thing that cannot be read."""
    opset = _opset_of(model)
    if model.functions:
        raise ValueError(
            f"it defines the function {shown(model.functions[0].name)}; gru_c reads ONNX's own "
            "operators only"
        )
    graph = model.graph
    if graph.sparse_initializer:
        raise ValueError("it has sparse initializers, which gru_c does not read")
    constants = {t.name: array_of(t, f"initializer {shown(t.name)}") for t in graph.initializer}
    # Loops first: what else is missing belongs to them.
    of_loops = (proto for proto in graph.node if proto.op_type in _LOOPS)
    nodes = [_node_of(proto, opset) for proto in chain(of_loops, graph.node)]
    inputs = [_input_of(value) for value in graph.input if value.name not in constants]
    _check_by_onnx(model)
    _check_order(nodes, {*constants, *(item.name for item in inputs)}, graph.output)
    return Graph(nodes, constants, inputs, [v.name for v in graph.output], model.producer_name)


def _opset_of(model: Any) -> int:
    newest = library().defs.onnx_opset_version()
    found = [item.version for item in model.opset_import if item.domain in ("", "ai.onnx")]
    if len(found) != 1:
        raise ValueError("it does not say which version of ONNX's operators it means")
    version: int = found[0]
    if not OLDEST_OPSET <= version <= newest:
        raise ValueError(
            f"its operators are those of version {version}; gru_c, with the installed onnx, reads "
            f"{OLDEST_OPSET} to {newest}"
        )
    return version


def _node_of(proto: Any, opset: int) -> Node:
    """Read a node; its operator is looked at first, because that is what a reader can name."""
    bare = library().NodeProto(
        name=proto.name, op_type=proto.op_type, domain=proto.domain, output=proto.output[:1]
    )
    shell = Node.of(bare, opset)
    if proto.op_type not in OPERATORS and proto.op_type != "GRU":
        shell.refuse("gru_c does not have this operator")
    return Node.of(proto, opset)


def _input_of(value: Any) -> Input:
    what = f"the input {shown(value.name)}"
    if value.type.WhichOneof("value") != "tensor_type":
        raise ValueError(f"{what} is no tensor")
    tensor = value.type.tensor_type
    shape = None
    if tensor.HasField("shape"):
        shape = tuple(
            d.dim_value if d.HasField("dim_value") else d.dim_param or None
            for d in tensor.shape.dim
        )
        if any(isinstance(size, int) and size < 0 for size in shape):
            raise ValueError(f"{what} has a shape that no array can have: {list(shape)}")
    return Input(value.name, element_type(tensor.elem_type, what), shape)


def _check_by_onnx(model: Any) -> None:
    """Let onnx say whether every node is what its operator's definition allows."""
    checker = library().checker
    try:
        checker.check_model(model, full_check=False)
    except checker.ValidationError as error:
        raise ValueError(f"it is not valid: {_one_line(str(error))}") from None
    except (RuntimeError, TypeError, UnicodeError) as error:
        raise ValueError(f"onnx cannot check it: {_one_line(str(error))}") from None


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text[:500]).split())


def _check_order(nodes: list[Node], known: set[str], outputs: Any) -> None:
    def refuse(what: str, name: str) -> NoReturn:
        raise ValueError(f"{what} wants the value {shown(name)}, which nothing before it gives")

    known = known | {""}
    for node in nodes:
        for name in node.inputs:
            if name not in known:
                refuse(node.label, name)
        known.update(node.outputs)
    for value in outputs:
        if value.name not in known:
            refuse("an output", value.name)
