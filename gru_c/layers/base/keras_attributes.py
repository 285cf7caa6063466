"""Attributes that layers have in Keras: lists of weights, and shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from gru_c.common.arrays import Shape
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

    @property
    def input(self) -> NoReturn:
        """Keras's tensor, which is not there: raises AttributeError."""
        raise AttributeError(_about_tensor(self.label, "input"))

    @property
    def output(self) -> NoReturn:
        """Keras's tensor, which is not there: raises AttributeError."""
        raise AttributeError(_about_tensor(self.label, "output"))


def _about_tensor(label: str, name: str) -> str:
    return (
        f"layer {label!r} has no {name} tensor: Sequential(model.layers[:n]) is a model that gives "
        f"the output of layer n of another model and shares its weights; built_shape and "
        "output_shape are the layer's shapes"
    )
