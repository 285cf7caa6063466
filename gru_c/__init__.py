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

from importlib import import_module as _import_module
from importlib.util import find_spec as _find_spec

if _find_spec("gru_c._core") is None:
    _folder = __path__[0]
    raise ImportError(
        f"gru_c is not compiled for this Python: run `python -m pip install -e .` in {_folder}/.."
    )

import gru_c.runtime.openmp  # noqa: F401  # isort: skip; before anything else loads the core
from gru_c._version import __version__ as __version__
from gru_c.common.missing_modules import install as _install_finder
from gru_c.common.missing_names import explain_missing as _explain_missing
from gru_c.runtime.config import apply_environment as _apply_environment
from gru_c.saving.formats import register as _register

_install_finder()
_apply_environment()

# Public names by the modules that define them. They are imported on first use, so that a program
# pays for what it needs: `import gru_c` for nothing else, `gru_c.gru_step` for the functions alone.
# __init__.pyi has the same names with their types.
_HOMES = {
    "layers": (
        "ELU GRU LSTM RNN Activation ActivityRegularization AveragePooling1D AvgPool1D "
        "BatchNormalization Bidirectional Conv1D Convolution1D Cropping1D Dense Dropout "
        "Embedding Flatten GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D "
        "GlobalAvgPool1D GlobalMaxPool1D GlobalMaxPooling1D Input LSTMCell Lambda "
        "LayerNormalization LeakyReLU Masking MaxPool1D MaxPooling1D PReLU Permute ReLU "
        "RepeatVector Reshape SimpleRNN SimpleRNNCell Softmax SpatialDropout1D "
        "StackedRNNCells TimeDistributed UpSampling1D ZeroPadding1D"
    ),
    "functional": (
        "GRUForward GRUGradients LSTMForward LSTMGradients RNNForward RNNGradients "
        "gru_backward gru_forward gru_step lstm_backward lstm_forward lstm_step rnn_backward "
        "rnn_forward rnn_step"
    ),
    "recurrence.plain": "GRUTape",
    "training.history": "History",
    "parameters": "Parameters",
    "serving.predictor": "Predictor",
    "recurrence.ragged": "RaggedTape",
    "models.model": "Model",
    "models.sequential": "Sequential",
    "streaming.stream": "Stream",
    "runtime.threads": "get_num_threads set_num_threads",
    "models.loading": "load_model load_predictor",
    "data.padding": "pad_sequences",
    "runtime.config": "show_config",
    "data.timeseries": "timeseries_dataset",
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names.split()}
_PUBLIC_MODULES = (
    *("activations", "callbacks", "constraints", "initializers", "layers", "losses", "metrics"),
    *("optimizers", "regularizers", "schedules"),
)
# Modules that are attributes of the package without an import of their own: also Keras's other
# namespaces, and the rooms that a program reaches into.
_MODULES = (
    *(*_PUBLIC_MODULES, "backend", "datasets", "models", "ops", "preprocessing", "utils"),
    *("common", "data", "functional", "interop", "network", "parameters", "recurrence"),
    *("saving", "serving", "streaming", "training"),
)


def _formats():
    """Return the formats of model files and the functions for descriptions of models."""
    from gru_c.interop.keras_formats import DESCRIPTIONS, KERAS
    from gru_c.models.loading import SAFETENSORS

    return (SAFETENSORS, *KERAS), DESCRIPTIONS


_register(_formats)

__all__ = sorted((*_MODULE_OF, *_PUBLIC_MODULES, "__version__"))

_missing = _explain_missing(__name__, (*__all__, *_MODULES))


def __getattr__(name):
    if name in _MODULE_OF:
        value = getattr(_import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    elif name in _MODULES:
        value = _import_module(f"{__name__}.{name}")
    else:
        return _missing(name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__, *_MODULES})
