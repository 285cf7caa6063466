"""A network that describes its layers and configuration, as Keras's models do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any, TypeVar, cast

from gru_c.common.attributes import assign
from gru_c.common.registry import Registry, serialize
from gru_c.common.user_classes import classes_of_user, with_registered
from gru_c.common.validation import check_integer, check_sample_shape
from gru_c.layers import LAYERS, Layer
from gru_c.models.files import SavedModel
from gru_c.saving.files import plain_config
from gru_c.saving.formats import descriptions

Self = TypeVar("Self", bound="DescribedModel")


class DescribedModel(SavedModel):
    """Base of `Sequential`: everything but training."""

    _kind = False  # for the checks of attributes, `Network` is the base of the kind

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """Return the layer of that name or number, or the model that is a layer of this one.

        Parameters
        ----------
        name : str
            Give this or `index`.
        index : int
            Number of the layer, from 0; negative numbers count from the end.

        Raises
        ------
        ValueError, TypeError
            If there is no such layer, or not exactly one argument.

        Examples
        --------
        >>> from gru_c import Dense, GRU, Sequential
        >>> model = Sequential([GRU(50, input_shape=(10, 8)), Dense(1)])
        >>> model.get_layer("gru") is model.get_layer(index=0)
        True
        """
        if (name is None) == (index is None):
            raise ValueError(f"get_layer wants a name or an index, got {name!r} and {index!r}")
        if index is not None:
            count = len(self.layers)
            number = check_integer("get_layer: index", index, None)
            if not -count <= number < count:
                raise ValueError(f"get_layer: the model has {count} layers, got index={number}")
            return _shown(self.layers[number])
        for layer in self.layers:
            if layer.name == name:
                return _shown(layer)
        known = ", ".join(repr(layer.name) for layer in self.layers)
        raise ValueError(f"the model has no layer named {name!r}; it has {known or 'none'}")

    @property
    def metrics_names(self) -> list[str]:
        """Names of the values that `evaluate` returns; [] before `compile`."""
        if self.loss is None:
            return []
        return ["loss", *(metric.name for metric in self.metrics)]

    # ---- configuration ----

    def get_config(self) -> dict[str, Any]:
        """Return the layers and their arguments, without weights, for `from_config`.

        Returns
        -------
        dict
            The keys are "name", "trainable", "dtype", "layers" and "build_input_shape". Layers are
            described as in Keras, whose `from_config` takes the dict, too; those with functions or
            options that Keras lacks by their own `get_config`.
        """
        config: dict[str, Any] = descriptions().write(self, serialize)["config"]
        return config

    @classmethod
    def from_config(
        cls: type[Self],
        config: Mapping[str, Any],
        custom_objects: Mapping[str, type[Layer]] | None = None,
    ) -> Self:
        """Return a new model with the layers of a configuration, with new weights.

        Parameters
        ----------
        config : dict
            As `get_config` returns it, of gru_c or of Keras.
        custom_objects : dict, optional
            The user's classes of layers, initializers, regularizers and constraints by their
            names.

        Raises
        ------
        ValueError, TypeError
            If a key is missing, or a layer or an option of Keras is unknown.
        """
        if isinstance(config, Mapping) and "graph" in config:
            graphs: Any = import_module("gru_c.models.functional").Functional
            if issubclass(graphs, cls):  # Model.from_config
                return cast(Self, graphs.from_config(config, custom_objects))
            raise ValueError("a configuration of a graph is for Model.from_config")
        return cls._of_spec({"class_name": "Sequential", "config": config}, custom_objects)

    @classmethod
    def _of_spec(
        cls: type[Self], spec: Mapping[str, Any], custom_objects: Mapping[str, Any] | None
    ) -> Self:
        """Return the model of a class name with a configuration, in the form of gru_c or Keras."""
        config, custom_objects = spec["config"], with_registered(custom_objects)
        if isinstance(config, (Mapping, list)):
            with classes_of_user(custom_objects):
                parts = descriptions().read(spec, custom_objects or {})
            if parts is not None:
                return cls._of_layers(*parts)
        if not isinstance(config, Mapping) or not isinstance(config.get("layers"), (list, tuple)):
            raise ValueError(f"a configuration of a model has a list of layers, got {config!r}")
        registry = Registry("layer", {**LAYERS, **(custom_objects or {})}, Layer)
        with classes_of_user(custom_objects):
            layers = [registry.get(spec) for spec in config["layers"]]
        return cls._of_layers(layers, config)

    @classmethod
    def _of_layers(cls: type[Self], layers: list[Layer], config: Mapping[str, Any]) -> Self:
        """Return a model with these new layers and the other settings of a configuration."""
        shape = config.get("build_input_shape")
        settings = {"dtype": config.get("dtype"), "trainable": config.get("trainable", True)}
        make: Any = cls
        model: Self = make(layers, name=config.get("name", "sequential"), **settings)
        if shape is not None and layers and shape[0] is not None:
            assign(model, batch_size=check_integer("batch size", shape[0], 1))
        if shape is not None and layers and not model.built:
            model.build((None, *check_sample_shape(list(shape)[1:])))
        return model

    def to_json(self, **options: Any) -> str:
        """Return `get_config` as a JSON text, for ``models.model_from_json`` of gru_c or Keras.

        Keras refuses the text if a layer has an option that only gru_c has, such as `zoneout`, or
        is of a class of the user.

        Parameters
        ----------
        **options
            Arguments of `json.dumps`.

        Raises
        ------
        ValueError
            If JSON cannot hold an argument of a layer, such as a function.
        """

        def own(layer: Layer) -> dict[str, Any]:
            return plain_config(layer, f"layer {layer.name!r}", arrays=True)

        return json.dumps(descriptions().write(self, own), **options)


def _shown(layer: Layer) -> Any:
    """Return a layer, or the model for which it stands."""
    return layer.model if layer.runs_graph else layer  # type: ignore[attr-defined]
