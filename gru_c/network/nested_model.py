"""A model as a layer of another model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gru_c.common.arrays import Array, Shape
from gru_c.common.attributes import assign
from gru_c.layers import Layer
from gru_c.network.graph import Graph
from gru_c.network.graph_tape import GraphOptions, GraphTape


class NestedModel(Layer):
    """A model that was called on symbolic tensors; it is made by the call.

    Names that a layer does not have are those of the model: ``layer.summary()``.

    Parameters
    ----------
    model : Network
        The model, whose weights the layer shares.
    graph : Graph
        The graph of its layers.
    """

    runs_graph = True
    not_kept = frozenset({"weights"})

    def __init__(self, model: Any, graph: Graph) -> None:
        super().__init__(name=model.name, dtype=model.dtype)
        self.model = model
        self.graph = graph
        self.takes_several = len(graph.inputs) > 1
        self.many_outputs = len(graph.outputs) > 1
        items = [item for layer in model.layers for item in layer.parameters]
        shape = graph.inputs[0].shape
        assign(self, parameters=items, built=True, built_shape=shape)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the model."""
        model = self.__dict__.get("model")
        if model is None or name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(model, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "trainable":
            self.model.trainable = value
        else:
            object.__setattr__(self, name, value)
        self.note_change()

    @property  # type: ignore[misc]  # `__setattr__` sets it
    def trainable(self) -> bool:
        """True if training changes weights of the model; see `Network.trainable`."""
        return bool(self.model.trainable) if "model" in self.__dict__ else True

    @property
    def trainable_weights(self) -> list[Any]:
        """The weights of the model that training changes."""
        items: list[Any] = self.model.trainable_weights
        return items

    @property
    def trainable_parts(self) -> tuple[Any, ...]:
        """The layers of the model, and their parts."""
        parts = [part for layer in self.model.layers for part in (layer, *layer.trainable_parts)]
        return tuple({id(part): part for part in parts}.values())

    @property
    def inner_layers(self) -> tuple[Layer, ...]:
        """The layers of the model."""
        return tuple(self.model.layers)

    @property
    def weight_labels(self) -> list[str]:
        """The names of the weights, each behind that of its layer."""
        return [
            f"{layer.name}.{label}" for layer in self.model.layers for label in layer.weight_labels
        ]

    def hold_weights(self, hold: bool) -> None:
        """Let the layers keep packed weights, or release them."""
        for layer in self.model.layers:
            layer.hold_weights(hold)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the output, or a list of those of several outputs."""
        shapes = list(input_shape) if self.takes_several else [input_shape]
        wanted = [tensor.shape for tensor in self.graph.inputs]
        fits = len(shapes) == len(wanted) and all(map(_fits, shapes, wanted))
        if not fits:
            raise ValueError(
                f"model {self.model.name!r} wants inputs of the shapes {_text(wanted)}, got "
                f"{_text(shapes)}"
            )
        results = self.graph.results_of(self.graph.shapes(shapes))
        return results if self.many_outputs else results[0]

    def weight_shapes(self, input_shape: Any) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the weights, which exist."""
        shapes = [item.array.shape for item in self.parameters]
        return dict(zip(self.weight_labels, shapes, strict=True))

    def run(
        self, inputs: Sequence[Array], masks: Sequence[Array | None], training: bool
    ) -> tuple[list[Array], list[Array | None], GraphTape]:
        """Return the outputs, their masks and the tape."""
        return self.graph.forward(self.model.prepared_inputs(inputs), masks, training)

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Return the output of a model with one input and one output; see `Layer.forward`."""
        if self.takes_several or self.many_outputs:
            raise ValueError(f"model {self.model.name!r} has several inputs or outputs, wanted one")
        outputs, _, tape = self.run([self._as_input(x)], [None], training)
        if training:
            self._set_tape((tape, outputs[0].shape))
        return outputs[0]

    def backward(
        self,
        d_output: Array,
        *,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
    ) -> Array | None:
        """Write the gradients of the weights, return that of the input; see `Layer.backward`."""
        saved, shape = self._take_tape(tape)
        d = self._as_gradient(d_output, shape)
        options = GraphOptions(keep_tape, 1.0, accumulate, input_gradient)
        return self.backward_graph(saved, [d], options)[0]

    def backward_graph(
        self, tape: GraphTape, d_outputs: Sequence[Array | None], options: GraphOptions
    ) -> list[Array | None]:
        """Write the gradients of the weights; return those of the inputs."""
        return self.graph.backward(tape, d_outputs, self.model.trainable, options)

    def __repr__(self) -> str:
        return repr(self.model)

    def __deepcopy__(self, memo: dict[int, Any]) -> NestedModel:
        import copy

        model = copy.deepcopy(self.model, memo)
        new: NestedModel = model.as_layer()
        memo[id(self)] = new
        return new


def _fits(shape: Shape, wanted: Shape) -> bool:
    return len(shape) == len(wanted) and all(
        a is None or b is None or a == b for a, b in zip(shape[1:], wanted[1:], strict=True)
    )


def _text(shapes: Sequence[Any]) -> str:
    return " and ".join(str(tuple(shape)) for shape in shapes)
