"""The arrays that a graph is given: their shapes, their dtypes, and their numbers of samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gru_c.common.arrays import Array, as_real
from gru_c.layers import Input, Layer
from gru_c.network.graph import Graph
from gru_c.network.layer_checks import require_whole_numbers


class GraphInputs:
    """The checks of the inputs of a graph.

    Parameters
    ----------
    graph : Graph
    names : sequence of str
        Names of the inputs, for messages.
    dtype : str
        Dtype of the model.
    """

    def __init__(self, graph: Graph, names: Sequence[str], dtype: str) -> None:
        self.tensors = graph.inputs
        self.names = list(names)
        self.dtype = np.dtype(dtype)
        self.readers: list[list[Layer]] = []
        self.others: list[bool] = []  # True if an operation reads the input
        for tensor in graph.inputs:
            nodes = [node for node in graph.nodes if any(tensor is one for one in node.inputs)]
            layers = [node.layer for node in nodes if isinstance(node.layer, Layer)]
            self.readers.append(layers)
            self.others.append(len(layers) < len(nodes))

    def checked(self, values: Sequence[Any]) -> list[Array]:
        """Return the inputs as arrays; an exception names the first one that does not fit."""
        arrays = [self._checked(i, value) for i, value in enumerate(values)]
        counts = [len(array) for array in arrays]
        if len(set(counts)) > 1:
            sizes = ", ".join(
                f"{name!r} {count}" for name, count in zip(self.names, counts, strict=True)
            )
            raise ValueError(f"the inputs must have one number of samples, got {sizes}")
        return arrays

    def _checked(self, number: int, value: Any) -> Array:
        name = "x" if len(self.names) == 1 else f"input {self.names[number]!r}"
        tensor, readers = self.tensors[number], self.readers[number]
        if tensor.dtype == "string" and readers:
            array: Array = readers[0].read_input(value)
        else:
            array = as_real(name, value)
        shape = tensor.shape
        if array.ndim == len(shape) - 1 and shape[-1] == 1 and array.ndim:
            array = array[..., None]  # as in Keras
        fits = array.ndim == len(shape) and all(
            size in (None, actual) for size, actual in zip(shape[1:], array.shape[1:], strict=False)
        )
        if not fits:
            sizes = "".join(f", {'any' if size is None else size}" for size in shape[1:]) or ","
            raise ValueError(f"{name} must have shape (samples{sizes}), got {array.shape}")
        layer = tensor.node.layer
        if isinstance(layer, Input) and layer.integers:
            require_whole_numbers(array)
        for reader in readers:
            if not reader.takes_several:
                reader.prepare_input(array)  # refuses values that it does not take
        return array

    def prepared(self, values: Sequence[Array]) -> list[Array]:
        """Return the inputs in the dtypes in which the graph computes."""
        arrays = []
        for array, tensor, readers, others in zip(
            values, self.tensors, self.readers, self.others, strict=True
        ):
            floats = tensor.dtype.startswith("float")
            by_layers = readers and not others and all(map(_reads_as_it_is, readers))
            if floats and not by_layers:
                array = array.astype(self.dtype, copy=False)
            arrays.append(array)
        return arrays


def _reads_as_it_is(layer: Layer) -> bool:
    """Return True for a layer that converts its input itself."""
    return not layer.takes_several and not layer.many_outputs
