"""The layers of models; most have a module to themselves.

Layers on texts and categories are imported when they are used.
"""

from typing import TYPE_CHECKING

from gru_c.common.missing_names import explain_missing
from gru_c.layers.activation import Activation
from gru_c.layers.base import Layer
from gru_c.layers.batch_normalization import BatchNormalization
from gru_c.layers.bidirectional import Bidirectional
from gru_c.layers.convolution import Conv1D
from gru_c.layers.dense import Dense
from gru_c.layers.dropout import Dropout
from gru_c.layers.embedding import Embedding
from gru_c.layers.gru import GRU
from gru_c.layers.input import Input
from gru_c.layers.layer_normalization import LayerNormalization
from gru_c.layers.masking import Masking
from gru_c.layers.pooling import (
    AveragePooling1D,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
)
from gru_c.layers.reshape import Flatten, RepeatVector
from gru_c.layers.table import LayerTable
from gru_c.layers.time_resizing import Cropping1D, UpSampling1D, ZeroPadding1D

if TYPE_CHECKING:
    from gru_c.layers.lookup import IntegerLookup, StringLookup
    from gru_c.layers.normalization import Normalization, Rescaling
    from gru_c.layers.text_vectorization import TextVectorization

__all__ = [
    "GRU",
    "LAYERS",
    "Activation",
    "AveragePooling1D",
    "AvgPool1D",
    "BatchNormalization",
    "Bidirectional",
    "Conv1D",
    "Convolution1D",
    "Cropping1D",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePooling1D",
    "GlobalAvgPool1D",
    "GlobalMaxPool1D",
    "GlobalMaxPooling1D",
    "Input",
    "InputLayer",
    "IntegerLookup",
    "Layer",
    "LayerNormalization",
    "Masking",
    "MaxPool1D",
    "MaxPooling1D",
    "Normalization",
    "RepeatVector",
    "Rescaling",
    "StringLookup",
    "TextVectorization",
    "UpSampling1D",
    "ZeroPadding1D",
]

InputLayer = Input

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
    Conv1D,
    MaxPooling1D,
    AveragePooling1D,
    GlobalMaxPooling1D,
    GlobalAveragePooling1D,
    ZeroPadding1D,
    Cropping1D,
    UpSampling1D,
    BatchNormalization,
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

# Keras's other names.
Convolution1D = Conv1D
MaxPool1D = MaxPooling1D
AvgPool1D = AveragePooling1D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalAvgPool1D = GlobalAveragePooling1D

_missing = explain_missing(__name__, __all__)


def __getattr__(name: str) -> type[Layer]:
    if name in _MODULES:
        return LAYERS[name]
    return _missing(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
