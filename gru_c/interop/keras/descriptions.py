"""Descriptions of models without weights, as Keras writes and reads them: ``to_json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gru_c.interop.keras.layers import Origin, model_of
from gru_c.layers import Layer


def is_of_keras(spec: Mapping[str, Any]) -> bool:
    """Return True for a configuration of a model of Keras, or one that is written for Keras."""
    config = spec.get("config")
    layers = config if isinstance(config, list) else (config or {}).get("layers")
    if "keras_version" in spec or spec.get("class_name") in ("Functional", "Model"):
        return True
    specs = [item for item in layers or () if isinstance(item, Mapping)]
    return any("module" in item or item.get("class_name") == "InputLayer" for item in specs) or any(
        "batch_input_shape" in (item.get("config") or {}) for item in specs
    )


def read(
    spec: Mapping[str, Any], custom_objects: Mapping[str, Any]
) -> tuple[list[Layer], dict[str, Any]]:
    """Return new layers, and the configuration of their model without them.

    Parameters
    ----------
    spec : dict
        Keras's configuration of a model, for which `is_of_keras` is true.
    custom_objects : dict
        The user's classes of layers by their names.

    Raises
    ------
    ValueError, TypeError
        If the model is a graph that is no chain, or a layer or an option is unknown.
    """
    config = spec["config"]
    specs = config if isinstance(config, list) else config.get("layers", ())
    is_keras3 = any("module" in item for item in specs if isinstance(item, Mapping))
    version = str(spec.get("keras_version", "3" if is_keras3 else None))
    parsed = model_of(dict(spec), Origin(version, False, custom_objects))
    if parsed.graph is not None:
        raise ValueError(
            "a text of Keras that describes a graph: save the model to a .keras file, which "
            "load_model reads, or call gru_c's to_json"
        )
    dtype = config.get("dtype") if isinstance(config, dict) else None
    return parsed.layers, {
        "name": parsed.name,
        "trainable": parsed.trainable,
        "dtype": dtype if isinstance(dtype, str) else None,
        "build_input_shape": list(parsed.input_shape) or None,
    }
