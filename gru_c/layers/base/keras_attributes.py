"""Attributes that layers have in Keras: lists of weights, and shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gru_c.common.arrays import Shape
from gru_c.layers.base.tensor_calls import only_tensor
from gru_c.layers.base.weight_holder import WeightHolder

if TYPE_CHECKING:
    from gru_c.parameters import Parameter


class KerasAttributes(WeightHolder):
    """Base of `Layer`: attributes with Keras's names that follow from others."""

    _kind = False  # for the checks of attributes, `Layer` is the base of the kind

    built_shape: Shape | None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the output shape for an input shape, batch axis first."""
        raise NotImplementedError

    @property
    def weights(self) -> list[Parameter]:
        """All weights, in the order of `get_weights`."""
        return list(self.parameters)

    @property
    def variables(self) -> list[Parameter]:
        """The same as `weights`."""
        return self.weights

    @property
    def trainable_variables(self) -> list[Parameter]:
        """The same as `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Parameter]:
        """The same as `non_trainable_weights`."""
        return self.non_trainable_weights

    @property
    def output_shape(self) -> Shape:
        """Shape of the output for the input that the layer was built for, batch axis first."""
        if self.built_shape is None:
            raise AttributeError(
                f"layer {self.label!r} has no output_shape before it is built: call "
                "layer.compute_output_shape(input_shape)"
            )
        return self.compute_output_shape(self.built_shape)

    # ---- the graph of which the layer is part ----

    record_in_model: Callable[[], None] | None = None  # calls the layers of a `Sequential`
    takes_several = False  # True if `forward` takes a list of inputs and `backward` returns one
    many_outputs = False  # True if `forward` returns a list, whatever the attributes say
    runs_graph = False  # True for a model as a layer of another one
    call_flags: frozenset[str] = frozenset()  # flags that a call on symbolic tensors may have
    named_by_itself = False  # True if the user gave no name

    @property
    def nodes(self) -> list[Any]:
        """The calls of the layer on symbolic tensors."""
        nodes: list[Any] = self.__dict__.setdefault("_nodes", [])
        return nodes

    @property
    def input(self) -> Any:
        """The symbolic tensor, or list of tensors, on which the layer was called."""
        return only_tensor(self, "input")

    @property
    def output(self) -> Any:
        """The symbolic tensor, or list of tensors, that the call of the layer returned."""
        return only_tensor(self, "output")
