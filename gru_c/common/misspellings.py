"""Typing errors in names: the known name that the user most likely meant."""

from __future__ import annotations

# Names that users give to attributes of their own, although each is one letter from a known name.
# The same holds for names with "_" at the end.
USERS_WORDS = frozenset(
    (
        *("centers", "column", "columns", "dtypes", "epochs", "functions", "labels", "layer"),
        *("mode", "models", "names", "parameter", "ring", "scaler", "seeds", "shapes", "sizes"),
        *("threads", "windows"),
    )
)


def nearest(name: str, known: list[str]) -> str | None:
    """Return the known name that this one is most likely a slip for, or None."""
    counts = {item: _slips(name, item) for item in known}
    possible = [item for item, count in counts.items() if count is not None]
    return min(possible, key=lambda item: counts[item] or 0, default=None)


def _slips(name: str, known: str) -> int | None:
    """Return the number of slips between a known name and another; None if there are too many.

    Case and underscores are ignored. One slip is allowed, or two if a name has eight letters or
    more. In names of fewer than six letters the first letter must be right (``type`` is not
    ``dtype``), and no letter may be replaced by another (``stage`` is not ``state``). A long name
    may also be another form of the known one (``learn_rate``), unless it contains it
    (``my_learning_rate``). A number at the end of a name is not a slip (``history2``).
    """
    a, b = (text.replace("_", "").lower() for text in (name, known))
    longest, difference = max(len(a), len(b)), abs(len(a) - len(b))
    if a == b:
        return 0
    if min(len(a), len(b)) < 3 or difference > 4 or a.rstrip("0123456789") == b:
        return None
    if longest < 6 and (a[0] != b[0] or (not difference and sorted(a) != sorted(b))):
        return None
    count = _distance(a, b)
    slip = difference <= 1 and count <= (2 if longest >= 8 else 1)
    other_form = longest >= 10 and b not in a and _similarity(a, b) >= 0.8
    return count if slip or other_form else None


def _similarity(a: str, b: str) -> float:
    from difflib import SequenceMatcher  # on first use: takes 2 ms

    return SequenceMatcher(None, a, b).ratio()


def _distance(a: str, b: str) -> int:
    """Return the edit distance: letters left out, added, replaced or swapped with the next."""
    previous: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        above, previous, row = previous, row, [i]
        for j, other in enumerate(b, start=1):
            row.append(min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (letter != other)))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                row[j] = min(row[j], above[j - 2] + 1)
    return row[-1]
