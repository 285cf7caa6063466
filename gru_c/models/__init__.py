"""The models that users build and train, and their loading, summary and profile."""

from gru_c.common.missing_names import explain_missing
from gru_c.models.cloning import clone_model, model_from_config, model_from_json
from gru_c.models.functional import Functional
from gru_c.models.loading import load_model, load_predictor
from gru_c.models.model import Model
from gru_c.models.sequential import Sequential

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

__getattr__ = explain_missing(__name__, __all__)
