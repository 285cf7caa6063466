"""Gated recurrent unit networks for NumPy, with a C core and Keras's names.

>>> import numpy as np
>>> from gru_c import Sequential, GRU, Dense
>>> X, y = np.random.randn(100, 10, 8), np.random.randn(100)
>>> model = Sequential([GRU(50, input_shape=(10, 8)), Dense(1)])
>>> model.compile(optimizer="adam", loss="mse")
>>> history = model.fit(X, y, epochs=2, verbose=0)
>>> model.predict(X, verbose=0).shape
(100, 1)
"""

import sys as _sys
from importlib import import_module as _import_module
from importlib.util import find_spec as _find_spec

if _find_spec("gru_c._core") is None:
    _folder = __path__[0]
    raise ImportError(
        f"gru_c is not compiled for this Python: run `python -m pip install -e .` in {_folder}/.."
    )

import gru_c.runtime.openmp  # noqa: F401  # isort: skip; before anything else loads the core
from gru_c import (
    activations,
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from gru_c._version import __version__
from gru_c.common.missing_modules import install as _explain_missing_modules
from gru_c.common.missing_names import explain_missing as _explain_missing
from gru_c.data.padding import pad_sequences
from gru_c.data.timeseries import timeseries_dataset
from gru_c.functional import (
    GRUForward,
    GRUGradients,
    LSTMForward,
    LSTMGradients,
    RNNForward,
    RNNGradients,
    gru_backward,
    gru_forward,
    gru_step,
    lstm_backward,
    lstm_forward,
    lstm_step,
    rnn_backward,
    rnn_forward,
    rnn_step,
)
from gru_c.interop.keras_formats import DESCRIPTIONS as _DESCRIPTIONS
from gru_c.interop.keras_formats import KERAS as _KERAS
from gru_c.layers import (
    ELU,
    GRU,
    LSTM,
    RNN,
    Activation,
    ActivityRegularization,
    AveragePooling1D,
    AvgPool1D,
    BatchNormalization,
    Bidirectional,
    Conv1D,
    Convolution1D,
    Cropping1D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    GlobalAveragePooling1D,
    GlobalAvgPool1D,
    GlobalMaxPool1D,
    GlobalMaxPooling1D,
    GRUCell,
    Input,
    Lambda,
    LayerNormalization,
    LeakyReLU,
    LSTMCell,
    Masking,
    MaxPool1D,
    MaxPooling1D,
    Permute,
    PReLU,
    ReLU,
    RepeatVector,
    Reshape,
    SimpleRNN,
    SimpleRNNCell,
    Softmax,
    SpatialDropout1D,
    StackedRNNCells,
    TimeDistributed,
    UpSampling1D,
    ZeroPadding1D,
)
from gru_c.models.loading import SAFETENSORS as _SAFETENSORS
from gru_c.models.loading import load_model, load_predictor
from gru_c.models.model import Model
from gru_c.models.sequential import Sequential
from gru_c.parameters import Parameters
from gru_c.recurrence.plain import GRUTape
from gru_c.recurrence.ragged import RaggedTape
from gru_c.runtime.config import apply_environment as _apply_environment
from gru_c.runtime.config import show_config
from gru_c.runtime.threads import get_num_threads, set_num_threads
from gru_c.saving.formats import register as _register
from gru_c.serving.predictor import Predictor
from gru_c.streaming.stream import Stream
from gru_c.training.history import History

_explain_missing_modules()
_apply_environment()

# Keras's namespaces that most programs do not need are imported on first use.
_NAMESPACES = ("backend", "datasets", "models", "ops", "preprocessing", "utils")
_register(_SAFETENSORS, *_KERAS, descriptions=_DESCRIPTIONS)

# Other names of modules: Keras's, for ``from gru_c.optimizers.schedules import ...``, and those
# that older pickles give for the modules of their classes and functions.
_OTHER_MODULES = {
    "optimizers.schedules": "schedules",
    "initializers.function": "initializers.user_function",
    "losses.function": "losses.user_function",
    "losses.functions": "losses.per_sample",
    "metrics.function": "metrics.user_function",
    "metrics.functions": "metrics.per_sample",
    "metrics.of_losses": "metrics.loss_means",
    "schedules.function": "schedules.user_function",
    "training.doubts": "training.loss_warnings",
}
for _other, _module in _OTHER_MODULES.items():
    _sys.modules[f"{__name__}.{_other}"] = _sys.modules[f"{__name__}.{_module}"]

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

_missing = _explain_missing(__name__, (*__all__, *_NAMESPACES))


def __getattr__(name: str) -> object:
    if name in _NAMESPACES:
        return _import_module(f"{__name__}.{name}")
    return _missing(name)
