"""A network whose layers are the nodes of a graph, with any number of inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from gru_c import losses
from gru_c.common.array_group import ArrayGroup, mapped
from gru_c.common.arrays import Array, Shape
from gru_c.common.attributes import assign
from gru_c.common.weights_lock import weights_lock
from gru_c.layers import Input, Layer
from gru_c.layers.base.random_layer import DrawingLayer
from gru_c.layers.base.tensor import Node, Tensor
from gru_c.network.core_runs import NO_RUNS, CoreRun, CoreRuns
from gru_c.network.graph import Graph
from gru_c.network.graph_checks import check_layers, require_names
from gru_c.network.graph_inputs import GraphInputs
from gru_c.network.graph_tape import GraphOptions, GraphTape
from gru_c.network.network import Network, is_paired
from gru_c.network.structure import Structure
from gru_c.network.training_runs import BackwardOptions


class GraphNetwork(Network):
    """The passes of a model that is a graph; a chain of layers runs as in a `Sequential`."""

    _kind = False  # for the checks of attributes, `Network` is the base of the kind

    graph: Graph
    input_structure: Structure
    output_structure: Structure
    _chain: Network | None
    _reader: GraphInputs
    _tape: GraphTape | None

    def set_graph(
        self,
        inputs: tuple[list[Tensor], Structure],
        outputs: tuple[list[Tensor], Structure],
    ) -> None:
        """Take the layers between the inputs and the outputs."""
        graph = Graph(inputs[0], outputs[0])
        check_layers(graph)
        require_names(graph.layers)
        layers = [layer for layer in graph.layers if isinstance(layer, Layer)]
        dtypes = [layer.dtype for layer in layers if layer.dtype and layer.parameters]
        tensors = [t.dtype for t in inputs[0] if t.dtype.startswith("float")]
        dtype = next(iter([*dtypes, *tensors]), "float32")
        if self.dtype not in (None, dtype):
            raise ValueError(
                f"the model should be {self.dtype}, but its layers are {dtype}: give each Input "
                f"dtype={self.dtype!r}"
            )
        sizes = {t.shape[0] for t in inputs[0] if t.shape} - {None}
        assign(self, graph=graph, layers=layers, dtype=dtype)
        assign(self, input_structure=inputs[1], output_structure=outputs[1])
        assign(self, batch_size=min(sizes) if sizes else None)  # type: ignore[type-var]
        names = inputs[1].keys if inputs[1].form == "dict" else inputs[1].names
        self._reader = GraphInputs(graph, names, dtype)
        self.several = inputs[1].size > 1 or outputs[1].size > 1
        self._tape = None
        shape = inputs[0][0].shape
        self._input_shape = (None, *shape[1:]) if len(inputs[0]) == 1 else None
        self._chain = self._made_chain()
        for layer in layers:
            if isinstance(layer, DrawingLayer) and layer.owner is None:
                layer.seed_from(self.rng)

    def _made_chain(self) -> Network | None:
        """Return a network of the same layers if they are a chain; None otherwise."""
        layers = self.graph.chain
        tensor = self.graph.inputs[0]
        if not layers or not isinstance(tensor.node.layer, Input):
            return None
        if any(layer.takes_several or layer.runs_graph for layer in layers):
            return None
        chain = Network(None, self.name, self.dtype, None, True)
        assign(chain, layers=list(layers), _input_shape=self._input_shape, _input=tensor.node.layer)
        assign(chain, batch_size=self.batch_size)
        return chain

    # ---- the structure, which is fixed ----

    @property
    def built(self) -> bool:
        """True: the weights exist since the layers were called."""
        return all(layer.built for layer in self.layers)

    def build(self, input_shape: Shape | None = None) -> None:
        """Do nothing: the weights exist since the layers were called."""

    def build_from_data(self, x: Any) -> None:
        """Do nothing; see `build`."""

    def add(self, layer: Layer) -> None:
        """Refuse: call the layer on the output, and make a new Model."""
        raise ValueError(
            "add is for a Sequential: write x = layer(model.output), then Model(model.input, x)"
        )

    def pop(self) -> Layer:
        """Refuse: make a new Model with another output."""
        raise ValueError(
            "pop is for a Sequential: write Model(model.input, model.layers[-2].output)"
        )

    # ---- shapes ----

    @property
    def input_shape(self) -> Any:
        """Shape of the input, batch axis first; a list or dict of them for several inputs."""
        return self.input_structure.packed([tensor.shape for tensor in self.graph.inputs])

    @property
    def output_shape(self) -> Any:
        """Shape of the output, batch axis first; a list or dict of them for several outputs."""
        return self.output_structure.packed([tensor.shape for tensor in self.graph.outputs])

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the output for that of the input; lists of them for several."""
        shapes = input_shape if isinstance(input_shape, list) else [input_shape]
        results = self.graph.results_of(self.graph.shapes(shapes))
        return results[0] if len(results) == 1 else results

    def shape_of_output(self, input_shape: Any) -> Any:
        """Return the shape of the output for data of a shape; ValueError if it is not known."""
        result = self.compute_output_shape(input_shape)
        shapes = result if isinstance(result, list) else [result]
        sizes = [tuple(int(size or 0) for size in shape) for shape in shapes]
        return sizes if isinstance(result, list) else sizes[0]

    def empty_outputs(self, input_shape: Any) -> Any:
        """Return arrays for the outputs for data of a shape."""
        shape = self.shape_of_output(input_shape)
        dtypes = [np.dtype(tensor.dtype) for tensor in self.graph.outputs]
        if not isinstance(shape, list):
            return np.empty(shape, dtypes[0])
        return ArrayGroup(map(np.empty, shape, dtypes))

    @property
    def output_dtype(self) -> str | None:
        """Dtype of what `predict` returns for the first output."""
        return self.graph.outputs[0].dtype

    @property
    def fixed_time(self) -> int | None:
        """The number of time steps that the only input must have; None for any number."""
        shape = self.graph.inputs[0].shape
        return shape[1] if len(self.graph.inputs) == 1 and len(shape) > 1 else None

    @property
    def input_axes(self) -> int:
        """Number of axes of an input that the core may take at once; 0 if it may not."""
        return 0 if self._chain is None else self._chain.input_axes

    @property
    def takes_scalars(self) -> bool:
        """True if a sample may be one number."""
        return len(self.graph.inputs[0].shape) == 1

    def require_samples_axis(self, shape: Any) -> None:
        """Do nothing: the inputs have the shapes that they must have."""

    def read_input(self, x: Any) -> Any:
        """Return the inputs of a user as an array, or a group of several."""
        return self.check_input(x)

    def check_input(self, x: Any) -> Any:
        """Return the inputs as an array or a group; ValueError or TypeError if they do not fit."""
        if isinstance(x, ArrayGroup):
            return x
        values = self._reader.checked(self.input_structure.ordered("x", self.unpacked(x)))
        return values[0] if len(values) == 1 else ArrayGroup(values)

    def unpacked(self, x: Any) -> Any:
        """Return x without the list around the only input."""
        if self.input_structure.size == 1 and isinstance(x, (list, tuple)):
            axes = len(self.graph.inputs[0].shape)
            whole = len(x) == 1 and len(getattr(x[0], "shape", ())) == axes
            return x[0] if whole else np.asarray(x)
        return x

    # ---- passes ----

    def run(self, x: Any, mask: Array | None = None, *, training: bool = False) -> tuple[Any, Any]:
        """Return the output and its mask; groups for several. See `Network.run`."""
        if self._chain is not None:
            return self._chain.run(x, mask, training=training)
        if training:
            return self._forward(x, mask, training=True)
        with nullcontext() if self.holds_weights else weights_lock.reading(self.layers):
            return self._forward(x, mask, training=False)

    def run_in_training(self, x: Any, mask: Array | None = None) -> tuple[Any, Any]:
        """Return what `run` returns with ``training=True``."""
        if self._chain is not None:
            return self._chain.run_in_training(x, mask)
        return self._forward(x, mask, training=True)

    def _forward(self, x: Any, mask: Array | None, *, training: bool) -> tuple[Any, Any]:
        values = list(x) if isinstance(x, ArrayGroup) else [x]
        if mask is not None:
            array = values[0]
            shaped = mask.reshape(*mask.shape, *[1] * (array.ndim - 2))
            values[0] = np.where(shaped, array, array.dtype.type(0))
        masks = [mask, *[None] * (len(values) - 1)]
        outputs, masks, tape = self.graph.forward(self._reader.prepared(values), masks, training)
        self._tape = tape  # its penalty is asked for after a prediction, too
        if len(outputs) == 1:
            return outputs[0], masks[0]
        return ArrayGroup(outputs), ArrayGroup(masks) if any(m is not None for m in masks) else None

    def end_pass(self) -> None:
        """Forget what the last `run_in_training` left."""
        self._tape = None
        if self._chain is not None:
            self._chain.end_pass()

    def backward(
        self,
        d_output: Any,
        *,
        through_activation: Any = True,
        keep_tape: bool = True,
        after_layer: Callable[[Layer], None] | None = None,
        activity_scale: float = 1.0,
    ) -> None:
        """Write the gradients of all weights; see `Network.backward`."""
        if self._chain is not None:
            options = BackwardOptions(through_activation, keep_tape, after_layer, activity_scale)
            lowest = self.first_trained_layer
            self._chain._training_runs.backward(self._chain.layers, lowest, d_output, options)
            return
        if self._tape is None:
            raise ValueError("backward needs a forward pass in training before it")
        d_outputs = list(d_output) if isinstance(d_output, ArrayGroup) else [d_output]
        whole = GraphOptions(keep_tape, activity_scale)
        flags = through_activation
        if not isinstance(flags, (list, tuple)):
            flags = [flags] * len(d_outputs)
        self.graph.backward(self._tape, d_outputs, self.trainable, whole, flags)
        if after_layer is not None:
            for layer in reversed(self.layers):
                after_layer(layer)

    def activity_penalty(self) -> float:
        """Return the penalties of the outputs of the last run's layers, per sample."""
        if self._chain is not None:
            return self._chain.activity_penalty()
        return 0.0 if self._tape is None else self._tape.penalty

    def require_gradients(self) -> None:
        """Raise TypeError if a layer above one that is trained cannot return a gradient."""
        self.graph.require_gradients(self.trainable)

    @property
    def head_is_paired(self) -> Any:
        """True if the loss is paired with the last activation; a list for several outputs."""
        if isinstance(self.loss, losses.OutputLosses):
            pairs = zip(self.graph.outputs, self.loss.losses, strict=True)
            return [self._is_paired(tensor.node, loss) for tensor, loss in pairs]
        return self._is_paired(self.graph.outputs[0].node, self.loss)

    def _is_paired(self, node: Node, loss: Any) -> bool:
        """Return True if a loss is paired with a node's activation, which nothing else reads."""
        if not isinstance(node.layer, Layer) or not is_paired(node.layer, loss):
            return False
        tensor = node.outputs[0]
        readers = [one for other in self.graph.nodes for one in other.inputs if one is tensor]
        return len([one for one in self.graph.outputs if one is tensor]) == 1 and not readers

    @property
    def passes_mask_on(self) -> bool:
        """True if the output has the time steps of the input."""
        return self._chain is not None and self._chain.passes_mask_on

    @property
    def head_layers(self) -> list[Layer]:
        """The layers from the last one with several inputs to the output."""
        layers: list[Layer] = []
        node = self.graph.outputs[0].node
        while isinstance(node.layer, Layer) and not isinstance(node.layer, Input):
            layers.insert(0, node.layer)
            if len(node.inputs) != 1:
                break
            node = node.inputs[0].node
        return layers

    def head_shapes(self, input_shape: Any) -> list[tuple[int, ...]]:
        """Return the shapes of the outputs of `head_layers`, for data of a shape."""
        shapes = self.graph.shapes(input_shape if isinstance(input_shape, list) else [input_shape])
        by_node = {
            id(node): self.graph.values_of(number, shapes)[1][0]
            for number, node in enumerate(self.graph.nodes)
        }
        node = self.graph.outputs[0].node
        sizes: list[tuple[int, ...]] = []
        for _ in self.head_layers:
            sizes.insert(0, tuple(int(size or 0) for size in by_node[id(node)]))
            node = node.inputs[0].node
        return sizes

    # ---- runs of the core ----

    def core_runs(self) -> CoreRuns:
        """Return the runs of a chain; none for another graph."""
        return NO_RUNS if self._chain is None else self._chain.core_runs()

    def hold_runs(self) -> None:
        """Make the runs of a chain for good."""
        if self._chain is not None:
            self._chain.hold_runs()

    def whole_run(self) -> CoreRun | None:
        """Return the run of all layers of a chain; None for another graph."""
        if self._chain is None or self.output_structure.form == "dict":
            return None
        return self._chain.whole_run()

    def packed_outputs(self, outputs: Any) -> Any:
        """Return the outputs in the form in which the model was given its output tensors."""
        values = list(outputs) if isinstance(outputs, ArrayGroup) else [outputs]
        return self.output_structure.packed(values)

    @property
    def chain(self) -> Network | None:
        """The layers as a network, if each takes the output of the one before it alone."""
        return self._chain

    def prepared_inputs(self, inputs: Sequence[Array]) -> list[Array]:
        """Return inputs in the dtypes in which the graph computes."""
        return self._reader.prepared(inputs)

    @property
    def stateful_layers(self) -> list[Any]:
        """The layers that keep their states from batch to batch, also those in models in this."""
        return [layer for layer in flat_layers(self.layers) if getattr(layer, "stateful", False)]

    def seed_run(self, rng: np.random.Generator | None) -> None:
        """Draw shuffling and dropout from `rng` from now on; with None change nothing."""
        super().seed_run(rng)
        if rng is None:
            return
        for layer in flat_layers(self.layers):
            if isinstance(layer, DrawingLayer) and layer not in self.layers:
                layer.seed_from(rng)

    def copied(self, outputs: Any) -> Any:
        """Return copies of outputs, since a layer may return its input."""
        return mapped(np.array, outputs)


def flat_layers(layers: Iterable[Layer]) -> Iterator[Layer]:
    """Yield the layers, and those of models among them in their places."""
    for layer in layers:
        if layer.runs_graph:
            yield from flat_layers(layer.inner_layers)
        else:
            yield layer
