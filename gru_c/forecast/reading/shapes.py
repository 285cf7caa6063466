"""Shapes of texts: texts of one shape have their digits at the same places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_DIGITS = str.maketrans("123456789", "000000000")


def shape_of(text: str) -> str:
    """Return a text with 0 for each digit.

    Examples
    --------
    >>> shape_of("31-May-2024")
    '00-May-0000'
    """
    return text.translate(_DIGITS)


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
