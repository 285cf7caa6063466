"""The layers of models; most have a module to themselves.

Layers on texts and categories are imported when they are used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gru_c.common.missing_names import explain_missing
from gru_c.common.registry import public_classes
from gru_c.layers.activation import Activation
from gru_c.layers.activity_regularization import ActivityRegularization
from gru_c.layers.base import Layer
from gru_c.layers.base.layer_table import CELLS, LAYERS
from gru_c.layers.batch_normalization import BatchNormalization
from gru_c.layers.bidirectional import Bidirectional
from gru_c.layers.convolution import Conv1D
from gru_c.layers.dense import Dense
from gru_c.layers.dropout import Dropout
from gru_c.layers.embedding import Embedding
from gru_c.layers.gru import GRU
from gru_c.layers.input import Input
from gru_c.layers.lambda_layer import Lambda
from gru_c.layers.layer_normalization import LayerNormalization
from gru_c.layers.lstm import LSTM
from gru_c.layers.masking import Masking
from gru_c.layers.noise import GaussianDropout, GaussianNoise, SpatialDropout1D
from gru_c.layers.pooling import (
    AveragePooling1D,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
)
from gru_c.layers.rectifiers import ELU, LeakyReLU, PReLU, ReLU
from gru_c.layers.reshape import Flatten, Permute, RepeatVector, Reshape
from gru_c.layers.rnn import RNN
from gru_c.layers.rnn_cells import GRUCell, LSTMCell, SimpleRNNCell, StackedRNNCells
from gru_c.layers.simple_rnn import SimpleRNN
from gru_c.layers.softmax import Softmax
from gru_c.layers.time_distributed import TimeDistributed
from gru_c.layers.time_resizing import Cropping1D, UpSampling1D, ZeroPadding1D

if TYPE_CHECKING:
    from gru_c.layers.elementwise_merging import (
        Add,
        Average,
        Maximum,
        Minimum,
        Multiply,
        Subtract,
    )
    from gru_c.layers.lookup import IntegerLookup, StringLookup
    from gru_c.layers.merging import (
        Concatenate,
        Dot,
        add,
        average,
        concatenate,
        dot,
        maximum,
        minimum,
        multiply,
        subtract,
    )
    from gru_c.layers.normalization import Normalization, Rescaling
    from gru_c.layers.text_vectorization import TextVectorization

__all__ = [
    "CELLS",
    "ELU",
    "GRU",
    "LAYERS",
    "LSTM",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "Add",
    "AdditiveAttention",
    "Attention",
    "Average",
    "AveragePooling1D",
    "AvgPool1D",
    "BatchNormalization",
    "Bidirectional",
    "Concatenate",
    "Conv1D",
    "Convolution1D",
    "Cropping1D",
    "Dense",
    "Dot",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAvgPool1D",
    "GlobalMaxPool1D",
    "GlobalMaxPooling1D",
    "Input",
    "InputLayer",
    "IntegerLookup",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPool1D",
    "MaxPooling1D",
    "Maximum",
    "Minimum",
    "MultiHeadAttention",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "SpatialDropout1D",
    "StackedRNNCells",
    "StringLookup",
    "Subtract",
    "TextVectorization",
    "TimeDistributed",
    "UpSampling1D",
    "ZeroPadding1D",
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]

InputLayer = Input

_CELLS = (GRUCell, LSTMCell, SimpleRNNCell, StackedRNNCells)
CELLS.update({cls.__name__: cls for cls in _CELLS})
_NOT_IN_FILES = (Input, Lambda, *CELLS.values())  # as layers of a model
LAYERS.add(cls for cls in public_classes(globals(), Layer) if cls not in _NOT_IN_FILES)

# Keras's other names.
Convolution1D = Conv1D
MaxPool1D = MaxPooling1D
AvgPool1D = AveragePooling1D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalAvgPool1D = GlobalAveragePooling1D

_missing = explain_missing(__name__, __all__)


_FUNCTIONS = ["add", "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract"]


def __getattr__(name: str) -> Any:
    if name in _FUNCTIONS:
        return getattr(import_module("gru_c.layers.merging"), name)
    return LAYERS[name] if name in LAYERS.modules else _missing(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *LAYERS.modules, *_FUNCTIONS})
