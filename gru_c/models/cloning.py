"""New models with the layers of others, and new weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from gru_c.layers import Layer
from gru_c.models.sequential import Sequential


def clone_model(model: Any, clone_function: Callable[[Layer], Layer] | None = None) -> Any:
    """Return a new model with the same layers and new weights, which is not compiled.

    Parameters
    ----------
    model : Sequential
    clone_function : callable, optional
        Returns the new layer for a layer; by default one of the same class and arguments.

    Raises
    ------
    TypeError
        If `model` is not a Sequential, or `clone_function` does not return a layer.

    Examples
    --------
    >>> from gru_c import Dense, GRU, Sequential
    >>> from gru_c.models import clone_model
    >>> model = Sequential([GRU(50, input_shape=(10, 8)), Dense(1)])
    >>> clone_model(model)
    <Sequential 'sequential': gru, dense>
    """
    if vars(model).get("graph") is not None:
        if clone_function is not None:
            raise ValueError("clone_function is for a Sequential: a Model is cloned as it is")
        return type(model).from_config(model.get_config())
    if not isinstance(model, Sequential):
        raise TypeError(f"clone_model wants a Sequential, got {type(model).__name__}")
    layers = [(clone_function or _clone)(layer) for layer in model.layers]
    return type(model)._of_layers(layers, model.get_config())


def _clone(layer: Layer) -> Layer:
    return type(layer)(**layer.get_config())


def model_from_json(
    json_string: str, custom_objects: Mapping[str, type[Layer]] | None = None
) -> Any:
    """Return a new model with the layers that ``to_json`` wrote, with new weights.

    Parameters
    ----------
    json_string : str
        The text of `Sequential.to_json`, or of Keras: of a Sequential, or of another model that
        is a chain of layers.
    custom_objects : dict, optional
        The user's classes of layers, initializers, regularizers and constraints by their names.

    Raises
    ------
    ValueError, TypeError
        If the text is not JSON of a Sequential, or a layer or an option of Keras is unknown.

    Examples
    --------
    >>> from gru_c import Dense, GRU, Sequential
    >>> from gru_c.models import model_from_json
    >>> model = Sequential([GRU(50, input_shape=(10, 8)), Dense(1)])
    >>> model_from_json(model.to_json())
    <Sequential 'sequential': gru, dense>
    """
    return model_from_config(json.loads(json_string), custom_objects)


def model_from_config(
    config: Mapping[str, Any], custom_objects: Mapping[str, type[Layer]] | None = None
) -> Any:
    """Return the same for the dict that the JSON text stands for."""
    names = ("Sequential", "Functional", "Model")
    is_model = isinstance(config, Mapping) and config.get("class_name") in names
    if not is_model or not isinstance(config.get("config"), (Mapping, list)):
        raise ValueError("a model's configuration has the class_name 'Sequential' and a config")
    if isinstance(config["config"], Mapping) and "graph" in config["config"]:
        from gru_c.models.functional import Functional  # here, because few programs use it

        return Functional.from_config(config["config"], custom_objects)
    return Sequential._of_spec(config, custom_objects)
