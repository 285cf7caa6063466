"""A graph under construction, and the ModelProto that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gru_c._version import __version__
from gru_c.common.arrays import Shape
from gru_c.interop.onnx.layer_walk import PRODUCER
from gru_c.interop.onnx.proto import library
from gru_c.layers import Embedding, Layer
from gru_c.models.sequential import Sequential

_OPSET, _IR_VERSION = 17, 8
_INPUT, _OUTPUT = "x", "output"


class GraphBuilder:
    """A graph to which layers are added one after the other.

    Parameters
    ----------
    streaming : bool
        True if the states of GRU layers are inputs and outputs.

    Attributes
    ----------
    value : str
        Name of the last layer's output.
    nodes : list of NodeProto
    weights : dict of str to TensorProto
    states : list of (str, str, int)
        For each state, the name of its input, the name of its output, and its units.
    """

    def __init__(self, streaming: bool) -> None:
        self.streaming = streaming
        self.value = _INPUT
        self.nodes: list[Any] = []
        self.weights: dict[str, Any] = {}
        self.states: list[tuple[str, str, int]] = []
        self._names: set[str] = set()

    def add(self, layer: Layer, operator: str, *inputs: str, **attributes: Any) -> str:
        """Append a node and return the name of its output."""
        name = self.free_name(f"{layer.name}/{operator}")
        self.add_named(name, operator, inputs, [f"{name}_output"], attributes)
        return f"{name}_output"

    def add_named(
        self,
        name: str,
        operator: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        attributes: dict[str, Any],
    ) -> None:
        """Append a node with the names of its outputs."""
        make_node = library().helper.make_node
        self.nodes.append(make_node(operator, inputs, outputs, name=name, **attributes))

    def weight(self, layer: Layer, name: str, array: Any, dtype: Any = np.float32) -> str:
        """Store an array and return its name."""
        free = self.free_name(f"{layer.name}/{name}")
        values = np.array(array, dtype, order="C")
        self.weights[free] = library().numpy_helper.from_array(values, free)
        return free

    def integers(self, layer: Layer, name: str, values: Any) -> str:
        """Store integers, such as axes and shapes, and return their name."""
        return self.weight(layer, name, values, np.int64)

    def free_name(self, name: str) -> str:
        """Return the name, with a number after it if the name is in use."""
        count, free = 0, name
        while free in self._names:
            count += 1
            free = f"{name}_{count}"
        self._names.add(free)
        return free

    def finish(self, model: Sequential) -> Any:
        """Return the ModelProto."""
        helper, types = library().helper, library().TensorProto
        if not self.nodes:  # all layers are dropout layers, which are left out
            self.value = self.add(model.layers[0], "Identity", self.value)
        self.nodes[-1].output[0] = _OUTPUT
        shape = _open_shape(model)
        input_type = types.INT64 if isinstance(model.layers[0], Embedding) else types.FLOAT
        inputs = [(_INPUT, input_type, shape)]
        outputs = [(_OUTPUT, types.FLOAT, model.compute_output_shape(shape))]
        for initial_h, Y_h, units in self.states:
            inputs.append((initial_h, types.FLOAT, (1, None, units)))
            outputs.append((Y_h, types.FLOAT, (1, None, units)))
        input_infos, output_infos = (
            [
                helper.make_tensor_value_info(name, kind, _with_named_axes(name, sizes))
                for name, kind, sizes in values
            ]
            for values in (inputs, outputs)
        )
        graph = helper.make_graph(
            self.nodes,
            "gru_c",
            input_infos,
            output_infos,
            initializer=list(self.weights.values()),
        )
        return helper.make_model(
            graph,
            producer_name=PRODUCER,
            producer_version=__version__,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
        )


def _open_shape(model: Sequential) -> Shape:
    """Return the shape of the input, None where these weights suit any length."""
    shape = model.input_shape
    assert shape is not None
    open_shape = model.layers[0].open_shape(tuple(size or 1 for size in shape))
    try:
        model.compute_output_shape(open_shape)
    except ValueError:  # a Dense after a Flatten
        return shape
    return open_shape


def _with_named_axes(name: str, shape: Shape) -> list[int | str]:
    """Return a shape with names for open lengths; the same name stands for the same length."""
    if name not in (_INPUT, _OUTPUT):
        return [size or "batch" for size in shape]
    axes = ["batch", "time", *(f"{name}_axis_{i}" for i in range(2, len(shape)))]
    if name == _OUTPUT and len(shape) == 2:
        axes[1] = f"{name}_features"  # after a Flatten
    return [size or axis for size, axis in zip(shape, axes, strict=False)]
