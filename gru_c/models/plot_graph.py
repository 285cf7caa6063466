"""A graph of layers as a picture: a box for each layer, and an arrow for each tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gru_c.common.optional import require
from gru_c.models.summary import calls_in

if TYPE_CHECKING:
    from gru_c.network.graph import Graph

LINE, LETTER, GAP, MARGIN = 0.24, 0.105, 0.35, 0.15  # inches


def drawn_graph(graph: Graph, lines_of: Callable[[Any, Any], list[str]], sideways: bool) -> Any:
    """Return a figure of the layers in rows by their largest distance to an input.

    `lines_of` returns the lines in the box of a layer, given it and the pair of the shapes of its
    inputs and outputs.
    """
    rows: list[list[str]] = []
    boxes: dict[str, list[str]] = {}
    depth: dict[str, int] = {}
    arrows: list[tuple[str, str]] = []
    depth_of: dict[int, int] = {}
    for tensor in graph.inputs:
        depth[tensor.name] = 0
        depth_of[id(tensor)] = 0
    names = {id(node): node.label for node in graph.nodes}
    for node in graph.nodes:
        label = names[id(node)]
        level = 1 + max((depth_of.get(id(t), 0) for t in node.inputs), default=0)
        depth[label] = max(level, depth.get(label, 0))
        depth_of.update(dict.fromkeys(map(id, node.outputs), level))
        arrows += [(tensor.name, label) for tensor in node.inputs]
        boxes.setdefault(label, [node.layer.name])
    for layer, calls in calls_in(graph):
        shapes = calls[0].inputs or calls[0].outputs, calls[0].outputs
        text = [shape[0] if len(shape) == 1 else shape for shape in shapes]
        boxes[str(layer.name)] = lines_of(layer, text)
    for name in sorted(depth, key=lambda item: depth[item]):
        while len(rows) <= depth[name]:
            rows.append([])
        rows[depth[name]].append(name)
    return _figure([row for row in rows if row], boxes, arrows, sideways)


def _figure(
    rows: list[list[str]],
    boxes: dict[str, list[str]],
    arrows: list[tuple[str, str]],
    sideways: bool,
) -> Any:
    width = max(LETTER * max(map(len, lines)) for lines in boxes.values()) + 2 * MARGIN
    height = max(LINE * len(lines) + MARGIN for lines in boxes.values())
    most = max(map(len, rows))
    across, along = (height, width) if sideways else (width, height)
    extent = most * across + (most + 1) * GAP, len(rows) * along + (len(rows) + 1) * GAP
    size = (extent[1], extent[0]) if sideways else extent
    figure = require("matplotlib.figure", "plot").Figure(figsize=size)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, size[0]), ylim=(0, size[1]))
    axes.axis("off")
    places: dict[str, tuple[float, float]] = {}
    for number, row in enumerate(rows):
        for column, name in enumerate(row):
            beside = (column + 0.5) * extent[0] / len(row) - across / 2
            before = GAP + number * (along + GAP)
            left, top = (before, size[1] - beside) if sideways else (beside, size[1] - before)
            places[name] = left, top - height
            draw_box(axes, (left, top - height, width, height), boxes[name])
    for tail, head in arrows:
        (x, y), (to_x, to_y) = places[tail], places[head]
        start = (x + width, y + height / 2) if sideways else (x + width / 2, y)
        end = (to_x, to_y + height / 2) if sideways else (to_x + width / 2, to_y + height)
        axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": "black"})
    return figure


def draw_box(axes: Any, box: tuple[float, float, float, float], lines: list[str]) -> None:
    """Draw a rectangle with its lines: the class in the first, dark one."""
    left, bottom, width, height = box
    patches = require("matplotlib.patches", "plot")
    axes.add_patch(patches.Rectangle((left, bottom), width, height, fc="white", ec="black"))
    head = height if len(lines) == 1 else LINE + MARGIN / 2
    top = bottom + height
    axes.add_patch(patches.Rectangle((left, top - head), width, head, fc="black", ec="black"))
    axes.text(left + width / 2, top - head / 2, lines[0], color="white", ha="center", va="center")
    for number, line in enumerate(lines[1:]):
        y = top - head - LINE * (number + 0.5)
        axes.text(left + width / 2, y, line, ha="center", va="center", fontsize=9)
