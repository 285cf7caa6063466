"""Pages in Markdown whose tables are made from results; the sentences between them are not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

PLACE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill(page: str, tables: Mapping[str, str]) -> str:
    """Return the page with the tables at its places replaced; a place without one stays."""

    def replace(place: re.Match[str]) -> str:
        table = tables.get(place[2])
        return place[0] if table is None else f"{place[1]}\n{table}\n\n{place[3]}"

    return PLACE.sub(replace, page)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return a table; its columns from the first with a number on are aligned to the right."""
    head, *body = ("| " + " | ".join(row) + " |" for row in rows)
    words = next((i for i, cell in enumerate(rows[1]) if cell[:1].isdigit()), 1)
    line = "|" + "|".join("---" if i < words else "--:" for i in range(len(rows[0]))) + "|"
    return "\n".join([head, line, *body])
