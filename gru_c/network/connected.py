"""A network as a part of a graph: its symbolic tensors, and its forms of inputs and outputs."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.attributes import assign
from gru_c.common.keywords import checked_keywords
from gru_c.layers import Input, Layer
from gru_c.layers.base.tensor import tensors_of
from gru_c.metrics import Metric
from gru_c.network.building import BuildableNetwork

if TYPE_CHECKING:
    from gru_c.network.graph import Graph
    from gru_c.network.nested_model import NestedModel


class ConnectedNetwork(BuildableNetwork):
    """Base of `Network`: a row of layers that models of graphs can take in."""

    _kind = False  # for the checks of attributes, `Network` is the base of the kind

    metrics: list[Metric]

    # ---- symbolic tensors ----

    def chain_graph(self) -> Graph:
        """Return the layers as a graph; the first call makes the symbolic tensors.

        Raises
        ------
        ValueError
            If the model has no layers or no weights yet.
        """
        from gru_c.network.graph import Graph  # here, because few programs use it

        kept = self.__dict__.get("_graph")
        if kept is not None and [node.layer for node in kept.nodes] == self.layers:
            graph: Graph = kept
            return graph
        self.require_built("a symbolic tensor")
        declared = self._input
        if declared is None:
            declared = Input((self.input_shape or ())[1:], self.batch_size, self.dtype)
        if declared.dtype is None and declared.value_dtype == "float32":
            assign(declared, dtype=self.dtype)
        tensor: Any = declared.tensor
        for layer in self.layers:
            tensor = layer(tensor)
        assign(self, _graph=Graph([declared.tensor], [tensor]))
        return self._graph  # type: ignore[no-any-return,attr-defined]

    def _record(self) -> None:
        if self.built:
            self.chain_graph()

    def prepared_inputs(self, inputs: Sequence[Array]) -> list[Array]:
        """Return inputs in the form that the first layer takes."""
        return list(inputs)

    def as_layer(self) -> NestedModel:
        """Return the model as a layer of another model."""
        from gru_c.network.nested_model import NestedModel

        kept = self.__dict__.get("_layer")
        graph = self.graph_of_layers()
        if kept is None or kept.graph is not graph:
            assign(self, _layer=NestedModel(self, graph))
        return self._layer  # type: ignore[no-any-return,attr-defined]

    def graph_of_layers(self) -> Graph:
        """Return the graph of the layers."""
        return self.chain_graph()

    def call_on_tensors(self, x: Any, training: bool | None) -> Any:
        """Return the symbolic tensors of the outputs of the model for symbolic tensors."""
        tensors = tensors_of(f"model {self.name!r}", x)
        if not self.built:
            self.build(tensors[0].shape)
        return self.as_layer()(tensors if len(tensors) > 1 else tensors[0], training=training)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without symbolic tensors, which a copy makes again."""
        return {k: v for k, v in vars(self).items() if k not in ("_graph", "_layer")}

    weighted_metrics: list[Metric]

    @property
    def plain_metrics(self) -> list[Metric]:
        """The metrics in which all samples count alike."""
        return [metric for metric in self.metrics if metric not in self.weighted_metrics]

    # ---- inputs and outputs, of which a graph may have several ----

    @checked_keywords
    def add(self, layer: Layer) -> None:
        """Add a layer at the end; see `BuildableNetwork.add`."""
        super().add(layer)
        assign(layer, record_in_model=Recorder(self))

    @property
    def head_layers(self) -> list[Layer]:
        """The layers that lead to the output."""
        return self.layers

    def head_shapes(self, input_shape: Any) -> list[tuple[int, ...]]:
        """Return the shapes of the outputs of `head_layers`, for data of a shape."""
        shapes = []
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
            shapes.append(tuple(int(size or 0) for size in input_shape))
        return shapes

    def empty_outputs(self, input_shape: Any) -> Any:
        """Return an array for the outputs for data of a shape."""
        return np.empty(self.shape_of_output(input_shape), self.output_dtype)

    def copied(self, outputs: Any) -> Any:
        """Return a copy of outputs, since a layer may return its input."""
        return np.array(outputs, self.output_dtype)

    @property
    def chain(self) -> Any:
        """The layers as a network in which each takes the output of the one before it alone."""
        return self

    def takes_as_inputs(self, x: Any) -> bool:
        """Return True for a list or a dict of inputs, as a graph takes it."""
        return False

    def only_target(self, y: Any) -> Any:
        """Return the targets of the only output, from the list or dict that a graph may take."""
        return y

    def check_targets(self, y: Any, weight: Any, shape: Any, count: int) -> tuple[Any, Any]:
        """Return the targets and the weights of several outputs; see `GraphNetwork`."""
        raise NotImplementedError

    def require_numbers(self, output_shape: Any) -> None:
        """Raise ValueError for a metric whose result for outputs of a shape is not one number."""
        for metric in self.metrics:
            metric.require_number(output_shape)

    several = False  # True if there are several inputs or outputs


class Recorder:
    """Makes the symbolic tensors of a model, as long as the model exists."""

    def __init__(self, model: ConnectedNetwork) -> None:
        self._model = weakref.ref(model)

    def __call__(self) -> None:
        """Make them."""
        model = self._model()
        if model is not None:
            model._record()
