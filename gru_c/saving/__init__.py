"""Model files: safetensors files (`files`) and their contents (`contents`)."""

from gru_c.common.user_classes import register_keras_serializable

__all__ = ["register_keras_serializable"]
