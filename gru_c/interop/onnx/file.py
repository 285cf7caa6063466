"""Reading of a file into a graph: nodes, constants, inputs and outputs, all of them checked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from gru_c.common.arrays import Array
from gru_c.interop.onnx.operators import OPERATORS
from gru_c.interop.onnx.proto import Node, array_of, element_type, library, shown, text

OLDEST_OPSET = (
    7  # the first version with the current recurrent operators and with NumPy's broadcasting
)
_MOST_BYTES = 2**31 - 1  # protobuf's limit
_LOOPS = ("Loop", "Scan", "If")
_KNOWN = {"GRU", "LSTM", "RNN", *OPERATORS}


@dataclass(frozen=True)
class GraphInput:
    """An input of a graph.

    Attributes
    ----------
    name : str
    dtype : numpy.dtype
    shape : tuple of int, str or None; or None
        For each axis a length, the name of a length, or None for any length; None in place of the
        tuple if the file gives no shape.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | str | None, ...] | None

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Return True if the input takes an array of this shape."""
        return self.shape is None or (
            len(self.shape) == len(shape)
            and all(
                wanted == size or not isinstance(wanted, int)
                for wanted, size in zip(self.shape, shape, strict=True)
            )
        )


@dataclass(frozen=True, eq=False)
class Graph:
    """The contents of a file.

    Attributes
    ----------
    nodes : list of Node
        The nodes in an order in which they can be computed.
    constants : dict of str to ndarray
        Weights and other values of the file, read-only.
    inputs : list of GraphInput
    outputs : list of str
    output_types : dict of str to numpy.dtype
        The types of the outputs for which the file gives one.
    producer : str
        Name of the program that wrote the file, according to the file.
    """

    nodes: list[Node]
    constants: dict[str, Array]
    inputs: list[GraphInput]
    outputs: list[str]
    output_types: dict[str, np.dtype[Any]]
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
    """Return the ModelProto of a file."""
    if not file.is_file():
        raise ValueError("it is not a file but a folder or a device")
    if file.stat().st_size > _MOST_BYTES:
        raise ValueError("it is larger than 2 GB, which no ONNX file can be")
    model = library().ModelProto()
    try:
        model.ParseFromString(file.read_bytes())
    except Exception as error:  # protobuf's DecodeError, which onnx does not export
        raise ValueError(f"it is not an ONNX file, or damaged ({type(error).__name__})") from None
    if not model.ir_version or not model.HasField("graph"):
        raise ValueError("it is not an ONNX file: it holds no graph")
    if model.ir_version > library().IR_VERSION:
        raise ValueError(
            f"its format has the version {model.ir_version}, and the installed onnx reads versions "
            f"up to {library().IR_VERSION}"
        )
    return model


def _graph_of(model: Any) -> Graph:
    """Return the graph of a ModelProto; raise ValueError for the first part that cannot be read."""
    opset = _opset_of(model)
    graph = model.graph
    for part, items in (
        ("functions of its own", model.functions),
        ("training information", model.training_info),
        ("sparse initializers", graph.sparse_initializer),
    ):
        if items:
            raise ValueError(f"it has {part}, which gru_c does not read")
    tensors = {text(tensor.name): tensor for tensor in graph.initializer}
    constants = {name: array_of(t, f"initializer {shown(name)}") for name, t in tensors.items()}
    if len(constants) < len(graph.initializer):
        raise ValueError("two of its initializers have the same name")
    # Loops first: if there is one, the other faults follow from it.
    of_loops = (proto for proto in graph.node if proto.op_type in _LOOPS)
    nodes = [Node.from_proto(proto, opset, _KNOWN) for proto in chain(of_loops, graph.node)]
    inputs = _inputs_of(graph, constants)
    outputs = [text(value.name) for value in graph.output]
    _check_order(nodes, {*constants, *(item.name for item in inputs)}, outputs)
    types = {text(value.name): _output_type(value) for value in graph.output}
    known_types = {name: dtype for name, dtype in types.items() if dtype is not None}
    return Graph(nodes, constants, inputs, outputs, known_types, text(model.producer_name))


def _opset_of(model: Any) -> int:
    """Return the version of ONNX's operators; raise ValueError for one that cannot be read."""
    newest = library().defs.onnx_opset_version()
    versions = [item.version for item in model.opset_import if item.domain in ("", "ai.onnx")]
    if len(versions) != 1:
        raise ValueError("it does not say which version of ONNX's operators it means")
    version: int = versions[0]
    if not OLDEST_OPSET <= version <= newest:
        raise ValueError(
            f"its operators are those of version {version}; gru_c, with the installed onnx, reads "
            f"{OLDEST_OPSET} to {newest}"
        )
    return version


def _inputs_of(graph: Any, constants: dict[str, Array]) -> list[GraphInput]:
    """Return the inputs without a value in the file; raise ValueError if a value does not fit."""
    inputs = {text(value.name): value for value in graph.input}
    if len(inputs) < len(graph.input) or "" in inputs:
        raise ValueError("two of its inputs have the same name, or one has no name")
    without_value = []
    for name, value in inputs.items():
        item = _input_of(value)
        if name not in constants:
            without_value.append(item)
        elif item.dtype != constants[name].dtype or not item.fits(constants[name].shape):
            array = constants[name]
            raise ValueError(
                f"the input {shown(name)} is {item.dtype} of shape {item.shape}, its value in the "
                f"file {array.dtype} of shape {array.shape}"
            )
    return without_value


def _input_of(value: Any) -> GraphInput:
    name = text(value.name)
    label = f"the input {shown(name)}"
    if value.type.WhichOneof("value") != "tensor_type":
        raise ValueError(f"{label} is not a tensor")
    tensor = value.type.tensor_type
    shape = None
    if tensor.HasField("shape"):
        shape = tuple(
            d.dim_value if d.HasField("dim_value") else text(d.dim_param) or None
            for d in tensor.shape.dim
        )
        if any(isinstance(size, int) and size < 0 for size in shape):
            raise ValueError(f"{label} has a shape that no array can have: {list(shape)}")
    return GraphInput(name, element_type(tensor.elem_type, label), shape)


def _output_type(value: Any) -> np.dtype[Any] | None:
    """Return the type that a file gives for an output; None if it gives none."""
    label, kind = f"the output {shown(text(value.name))}", value.type.WhichOneof("value")
    if kind not in (None, "tensor_type"):
        raise ValueError(f"{label} is not a tensor")
    number = value.type.tensor_type.elem_type
    return element_type(number, label) if number else None


def _check_order(nodes: list[Node], known: set[str], outputs: list[str]) -> None:
    """Raise ValueError if a value is used before it is computed, or computed twice."""

    def refuse(taker: str, name: str) -> NoReturn:
        raise ValueError(f"{taker} wants the value {shown(name)}, which nothing before it gives")

    known = known | {""}
    for node in nodes:
        for name in node.inputs:
            if name not in known:
                refuse(node.label, name)
        for name in node.outputs:
            if name and name in known:
                raise ValueError(
                    f"{node.label} gives the value {shown(name)}, which exists already"
                )
            known.add(name)
    if not outputs:
        raise ValueError("the graph has no output")
    for name in outputs:
        if not name or name not in known:
            refuse("an output", name)
