"""Users' layers with several inputs or outputs: what `call` computes joins the graph."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gru_c.common.attributes import assign
from gru_c.layers.base.tensor import PHASE, SymbolicValue, flattened
from gru_c.parameters import Parameter


class SeveralOutputsError(TypeError):
    """A `call` returns several values where one is possible."""


class Building(NamedTuple):
    """The state of a layer while its `build` runs."""

    dtype: np.dtype[Any]
    rng: np.random.Generator
    weights: list[Parameter]


def call_layer(self: Any, *inputs: Any, training: bool | None = None, **keywords: Any) -> Any:
    """Return the output; see `Layer.__call__`.

    For tensors, `call` may have several arguments, which may be lists of tensors, and several
    outputs. What it computes then becomes part of the graph, layer by layer.
    """
    plain = _call_of_layers(type(self))
    if not any(map(_is_tensor, flattened([*inputs, *keywords.values()]))):
        return plain(self, *inputs, training=training, **keywords)
    if len(inputs) == 1 and _is_tensor(inputs[0]) and not set(keywords) - {"mask"}:
        try:
            return plain(self, inputs[0], training=training, **keywords)
        except SeveralOutputsError:
            pass
    _build(self, inputs)
    phase = PHASE if training is None else training
    options = {"training": phase} if "training" in self._call_takes else {}
    return self.call(*inputs, **options, **keywords)


def _call_of_layers(cls: type) -> Any:
    """Return the method that `call_layer` stands before."""
    methods = (vars(kind)["__call__"] for kind in cls.__mro__ if "__call__" in vars(kind))
    return next(method for method in methods if method is not call_layer)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, SymbolicValue) or hasattr(value, "_record")


def _build(layer: Any, inputs: tuple[Any, ...]) -> None:
    """Call the user's `build`, which may make layers but no weights.

    Raises
    ------
    TypeError
        If it makes weights: no node of the graph would train them.
    """
    if layer.built:
        return
    shapes = [_shapes_of(value) for value in inputs]
    building = Building(np.dtype(layer.dtype or np.float32), np.random.default_rng(0), [])
    assign(layer, _building=building)
    try:
        if layer._user_build is not None:
            type(layer)._user_build(layer, shapes[0] if len(shapes) == 1 else shapes)
    finally:
        assign(layer, _building=None)
    if building.weights:
        raise TypeError(
            f"layer {layer.label!r} makes weights with add_weight, and takes or returns several "
            "tensors: keep such weights in a layer with one input and one output that it uses"
        )
    assign(layer, built=True)


def _shapes_of(values: Any) -> Any:
    """Return the shape of a tensor, or those of the tensors in a list or dict."""
    if isinstance(values, dict):
        return {key: _shapes_of(value) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [_shapes_of(value) for value in values]
    return tuple(getattr(values, "shape", ()))
