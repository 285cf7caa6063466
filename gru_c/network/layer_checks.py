"""Checks that a layer fits into a network, the layer before it, and its input."""

from __future__ import annotations

import numpy as np

from gru_c.common.arrays import Array, Shape
from gru_c.common.owners import names_owner
from gru_c.layers import RNN, Bidirectional, Input, Layer, StackedRNNCells
from gru_c.layers.base.recurrent import Recurrent
from gru_c.layers.base.rnn_cell import RNNCell


@names_owner(lambda layer: {repr(layer.label): f"layer {layer.label!r}"})
def check_for_network(layer: Layer) -> None:
    """Raise ValueError unless the layer has one batch-major output and its own weights."""
    if isinstance(layer, (RNNCell, StackedRNNCells)):
        raise ValueError(
            f"{type(layer).__name__} is a cell, which computes one time step: write "
            f"RNN({type(layer).__name__}(...))"
        )
    if layer.prefix:
        raise ValueError(
            f"layer {layer.label!r} is one direction of a Bidirectional, whose weights it holds: "
            f"make a new {type(layer).__name__}(...), and give it these with "
            "set_weights(direction.get_weights())"
        )
    if getattr(layer, "return_state", False):
        raise ValueError(
            "return_state=True gives the states, too; a Sequential passes on one output"
        )
    if isinstance(layer, Bidirectional) and layer.merge_mode is None:
        raise ValueError("merge_mode=None gives two outputs; a Sequential passes on one")
    if layer.gives_tokens:
        raise ValueError("invert=True gives tokens; a Sequential passes on numbers")
    if getattr(layer, "time_major", False):
        raise ValueError("time_major=True is not for a Sequential, whose batches come first")


def check_first_layer(layer: Layer, declared: Input) -> None:
    """Raise ValueError unless the first layer takes what the `Input` before it declares."""
    nothing_declared = not declared.texts and not declared.numbers
    if nothing_declared or isinstance(layer, Input) or layer.takes_texts == declared.texts:
        return
    takes = "texts" if layer.takes_texts else "numbers"
    other = "texts: dtype='string'" if declared.texts else "numbers: leave out its dtype"
    raise ValueError(
        f"layer {layer.label!r} takes {takes}, but the Input before it declares {other}"
    )


def output_shape_of(
    layer: Layer, input_shape: Shape, previous: Layer | None, name: str | None = None
) -> Shape:
    """Return the shape of a layer's output; ValueError with a hint if it cannot take the input.

    Parameters
    ----------
    layer : Layer
    input_shape : tuple of int or None
    previous : Layer or None
        The layer before it.
    name : str, optional
        Name for the message, if the layer is about to get one.
    """
    try:
        return layer.compute_output_shape(input_shape)
    except ValueError as error:
        hint = ""
        recurrent = previous if isinstance(previous, (Recurrent, RNN, Bidirectional)) else None
        if recurrent and not recurrent.return_sequences and len(input_shape) == 2:
            hint = f": give layer {recurrent.label!r} return_sequences=True"
        message = str(error).replace(repr(layer.label), repr(name or layer.label), 1)
        raise ValueError(message + hint) from None


def check_weights(layer: Layer, input_shape: Shape) -> None:
    """Raise ValueError if the layer has weights that do not fit the input."""
    if not layer.built:
        return
    shapes = layer.weight_shapes(input_shape)
    if any(item.array.shape != shapes[item.name] for item in layer.parameters):
        raise ValueError(
            f"layer {layer.label!r} has weights for input of shape {layer.built_shape}, "
            f"which do not fit {input_shape}"
        )


def require_whole_numbers(x: Array) -> None:
    """Raise ValueError if x holds a number that is not whole, for an `Input` of integers."""
    if x.dtype.kind == "f":
        places = np.argwhere(x != np.trunc(x))
        if len(places):
            place = tuple(map(int, places[0]))
            raise ValueError(
                f"x must hold whole numbers, as the dtype of the model's Input says, got "
                f"{x[place]} at {place}"
            )
