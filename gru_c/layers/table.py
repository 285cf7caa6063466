"""The table of the layers' classes, and layers from their descriptions in it."""

from __future__ import annotations

from gru_c.common.registry import Registry
from gru_c.layers.base import Layer

# The classes that a saved model may name. `gru_c.layers` fills it.
LAYERS: dict[str, type[Layer]] = {}


def layer_of(spec: object) -> Layer:
    """Return a layer unchanged, or make the layer that a dict of `serialize` describes.

    Raises
    ------
    TypeError, ValueError
        If `spec` is something else, or its class is not in the table.
    """
    return Registry("layer", LAYERS, Layer).get(spec)
