"""Arrays of texts, and the ways in which `TextVectorization` cuts them into tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gru_c.common.arrays import Array

TextFunction = Callable[[Array], Any]

# As in Keras, which treats texts as bytes: other letters than A to Z stay as they are, and other
# spaces than those of ASCII separate no words.
_LOWER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_WORD = re.compile(r"\S+", re.ASCII)
_STRIP = dict.fromkeys(map(ord, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"))

STANDARDIZATIONS: dict[str, tuple[dict[int, Any], ...]] = {
    "lower_and_strip_punctuation": (_LOWER, _STRIP),
    "lower": (_LOWER,),
    "strip_punctuation": (_STRIP,),
}
SPLITS: dict[str, Callable[[str], list[str]]] = {"whitespace": _WORD.findall, "character": list}


def as_texts(name: str, value: Any, encoding: str = "utf-8") -> Array:
    """Return texts as an array of str objects, of any shape.

    Parameters
    ----------
    name : str
        What messages call the texts.
    value : array_like of str or bytes
    encoding : str
        Of bytes.

    Raises
    ------
    TypeError
        If an entry is something else; the message gives its place.
    ValueError
        If lists differ in length.
    """
    # As objects, because NumPy would convert numbers in a list of texts to texts.
    array = np.array(value, object) if isinstance(value, (list, tuple)) else np.asarray(value)
    if array.dtype.kind not in "USOT":
        if array.size:
            raise TypeError(f"{name} must hold texts, got {array.dtype}")
        return array.astype(object)
    texts = np.array(array, object)
    flat = texts.reshape(-1)
    for place, text in enumerate(flat):
        if type(text) is str:
            continue
        if isinstance(text, (list, tuple, np.ndarray)):
            raise ValueError(f"{name} must be an array of texts, got lists of different lengths")
        if not isinstance(text, (str, bytes)):
            index = ", ".join(map(str, np.unravel_index(place, texts.shape)))
            raise TypeError(f"{name}[{index}] must be a text, got {text!r}")
        flat[place] = text.decode(encoding) if isinstance(text, bytes) else str(text)
    return texts


def standardized(texts: Array, standardize: str | TextFunction | None) -> Array:
    """Return the texts in lower case, without punctuation, or as a function returns them."""
    if standardize is None:
        return texts
    if not isinstance(standardize, str):
        result = as_texts("the result of standardize", standardize(texts.astype(str)))
        if result.shape != texts.shape:
            raise ValueError(
                f"standardize must return texts of shape {texts.shape}, got {result.shape}"
            )
        return result
    tables = STANDARDIZATIONS[standardize]
    changed = np.empty(texts.size, object)
    for place, text in enumerate(texts.reshape(-1)):
        for table in tables:
            text = text.translate(table)
        changed[place] = text
    return changed.reshape(texts.shape)


def split_texts(texts: Array, split: str | TextFunction) -> list[list[str]]:
    """Return the tokens of each text of a list."""
    if isinstance(split, str):
        cut = SPLITS[split]
        return [cut(text) for text in texts]
    rows = split(texts.astype(str))
    if len(rows) != len(texts):
        raise ValueError(
            f"split must return a list of tokens for each of {len(texts)} texts, got {len(rows)}"
        )
    return [list(as_texts(f"the result of split, [{i}]", row)) for i, row in enumerate(rows)]


def ngrams_of(tokens: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Return the tokens that stand next to each other, joined: all of the first width first."""
    return [
        " ".join(tokens[first : first + width])
        for width in widths
        for first in range(len(tokens) - width + 1)
    ]
