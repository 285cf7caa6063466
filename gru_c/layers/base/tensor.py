"""Symbolic tensors: the values of a graph before there are any numbers.

``layer(tensor)`` computes nothing. It makes a `Node`, which records the layer and its inputs, and
returns the node's outputs as new tensors. A tensor refers to its node, a node to its inputs: these
references are the graph. No tensor exists before those from which it is computed, so a graph cannot
have a cycle.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from gru_c.common.arrays import Shape
from gru_c.common.tensor_operators import TensorOperators

# NumPy's functions that an array on the left of an operator calls, with ours.
_OPERATORS = {
    **{name: name for name in ("add", "subtract", "multiply", "divide", "power", "matmul")},
    "true_divide": "divide",
}


class _Phase:
    """Stands for training or not, in a `call` that is recorded for both."""

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "call is recorded once for training and prediction, so Python cannot decide about "
            "training: write layer(x, training=training), or layer(x), which knows it"
        )

    def __repr__(self) -> str:
        return "<training or not>"


PHASE = _Phase()


class SymbolicValue(TensorOperators):
    """Base of `Tensor` and `Input`: a shape, a dtype, and operators that add nodes to the graph."""

    @property
    def tensor(self) -> Tensor:
        """The tensor itself."""
        raise NotImplementedError

    def _record(self, operation: Any, inputs: Sequence[Any]) -> Tensor:
        """Return the output of an operation of `gru_c.ops` on tensors and arrays."""
        tensors = [x.tensor for x in inputs if isinstance(x, SymbolicValue)]
        shapes = [x.tensor.shape if isinstance(x, SymbolicValue) else _shape(x) for x in inputs]
        shape = tuple(operation.output_shape(shapes))
        values = [None if isinstance(x, SymbolicValue) else x for x in inputs]
        node = Node(operation, tensors, {"constants": values})
        return node.add_outputs([shape], self.tensor.dtype)[0]

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a symbolic tensor has no value, so Python cannot decide about it: compute with "
            "gru_c.ops.where instead of if and while"
        )

    def __iter__(self) -> NoReturn:
        raise TypeError(f"{self!r} has no values over which a loop could run")

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        raise TypeError(
            f"{self!r} has no numbers yet, so NumPy cannot compute with it: call a layer or a "
            "function of gru_c.ops, and give the numbers to the model"
        )

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Return the tensor of an operator between an array and a tensor."""
        name = _OPERATORS.get(function.__name__)
        if name is None or method != "__call__" or options:
            self.__array__()
        return self._operate(str(name), *inputs)

    def _operate(self, name: str, *inputs: Any) -> Any:
        return getattr(importlib.import_module("gru_c.ops"), name)(*inputs)


class Tensor(SymbolicValue):
    """The value of an output of a `Node`, before there are numbers.

    Attributes
    ----------
    shape : tuple of int or None
        Batch axis first; None stands for any size.
    dtype : str
    node : Node
        The node that computes it.
    index : int
        Its number among the outputs of the node.
    """

    __slots__ = ("dtype", "index", "node", "shape")

    def __init__(self, shape: Shape, dtype: str, node: Node, index: int = 0) -> None:
        self.shape = tuple(shape)
        self.dtype = dtype
        self.node = node
        self.index = index

    @property
    def tensor(self) -> Tensor:
        """The tensor itself."""
        return self

    @property
    def name(self) -> str:
        """Name of the layer or operation that computes it."""
        return self.node.label

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<Tensor {self.name!r} {self.shape} {self.dtype}>"


class Node:
    """A call of a layer, or of an operation, on tensors.

    Attributes
    ----------
    layer : Layer or Operation
    inputs, outputs : list of Tensor
    options : dict
        For a layer ``states``, the number of its last inputs that are initial states, and
        ``training`` if the call fixed it; for an operation ``constants``, its inputs that are no
        tensors, with None in the places of tensors.
    """

    __slots__ = ("inputs", "layer", "options", "outputs")

    def __init__(self, layer: Any, inputs: list[Tensor], options: dict[str, Any]) -> None:
        self.layer = layer
        self.inputs = inputs
        self.options = options
        self.outputs: list[Tensor] = []

    @property
    def label(self) -> str:
        """Name of the layer or operation."""
        return str(getattr(self.layer, "label", None) or self.layer.name)

    def add_outputs(self, shapes: Sequence[Shape], dtype: str) -> list[Tensor]:
        """Make the tensors of the outputs, once."""
        self.outputs = [Tensor(shape, dtype, self, i) for i, shape in enumerate(shapes)]
        return self.outputs


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(getattr(x, "shape", ()))


def flattened(values: Any) -> Iterator[Any]:
    """Yield the items of nested lists, tuples and dicts in their order."""
    if isinstance(values, Mapping):
        values = list(values.values())
    if isinstance(values, (list, tuple)):
        for value in values:
            yield from flattened(value)
    else:
        yield values


def holds_tensors(values: Any) -> bool:
    """Return True for a symbolic tensor, and for a list, tuple or dict with one in it."""
    if isinstance(values, SymbolicValue):
        return True
    return isinstance(values, (list, tuple, Mapping)) and any(map(holds_tensors, flattened(values)))


def tensors_of(owner: str, values: Any) -> list[Tensor]:
    """Return the tensors in nested lists; TypeError if something else is in them."""
    tensors = []
    for value in flattened(values):
        if not isinstance(value, SymbolicValue):
            raise TypeError(
                f"{owner} was called on symbolic tensors and {type(value).__name__} together: "
                f"give tensors alone, or arrays alone"
            )
        tensors.append(value.tensor)
    return tensors
