"""The vocabularies of layers in ``.keras`` files.

Keras writes a vocabulary that a layer has learned into a file of the zip of its own,
``assets/layers/<group>/vocabulary.txt``, with a token on each line, and its inverse document
frequencies into the dataset ``layers/<group>/vars/idf_weights``. The group is named as in
`gru_c.interop.keras.weight_places`. gru_c writes the tokens into the configuration, which Keras
reads, too.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import Any

from gru_c.common.arrays import Array
from gru_c.common.registry import snake_case
from gru_c.interop.keras import archive, hdf5
from gru_c.layers import IntegerLookup, Layer, StringLookup, TextVectorization
from gru_c.layers.vocabulary.layer import VocabularyLayer

_KINDS = {cls.__name__: cls for cls in (IntegerLookup, StringLookup, TextVectorization)}
_IDF = "vars/idf_weights"


def add_vocabularies(spec: Any, zip_file: zipfile.ZipFile, h5: Any, size: int) -> None:
    """Put the vocabularies of a ``.keras`` into the configurations of their layers."""
    outer = spec.get("config") if isinstance(spec, dict) else None
    layers = outer.get("layers") if isinstance(outer, dict) else None
    if not isinstance(layers, list) or not all(isinstance(item, dict) for item in layers):
        return  # `model_of` says what is wrong
    names = [str(item.get("class_name")) for item in layers]
    for layer, class_name, group in zip(layers, names, _groups(names), strict=True):
        config, path = layer.get("config"), f"assets/{group}/vocabulary.txt"
        is_there = class_name in _KINDS and path in zip_file.namelist()
        if not is_there or not isinstance(config, dict) or config.get("vocabulary") is not None:
            continue
        lines = archive.member(zip_file, path).decode("utf-8").split("\n")
        is_integer = class_name == "IntegerLookup"
        config["vocabulary"] = [int(line) for line in lines] if is_integer else lines
        if config.get("output_mode") == "tf_idf":
            place, count = f"{group}/{_IDF}", len(lines)
            config["idf_weights"] = hdf5.read_weights(h5, {place: (count,)}, {}, size)[0].tolist()


def is_of_vocabulary(path: str) -> bool:
    """Return True for a dataset that belongs to a vocabulary, and is not a weight of a layer."""
    return path.endswith(_IDF)


def idf_datasets(layers: list[Layer]) -> Iterator[tuple[str, Array]]:
    """Yield the datasets that Keras reads of layers with ``output_mode="tf_idf"``."""
    for layer, group in zip(layers, _groups([type(item).__name__ for item in layers]), strict=True):
        if isinstance(layer, VocabularyLayer) and layer.idf_weights is not None:
            inner = ("", "_lookup_layer/") if isinstance(layer, TextVectorization) else ("",)
            yield from ((f"{group}/{part}{_IDF}", layer.idf_array()) for part in inner)


def _groups(class_names: list[str]) -> list[str]:
    """Return the group of each layer in the files of a model."""
    seen: Counter[str] = Counter()
    groups = []
    for base in map(snake_case, class_names):
        groups.append(f"layers/{base}_{seen[base]}" if seen[base] else f"layers/{base}")
        seen[base] += 1
    return groups
