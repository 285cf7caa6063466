"""Trained models that only predict."""

from gru_c.serving.predictor import Predictor

__all__ = ["Predictor"]
