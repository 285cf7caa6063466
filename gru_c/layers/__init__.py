"""The layers of models; most have a module to themselves."""

from gru_c.layers.activation import Activation
from gru_c.layers.activity_regularization import ActivityRegularization
from gru_c.layers.base import Layer
from gru_c.layers.bidirectional import Bidirectional
from gru_c.layers.dense import Dense
from gru_c.layers.dropout import Dropout
from gru_c.layers.embedding import Embedding
from gru_c.layers.gru import GRU
from gru_c.layers.input import Input
from gru_c.layers.lambda_layer import Lambda
from gru_c.layers.layer_normalization import LayerNormalization
from gru_c.layers.masking import Masking
from gru_c.layers.reshape import Flatten, RepeatVector
from gru_c.layers.rnn import RNN
from gru_c.layers.rnn_cells import GRUCell, StackedRNNCells
from gru_c.layers.table import CELLS, LAYERS
from gru_c.layers.time_distributed import TimeDistributed

__all__ = [
    "CELLS",
    "GRU",
    "LAYERS",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "Bidirectional",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "Input",
    "InputLayer",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "Masking",
    "RepeatVector",
    "StackedRNNCells",
    "TimeDistributed",
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
    TimeDistributed,
    ActivityRegularization,
    RNN,
)
LAYERS.update({cls.__name__: cls for cls in _CLASSES})
CELLS.update(GRUCell=GRUCell, StackedRNNCells=StackedRNNCells)
