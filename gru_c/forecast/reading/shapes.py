"""Shapes of texts: texts of one shape have their digits at the same places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_LONGEST = 40  # characters of a text that a message shows
_DIGITS = str.maketrans("123456789", "000000000")


def shape_of(text: str) -> str:
    """Return a text with 0 for each digit.

    Examples
    --------
    >>> shape_of("31-May-2024")
    '00-May-0000'
    """
    return text.translate(_DIGITS)


def distinct(texts: Sequence[str]) -> tuple[list[str], npt.NDArray[np.intp]]:
    """Return the different texts, and for each text its place among them.

    Examples
    --------
    >>> distinct(["b", "a", "b"])
    (['b', 'a'], array([0, 1, 0]))
    """
    known: dict[str, int] = {}
    codes = np.fromiter((known.setdefault(text, len(known)) for text in texts), np.intp, len(texts))
    return list(known), codes


def shortened(text: str) -> str:
    """Return a text between quotes for a message, without its end if it is long."""
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")


def counted(count: int, noun: str, rest: str = "") -> str:
    """Return a count with its noun, and the words after it: "1 row", "2 rows left out".

    Examples
    --------
    >>> counted(1, "row", " left out")
    '1 row left out'
    """
    return f"{count} {noun}{'' if count == 1 else 's'}{rest}"


@dataclass(frozen=True)
class Shaped:
    """Texts, and their places by shape.

    Attributes
    ----------
    texts : sequence of str
    places : dict of str to list of int
        The places of the texts of each shape.
    """

    texts: Sequence[str]
    places: dict[str, list[int]]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Shaped:
        """Return texts by their shape."""
        places: dict[str, list[int]] = {}
        for place, shape in enumerate([text.translate(_DIGITS) for text in texts]):
            if shape in places:
                places[shape].append(place)
            else:
                places[shape] = [place]
        return cls(texts, places)

    def of_shape(self, shape: str) -> list[str]:
        """Return the texts of a shape."""
        texts = self.texts
        return [texts[place] for place in self.places[shape]]
