"""The models that users build and train, and their loading, summary and profile."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gru_c.common.missing_names import explain_missing
from gru_c.models.cloning import clone_model, model_from_config, model_from_json
from gru_c.models.loading import load_model, load_predictor
from gru_c.models.model import Model
from gru_c.models.sequential import Sequential

if TYPE_CHECKING:
    from gru_c.models.functional import Functional

__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "load_predictor",
    "model_from_config",
    "model_from_json",
]

_missing = explain_missing(__name__, __all__)


def __getattr__(name: str) -> Any:
    if name == "Functional":  # few programs use it
        return import_module("gru_c.models.functional").Functional
    return _missing(name)
