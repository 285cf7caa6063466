"""The table of layer classes by name, and layers from their descriptions in it."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping

from gru_c.common.registry import Registry
from gru_c.layers.base.layer import Layer


class LayerTable(Mapping[str, type[Layer]]):
    """Layer classes by name.

    Parameters
    ----------
    modules : dict of str to str
        Names of layer classes, and the module of each, which is imported on first use.
    """

    def __init__(self, modules: Mapping[str, str]) -> None:
        self.modules = modules
        self._classes: dict[str, type[Layer]] = {}

    def add(self, classes: Iterable[type[Layer]]) -> None:
        """Add classes under their names."""
        self._classes |= {cls.__name__: cls for cls in classes}

    def __getitem__(self, name: str) -> type[Layer]:
        if name not in self._classes and name in self.modules:
            self._classes[name] = getattr(importlib.import_module(self.modules[name]), name)
        return self._classes[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._classes, **self.modules})

    def __len__(self) -> int:
        return len(self._classes.keys() | self.modules.keys())


# The classes that a saved model may name; `gru_c.layers` adds most of them. Few models have one of
# those given here by their modules, which take some milliseconds to import.
_MERGING = ("Concatenate", "Dot")
_ELEMENTWISE = ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract")
LAYERS = LayerTable(
    {
        **dict.fromkeys(_MERGING, "gru_c.layers.merging"),
        **dict.fromkeys(_ELEMENTWISE, "gru_c.layers.elementwise_merging"),
        "AdditiveAttention": "gru_c.layers.attention",
        "Attention": "gru_c.layers.attention",
        "IntegerLookup": "gru_c.layers.lookup",
        "MultiHeadAttention": "gru_c.layers.multi_head_attention",
        "Normalization": "gru_c.layers.normalization",
        "Rescaling": "gru_c.layers.normalization",
        "StringLookup": "gru_c.layers.lookup",
        "TextVectorization": "gru_c.layers.text_vectorization",
    }
)

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
