"""The table of the layers' classes, and layers from their descriptions in it."""

from __future__ import annotations

from gru_c.common.registry import Registry
from gru_c.layers.base import Layer

# The classes that a saved model may name. `gru_c.layers` fills it.
LAYERS: dict[str, type[Layer]] = {}
# The classes that the cell of an `RNN` may have.
CELLS: dict[str, type[Layer]] = {}


def layer_of(spec: object) -> Layer:
    """Return a layer unchanged, or make the layer that a dict of `serialize` describes.

    Raises
    ------
    TypeError, ValueError
        If `spec` is something else, or its class is not in the table.
    """
    return Registry("layer", LAYERS, Layer).get(spec)


def cell_of(spec: object) -> Layer:
    """Return a cell unchanged, or make the cell that a dict of `serialize` describes."""
    return Registry("cell", CELLS, Layer).get(spec)
