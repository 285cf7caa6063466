"""The methods and attributes of a model that its `Predictor` refuses, with advice."""

from __future__ import annotations

from collections.abc import Mapping

_TRAIN = "it cannot be trained: train the model and call model.freeze() again"
_CHANGE = "its weights cannot be changed: change those of the model and call model.freeze() again"
_ASK = "it only predicts: ask the model"

REFUSED: Mapping[str, str] = {
    **dict.fromkeys(
        ("fit", "fit_generator", "train_on_batch", "compile", "optimizer", "loss", "backward"),
        _TRAIN,
    ),
    **dict.fromkeys(
        ("set_weights", "load_weights", "add", "pop", "build", "trainable", "parameters"), _CHANGE
    ),
    **dict.fromkeys(
        (
            "evaluate",
            "test_on_batch",
            "metrics",
            "layers",
            "get_layer",
            "get_weights",
            "weights",
            "summary",
            "profile",
            "count_params",
            "history",
            "get_config",
            "to_json",
            "save",
            "save_weights",
        ),
        _ASK,
    ),
    "freeze": "so it cannot be frozen again",
    "reset_states": "it has no states: predictor.stream() makes a stream, which has",
    "predict_on_batch": "call it, or its predict: each call is one batch",
}
