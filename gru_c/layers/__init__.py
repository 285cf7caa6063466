"""The layers of models; most have a module to themselves.

Layers on texts and categories are imported when they are used.
"""

from typing import TYPE_CHECKING

from gru_c.layers.activation import Activation
from gru_c.layers.base import Layer
from gru_c.layers.bidirectional import Bidirectional
from gru_c.layers.dense import Dense
from gru_c.layers.dropout import Dropout
from gru_c.layers.embedding import Embedding
from gru_c.layers.gru import GRU
from gru_c.layers.input import Input
from gru_c.layers.layer_normalization import LayerNormalization
from gru_c.layers.masking import Masking
from gru_c.layers.reshape import Flatten, RepeatVector
from gru_c.layers.table import LayerTable

if TYPE_CHECKING:
    from gru_c.layers.lookup import IntegerLookup, StringLookup
    from gru_c.layers.normalization import Normalization, Rescaling
    from gru_c.layers.text_vectorization import TextVectorization

__all__ = [
    "GRU",
    "LAYERS",
    "Activation",
    "Bidirectional",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "Input",
    "IntegerLookup",
    "Layer",
    "LayerNormalization",
    "Masking",
    "Normalization",
    "RepeatVector",
    "Rescaling",
    "StringLookup",
    "TextVectorization",
]

_CLASSES: tuple[type[Layer], ...] = (
    GRU,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    LayerNormalization,
    Activation,
    RepeatVector,
    Flatten,
    Masking,
)
# Most models have none of these, and their modules take some milliseconds to import.
_MODULES = {
    "IntegerLookup": "gru_c.layers.lookup",
    "Normalization": "gru_c.layers.normalization",
    "Rescaling": "gru_c.layers.normalization",
    "StringLookup": "gru_c.layers.lookup",
    "TextVectorization": "gru_c.layers.text_vectorization",
}
# The classes that a saved model may name.
LAYERS = LayerTable(_CLASSES, _MODULES)


def __getattr__(name: str) -> type[Layer]:
    if name in _MODULES:
        return LAYERS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
