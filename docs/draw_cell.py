"""Draw the cell, with the names of the equations: images/cell_after.svg and images/cell_before.svg.

Run `python docs/draw_cell.py` after each change of this file. The lines take the color of the
surrounding text, so the pictures are readable on light and on dark pages.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "images"
GATES = {"z": "#2a9d8f", "r": "#d97706", "n": "#6d78e0"}  # visible on white and on black
TIMES, MINUS_FROM_ONE = "&#215;", "1&#8722;"
STATE, INPUT = 316, 366  # y of the lines that bring h and x to the gates
TOP, GATE, LOWER = 50, 200, 262  # y of the line of the state, of the gates, of the boxes below
Z, R, PRODUCT, N, END = 150, 300, 430, 570, 700  # x of the gates, of h Un, of the right end


def text(x: float, y: float, body: str, size: int = 17) -> str:
    """Return a text that is centered at a point."""
    style = 'text-anchor="middle" dominant-baseline="central" fill="currentColor"'
    return f'<text x="{x}" y="{y}" font-size="{size}" {style}>{body}</text>'


def name(x: float, y: float, letter: str, index: str = "", size: int = 17) -> str:
    """Return the name of an array in italics, with its index."""
    small = f'<tspan dy="4" font-size="{size - 5}">{index}</tspan>' if index else ""
    return text(x, y, f'<tspan font-style="italic">{letter}</tspan>{small}', size)


def line_through(*points: tuple[float, float], arrow: bool = True) -> str:
    """Return a line through the points."""
    path = "M" + " L".join(f"{x},{y}" for x, y in points)
    path_element = f'<path d="{path}" fill="none" stroke="currentColor" stroke-width="1.7"/>'
    return path_element + (_tip(*points[-2:]) if arrow else "")


def _tip(before: tuple[float, float], end: tuple[float, float]) -> str:
    """Return the head of an arrow whose last segment is horizontal or points up."""
    x, y = end
    across = f"{x - 9},{y - 5} {x - 9},{y + 5}"
    corners = across if y == before[1] else f"{x - 5},{y + 9} {x + 5},{y + 9}"
    return f'<polygon points="{x},{y} {corners}" fill="currentColor"/>'


def joint(x: float, y: float) -> str:
    """Return the dot where a line branches."""
    return f'<circle cx="{x}" cy="{y}" r="3.5" fill="currentColor"/>'


def operation(x: float, y: float, sign: str, size: int = 20) -> str:
    """Return the sign of an elementwise operation in a circle."""
    circle = f'<circle cx="{x}" cy="{y}" r="15" fill="none" stroke="currentColor"/>'
    return circle + text(x, y, sign, size)


def box(x: float, y: float, content: str, color: str = "currentColor") -> str:
    """Return the box of a gate or of a product."""
    fill = f'fill="{color}" fill-opacity="0.2"' if color != "currentColor" else 'fill="none"'
    return (
        f'<rect x="{x - 46}" y="{y - 19}" width="92" height="38" rx="7" {fill} '
        f'stroke="{color}" stroke-width="1.7"/>{content}'
    )


def gate(x: float, letter: str, function: str) -> str:
    """Return the box of a gate in the color of its letter."""
    return box(x, GATE, text(x, GATE, function, 16), GATES[letter])


def inputs(x: float, index: str) -> list[str]:
    """Return the lines that bring h and x, times their weights, to gate z or r."""
    return [
        joint(x - 16, STATE),
        line_through((x - 16, STATE), (x - 16, GATE + 20)),
        name(x - 36, 268, "U", index, 16),
        joint(x + 16, INPUT),
        line_through((x + 16, INPUT), (x + 16, GATE + 20)),
        name(x + 38, 268, "W", index, 16),
    ]


def candidate(reset_after: bool) -> list[str]:
    """Return the path from h to the candidate, with the reset gate after or before the product."""
    times, product = (GATE, LOWER) if reset_after else (LOWER, GATE)
    weights = name(PRODUCT, product, "U", "n")
    if reset_after:
        weights = (
            f"{name(PRODUCT - 24, product, 'U', 'n')}{name(PRODUCT + 14, product, '+ b', 'hn')}"
        )
    reset = [(R + 46, GATE), (PRODUCT - 16, GATE)]
    if not reset_after:
        reset = [(R + 46, GATE), (R + 74, GATE), (R + 74, LOWER), (PRODUCT - 16, LOWER)]
    edge = {times: 16, product: 20}  # from the center of each shape to its upper and lower edge
    return [
        box(PRODUCT, product, weights),
        operation(PRODUCT, times, TIMES),
        line_through((PRODUCT, STATE), (PRODUCT, LOWER + edge[LOWER])),
        line_through((PRODUCT, LOWER - edge[LOWER]), (PRODUCT, GATE + edge[GATE])),
        line_through((PRODUCT + (15 if reset_after else 46), GATE), (N - 47, GATE)),
        line_through(*reset),
        name(R + 60, GATE - 14, "r"),
        line_through((N, INPUT), (N, GATE + 20)),
        name(N + 22, 268, "W", "n", 16),
    ]


def draw(reset_after: bool) -> str:
    """Return the picture as an SVG document."""
    parts = [
        # the line of the state, from left to right
        name(24, TOP, "h"),
        line_through((40, TOP), (Z - 16, TOP)),
        line_through((Z + 15, TOP), (N - 16, TOP)),
        line_through((N + 15, TOP), (END, TOP)),
        name(END + 16, TOP, "h&#8242;"),
        operation(Z, TOP, TIMES),
        operation(N, TOP, "+"),
        # the lines from h and x to the gates
        joint(60, TOP),
        line_through((60, TOP), (60, STATE), (PRODUCT, STATE), arrow=False),
        name(24, INPUT, "x"),
        line_through((40, INPUT), (N, INPUT), arrow=False),
        *inputs(Z, "z"),
        *inputs(R, "r"),
        *candidate(reset_after),
        gate(Z, "z", "sigmoid"),
        gate(R, "r", "sigmoid"),
        gate(N, "n", "tanh"),
        # z * h + (1 - z) * n
        line_through((Z, GATE - 19), (Z, TOP + 16)),
        name(Z - 14, 160, "z"),
        joint(Z, 125),
        line_through((Z, 125), (PRODUCT - 16, 125)),
        operation(PRODUCT, 125, MINUS_FROM_ONE, 15),
        line_through((PRODUCT + 15, 125), (N - 16, 125)),
        line_through((N, GATE - 19), (N, 141)),
        name(N + 14, 160, "n"),
        operation(N, 125, TIMES),
        line_through((N, 110), (N, TOP + 16)),
    ]
    title = f"The cell with the reset gate {'after' if reset_after else 'before'} the product"
    body = "\n".join(parts)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 20 740 370" width="740" role="img"
 aria-label="{title}" font-family="Georgia, 'DejaVu Serif', serif">
{body}
</svg>
"""


if __name__ == "__main__":
    for reset_after in (True, False):
        path = FOLDER / f"cell_{'after' if reset_after else 'before'}.svg"
        path.write_text(draw(reset_after), encoding="utf-8")
