"""The names of the package with their types; __init__.py imports each on first use."""

from gru_c import (
    activations as activations,
)
from gru_c import (
    backend as backend,
)
from gru_c import (
    callbacks as callbacks,
)
from gru_c import (
    constraints as constraints,
)
from gru_c import (
    datasets as datasets,
)
from gru_c import (
    initializers as initializers,
)
from gru_c import (
    layers as layers,
)
from gru_c import (
    losses as losses,
)
from gru_c import (
    metrics as metrics,
)
from gru_c import (
    models as models,
)
from gru_c import (
    ops as ops,
)
from gru_c import (
    optimizers as optimizers,
)
from gru_c import (
    preprocessing as preprocessing,
)
from gru_c import (
    regularizers as regularizers,
)
from gru_c import (
    schedules as schedules,
)
from gru_c import (
    utils as utils,
)
from gru_c._version import __version__ as __version__
from gru_c.data.padding import (
    pad_sequences as pad_sequences,
)
from gru_c.data.timeseries import (
    timeseries_dataset as timeseries_dataset,
)
from gru_c.functional import (
    GRUForward as GRUForward,
)
from gru_c.functional import (
    GRUGradients as GRUGradients,
)
from gru_c.functional import (
    LSTMForward as LSTMForward,
)
from gru_c.functional import (
    LSTMGradients as LSTMGradients,
)
from gru_c.functional import (
    RNNForward as RNNForward,
)
from gru_c.functional import (
    RNNGradients as RNNGradients,
)
from gru_c.functional import (
    gru_backward as gru_backward,
)
from gru_c.functional import (
    gru_forward as gru_forward,
)
from gru_c.functional import (
    gru_step as gru_step,
)
from gru_c.functional import (
    lstm_backward as lstm_backward,
)
from gru_c.functional import (
    lstm_forward as lstm_forward,
)
from gru_c.functional import (
    lstm_step as lstm_step,
)
from gru_c.functional import (
    rnn_backward as rnn_backward,
)
from gru_c.functional import (
    rnn_forward as rnn_forward,
)
from gru_c.functional import (
    rnn_step as rnn_step,
)
from gru_c.layers import (
    ELU as ELU,
)
from gru_c.layers import (
    GRU as GRU,
)
from gru_c.layers import (
    LSTM as LSTM,
)
from gru_c.layers import (
    RNN as RNN,
)
from gru_c.layers import (
    Activation as Activation,
)
from gru_c.layers import (
    ActivityRegularization as ActivityRegularization,
)
from gru_c.layers import (
    AveragePooling1D as AveragePooling1D,
)
from gru_c.layers import (
    AvgPool1D as AvgPool1D,
)
from gru_c.layers import (
    BatchNormalization as BatchNormalization,
)
from gru_c.layers import (
    Bidirectional as Bidirectional,
)
from gru_c.layers import (
    Conv1D as Conv1D,
)
from gru_c.layers import (
    Convolution1D as Convolution1D,
)
from gru_c.layers import (
    Cropping1D as Cropping1D,
)
from gru_c.layers import (
    Dense as Dense,
)
from gru_c.layers import (
    Dropout as Dropout,
)
from gru_c.layers import (
    Embedding as Embedding,
)
from gru_c.layers import (
    Flatten as Flatten,
)
from gru_c.layers import (
    GaussianDropout as GaussianDropout,
)
from gru_c.layers import (
    GaussianNoise as GaussianNoise,
)
from gru_c.layers import (
    GlobalAveragePooling1D as GlobalAveragePooling1D,
)
from gru_c.layers import (
    GlobalAvgPool1D as GlobalAvgPool1D,
)
from gru_c.layers import (
    GlobalMaxPool1D as GlobalMaxPool1D,
)
from gru_c.layers import (
    GlobalMaxPooling1D as GlobalMaxPooling1D,
)
from gru_c.layers import (
    GRUCell as GRUCell,
)
from gru_c.layers import (
    Input as Input,
)
from gru_c.layers import (
    Lambda as Lambda,
)
from gru_c.layers import (
    LayerNormalization as LayerNormalization,
)
from gru_c.layers import (
    LeakyReLU as LeakyReLU,
)
from gru_c.layers import (
    LSTMCell as LSTMCell,
)
from gru_c.layers import (
    Masking as Masking,
)
from gru_c.layers import (
    MaxPool1D as MaxPool1D,
)
from gru_c.layers import (
    MaxPooling1D as MaxPooling1D,
)
from gru_c.layers import (
    Permute as Permute,
)
from gru_c.layers import (
    PReLU as PReLU,
)
from gru_c.layers import (
    ReLU as ReLU,
)
from gru_c.layers import (
    RepeatVector as RepeatVector,
)
from gru_c.layers import (
    Reshape as Reshape,
)
from gru_c.layers import (
    SimpleRNN as SimpleRNN,
)
from gru_c.layers import (
    SimpleRNNCell as SimpleRNNCell,
)
from gru_c.layers import (
    Softmax as Softmax,
)
from gru_c.layers import (
    SpatialDropout1D as SpatialDropout1D,
)
from gru_c.layers import (
    StackedRNNCells as StackedRNNCells,
)
from gru_c.layers import (
    TimeDistributed as TimeDistributed,
)
from gru_c.layers import (
    UpSampling1D as UpSampling1D,
)
from gru_c.layers import (
    ZeroPadding1D as ZeroPadding1D,
)
from gru_c.models.loading import (
    load_model as load_model,
)
from gru_c.models.loading import (
    load_predictor as load_predictor,
)
from gru_c.models.model import (
    Model as Model,
)
from gru_c.models.sequential import (
    Sequential as Sequential,
)
from gru_c.parameters import (
    Parameters as Parameters,
)
from gru_c.recurrence.plain import (
    GRUTape as GRUTape,
)
from gru_c.recurrence.ragged import (
    RaggedTape as RaggedTape,
)
from gru_c.runtime.config import (
    show_config as show_config,
)
from gru_c.runtime.threads import (
    get_num_threads as get_num_threads,
)
from gru_c.runtime.threads import (
    set_num_threads as set_num_threads,
)
from gru_c.serving.predictor import (
    Predictor as Predictor,
)
from gru_c.streaming.stream import (
    Stream as Stream,
)
from gru_c.training.history import (
    History as History,
)

__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "ActivityRegularization",
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
    "GRUCell",
    "GRUForward",
    "GRUGradients",
    "GRUTape",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAvgPool1D",
    "GlobalMaxPool1D",
    "GlobalMaxPooling1D",
    "History",
    "Input",
    "LSTMCell",
    "LSTMForward",
    "LSTMGradients",
    "Lambda",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPool1D",
    "MaxPooling1D",
    "Model",
    "PReLU",
    "Parameters",
    "Permute",
    "Predictor",
    "RNNForward",
    "RNNGradients",
    "RaggedTape",
    "ReLU",
    "RepeatVector",
    "Reshape",
    "Sequential",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "SpatialDropout1D",
    "StackedRNNCells",
    "Stream",
    "TimeDistributed",
    "UpSampling1D",
    "ZeroPadding1D",
    "__version__",
    "activations",
    "callbacks",
    "constraints",
    "get_num_threads",
    "gru_backward",
    "gru_forward",
    "gru_step",
    "initializers",
    "layers",
    "load_model",
    "load_predictor",
    "losses",
    "lstm_backward",
    "lstm_forward",
    "lstm_step",
    "metrics",
    "optimizers",
    "pad_sequences",
    "regularizers",
    "rnn_backward",
    "rnn_forward",
    "rnn_step",
    "schedules",
    "set_num_threads",
    "show_config",
    "timeseries_dataset",
]
