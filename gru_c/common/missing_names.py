"""Errors for names that a module does not have: what to use instead.

A program written for Keras may use names that gru_c does not have. The error then says what takes
their place, or gives the nearest name.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterable, Mapping
from types import FrameType
from typing import NoReturn

from gru_c.common.keras_names import OTHERS

_NO_SESSION = "gru_c has no sessions, so leave this call out"
_PHASE = "call a model or a layer with training=True or training=False"
_ONE_AXIS = "gru_c has layers for sequences: Conv1D and its pooling layers"
# Advice for the other names of Keras that a module does not have.
_OTHERWISE = {
    "layers": "write it with Lambda, or derive a class from gru_c.layers.Layer",
    "losses": "give compile a function f(y_true, y_pred) that returns (value, gradient)",
    "metrics": "derive a class from gru_c.metrics.Metric, or give compile a function",
    "optimizers": "use Adam, AdamW or another one of gru_c.optimizers",
    "activations": "give the layer a gru_c.layers.Lambda after it",
    "initializers": "give a function f(shape, dtype, rng) that returns an array",
    "callbacks": "derive a class from gru_c.callbacks.Callback",
}

# Advice by the name of the module below gru_c ("" for gru_c itself), and the name that is missing.
ADVICE: Mapping[str, Mapping[str, str]] = {
    "": {
        "config": "gru_c.backend has floatx and epsilon",
        "random": "use numpy.random, and gru_c.utils.set_random_seed for repeatable programs",
        "applications": "gru_c has no pretrained models",
        "mixed_precision": "weights are float32 or float64: give layers dtype=; for faster "
        "prediction give a GRU inference_weights='bfloat16'",
        "saving": "use model.save and gru_c.load_model",
        "wrappers": "use gru_c.sklearn.GRURegressor or GRUClassifier",
        "distribution": "use gru_c.distributed",
    },
    "backend": {
        **dict.fromkeys(("eval", "batch_get_value"), "call numpy() of the weight or the number"),
        **dict.fromkeys(("set_session", "get_session", "tensorflow_backend"), _NO_SESSION),
        **dict.fromkeys(("set_learning_phase", "learning_phase"), _PHASE),
        "set_image_data_format": "channels are always last",
    },
    "models": {
        "save_model": "call model.save(path)",
    },
    "callbacks": {
        "History": "fit returns it: history = model.fit(...)",
        "ProgbarLogger": "give fit verbose=1",
    },
    "metrics": {"Mean": "use numpy.mean", "Sum": "use numpy.sum"},
    "layers": {
        "ConvLSTM1D": "use Conv1D before a GRU",
        "CuDNNGRU": "use GRU, which is fast by itself",
        "CuDNNLSTM": "use LSTM, which is fast by itself",
        **dict.fromkeys(("Conv2D", "Conv3D", "MaxPooling2D", "GlobalAveragePooling2D"), _ONE_AXIS),
    },
    "preprocessing": {"image": "gru_c is for sequences: read images with another library"},
    "utils": {
        "multi_gpu_model": "gru_c runs on CPUs: see gru_c.distributed",
        "vis_utils": "its function is in gru_c.utils: from gru_c.utils import plot_model",
        "data_utils": "its functions are in gru_c.utils: get_file and Sequence",
        **dict.fromkeys(
            ("get_custom_objects", "custom_object_scope", "CustomObjectScope"),
            "give gru_c.load_model custom_objects={name: class}",
        ),
        "register_keras_serializable": "leave it out, and give gru_c.load_model "
        "custom_objects={name: class}",
    },
}


def explain_missing(module: str, names: Iterable[str]) -> Callable[[str], NoReturn]:
    """Return a module's ``__getattr__``, which raises an error with what to use instead.

    The error is an AttributeError, or an ImportError in ``from module import name``, for which
    Python would replace the message of an AttributeError by its own.

    Parameters
    ----------
    module : str
        The module's ``__name__``.
    names : iterable of str
        Its public names, among which the nearest one is looked for.
    """
    room = module.partition(".")[2]
    advice = ADVICE.get(room, {})

    def getattr_of_module(name: str) -> NoReturn:
        words = ""
        if name in advice:
            words = f": {advice[name]}"
        elif "2D" in name or "3D" in name:
            words = f": {_ONE_AXIS}"
        elif name.lower().replace("_", "") in OTHERS:
            words = ": Keras has it, gru_c does not"
            words += f"; {_OTHERWISE[room]}" if room in _OTHERWISE else ""
        elif not name.startswith("_"):
            import difflib  # takes 2 ms

            nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.7)
            words = f"; did you mean {nearest[0]!r}?" if nearest else ""
            if room == "backend" and not nearest:
                words = ": use NumPy"
        if _is_import(sys._getframe(1)):
            raise ImportError(f"cannot import name {name!r} from {module!r}{words}", name=name)
        raise AttributeError(f"module {module!r} has no attribute {name!r}{words}")

    return getattr_of_module


def _is_import(frame: FrameType) -> bool:
    """Return True if a frame executes ``from module import name``."""
    if frame.f_code.co_name == "__getattr__" and frame.f_back is not None:  # of the package
        frame = frame.f_back
    code = frame.f_code.co_code
    return frame.f_lasti >= 0 and dis.opname[code[frame.f_lasti]] == "IMPORT_FROM"
