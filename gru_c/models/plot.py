"""A model as a picture: a box for each layer, drawn with matplotlib."""

from __future__ import annotations

import importlib
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gru_c.common.arrays import Shape
from gru_c.common.optional import require
from gru_c.common.validation import check_flags, check_real
from gru_c.layers import Layer
from gru_c.models.plot_graph import GAP as _GAP
from gru_c.models.plot_graph import LETTER as _LETTER
from gru_c.models.plot_graph import LINE as _LINE
from gru_c.models.plot_graph import MARGIN as _MARGIN
from gru_c.models.plot_graph import draw_box, drawn_graph

if TYPE_CHECKING:
    from gru_c.network.network import Network


def plot_model(
    model: Network,
    to_file: str | os.PathLike[str] = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Any:
    """Draw the layers of a model into a file, with Keras's arguments.

    Needs matplotlib: ``pip install "gru_c[plot]"``.

    Parameters
    ----------
    model : Sequential
    to_file : path
        The suffix is the format: .png, .svg, .pdf, ...; .png without one.
    show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable : bool
        Write these into the box of each layer, below its class.
    rankdir : {"TB", "LR"}
        From top to bottom, or from left to right.
    expand_nested, splines
        Ignored: a row of layers has no nested models and no curved lines.
    dpi : float
        Pixels per inch, for formats that have pixels.

    Returns
    -------
    IPython.display.Image or None
        The picture, which a notebook shows; None without IPython, and for formats other than .png,
        .jpg and .gif.

    Raises
    ------
    ValueError
        If the model is not built, or rankdir is something else.
    ImportError
        If matplotlib is not installed.
    """
    check_flags(
        show_shapes=show_shapes,
        show_dtype=show_dtype,
        show_layer_names=show_layer_names,
        show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
    )
    if rankdir not in ("TB", "LR"):
        raise ValueError(f"rankdir must be 'TB' or 'LR', got {rankdir!r}")
    resolution = check_real("dpi", dpi, "> 0")
    model.require_built("plot_model")
    details = {
        "name": show_layer_names,
        "activation": show_layer_activations,
        "shapes": show_shapes,
        "dtype": show_dtype,
        "trainable": show_trainable,
    }
    wanted = {name for name, is_shown in details.items() if is_shown}
    path = Path(to_file)
    path = path if path.suffix else path.with_suffix(".png")
    graph = vars(model).get("graph")
    if graph is not None:
        lines_of = partial(_lines_of_call, wanted)
        figure = drawn_graph(graph, lines_of, rankdir == "LR")
    else:
        figure = _drawn(_boxes(model, wanted), rankdir == "LR")
    figure.savefig(path, dpi=resolution)
    return _notebook_image(path)


def _boxes(model: Network, wanted: set[str]) -> list[list[str]]:
    """Return the lines of text in each box, from the input to the last layer."""
    shape: Shape = model.input_shape or ()
    boxes = []
    for layer in model.layers:
        output_shape = layer.compute_output_shape(shape)
        boxes.append(_lines(layer, shape, output_shape, wanted))
        shape = output_shape
    return boxes


def _lines_of_call(wanted: set[str], layer: Layer, shapes: list[Any]) -> list[str]:
    before, after = shapes
    return _lines(layer, before, after, wanted)


def _lines(layer: Layer, shape: Any, output_shape: Any, wanted: set[str]) -> list[str]:
    lines = {
        "name": f"{layer.name}",
        "activation": f"Activation: {getattr(layer, 'activation', 'none')}",
        "shapes": f"Input: {shape}\nOutput: {output_shape}",
        "dtype": f"Dtype: {layer.dtype}",
        "trainable": f"Trainable: {layer.trainable}",
    }
    if not hasattr(layer, "activation"):
        del lines["activation"]
    shown = [text for name, text in lines.items() if name in wanted]
    return "\n".join([type(layer).__name__, *shown]).split("\n")


def _drawn(boxes: list[list[str]], sideways: bool) -> Any:
    """Return a figure of the boxes, with an arrow from each to the next."""
    width = max(_LETTER * max(map(len, lines)) for lines in boxes) + 2 * _MARGIN
    heights = [_LINE * len(lines) + _MARGIN for lines in boxes]
    count = len(boxes)
    if sideways:
        size = (count * width + (count + 1) * _GAP, max(heights) + 2 * _GAP)
    else:
        size = (width + 2 * _GAP, sum(heights) + (count + 1) * _GAP)
    figure = require("matplotlib.figure", "plot").Figure(figsize=size)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, size[0]), ylim=(0, size[1]))
    axes.axis("off")
    left, top = _GAP, size[1] - _GAP
    for number, (lines, height) in enumerate(zip(boxes, heights, strict=True)):
        bottom = (size[1] - height) / 2 if sideways else top - height
        draw_box(axes, (left, bottom, width, height), lines)
        if number < count - 1:
            tail = (left + width, size[1] / 2) if sideways else (left + width / 2, bottom)
            head = (tail[0] + _GAP, tail[1]) if sideways else (tail[0], tail[1] - _GAP)
            axes.annotate("", head, tail, arrowprops={"arrowstyle": "-|>", "color": "black"})
        left, top = (left + width + _GAP, top) if sideways else (left, bottom - _GAP)
    return figure


def _notebook_image(path: Path) -> Any:
    """Return the picture for a notebook; None without IPython or for other formats."""
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".gif"):
        return None
    try:
        display = importlib.import_module("IPython.display")
    except ImportError:
        return None
    return display.Image(filename=str(path))
