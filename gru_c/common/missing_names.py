"""Errors for names that a module does not have: what to use instead.

A program written for Keras may use names that gru_c does not have. The error then says what takes
their place, or gives the nearest name.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn

_NO_GRAPH = (
    "a model is a Sequential here: layers in a row. For other networks call layers by hand, as the "
    "guide on layers by hand shows"
)
_ONE_AXIS = "gru_c has layers for sequences: Conv1D and its pooling layers"
_ATTENTION = "write it with NumPy around layers by hand, as examples/translation.py does"

# Advice by the name of the module below gru_c ("" for gru_c itself), and the name that is missing.
ADVICE: Mapping[str, Mapping[str, str]] = {
    "": {
        "Model": _NO_GRAPH,
        "backend": "use NumPy",
        "ops": "use NumPy",
        "random": "use numpy.random, and gru_c.utils.set_random_seed for repeatable programs",
        "applications": "gru_c has no pretrained models",
        "mixed_precision": "weights are float32 or float64: give layers dtype=; for faster "
        "prediction give a GRU inference_weights='bfloat16'",
        "saving": "use model.save and gru_c.load_model",
        "wrappers": "use gru_c.sklearn.GRURegressor or GRUClassifier",
        "distribution": "use gru_c.distributed",
    },
    "models": {
        "Model": _NO_GRAPH,
        "Functional": _NO_GRAPH,
        "save_model": "call model.save(path)",
    },
    "callbacks": {
        "History": "fit returns it: history = model.fit(...)",
        "ProgbarLogger": "give fit verbose=1",
        "RemoteMonitor": "derive a class from gru_c.callbacks.Callback",
    },
    "layers": {
        "LSTM": "use GRU, which has fewer weights for the same task",
        "SimpleRNN": "use GRU",
        "ConvLSTM1D": "use Conv1D before a GRU",
        "CuDNNGRU": "use GRU, which is fast by itself",
        "CuDNNLSTM": "use GRU",
        **dict.fromkeys(("Attention", "AdditiveAttention", "MultiHeadAttention"), _ATTENTION),
        **dict.fromkeys(("Concatenate", "Add", "Multiply", "Average", "Dot", "Maximum"), _NO_GRAPH),
        **dict.fromkeys(("concatenate", "add", "multiply", "average", "dot", "merge"), _NO_GRAPH),
        **dict.fromkeys(("Conv2D", "Conv3D", "MaxPooling2D", "GlobalAveragePooling2D"), _ONE_AXIS),
    },
    "preprocessing": {"image": "gru_c is for sequences: read images with another library"},
    "utils": {
        "multi_gpu_model": "gru_c runs on CPUs: see gru_c.distributed",
        "get_custom_objects": "models of own classes are saved with save_weights",
        "custom_object_scope": "models of own classes are saved with save_weights",
    },
}


def explain_missing(module: str, names: Iterable[str]) -> Callable[[str], NoReturn]:
    """Return a module's ``__getattr__``, which raises AttributeError with what to use instead.

    Parameters
    ----------
    module : str
        The module's ``__name__``.
    names : iterable of str
        Its public names, among which the nearest one is looked for.
    """
    advice = ADVICE.get(module.partition(".")[2], {})

    def getattr_of_module(name: str) -> NoReturn:
        message = f"module {module!r} has no attribute {name!r}"
        if name in advice:
            message += f": {advice[name]}"
        elif not name.startswith("_"):
            nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.7)
            message += f"; did you mean {nearest[0]!r}?" if nearest else ""
        raise AttributeError(message)

    return getattr_of_module
