"""The base class of layers that apply an activation function."""

from __future__ import annotations

from typing import ClassVar

from gru_c.activations import Activation
from gru_c.layers.base.layer import FIXED, Layer


class ActivatedLayer(Layer):
    """A layer whose output an activation function computes, ``self._activation``."""

    _advice: ClassVar = {**Layer._advice, "activation": FIXED, "activation_function": FIXED}
    _activation: Activation

    @property
    def activation(self) -> str:
        """Name of the activation."""
        return self._activation.name

    @property
    def activation_function(self) -> Activation:
        """The activation function, an `Activation` of `gru_c.activations`."""
        return self._activation
