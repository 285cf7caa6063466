"""The table of layer classes by name, some of which are imported when they are used."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping

from gru_c.layers.base import Layer


class LayerTable(Mapping[str, type[Layer]]):
    """Layer classes by name.

    Parameters
    ----------
    classes : sequence of class
        Layer classes.
    modules : dict of str to str
        Names of other layer classes, and the module of each, which is imported on first use.
    """

    def __init__(self, classes: tuple[type[Layer], ...], modules: Mapping[str, str]) -> None:
        self._classes = {cls.__name__: cls for cls in classes}
        self._modules = modules

    def __getitem__(self, name: str) -> type[Layer]:
        if name not in self._classes and name in self._modules:
            self._classes[name] = getattr(importlib.import_module(self._modules[name]), name)
        return self._classes[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._classes, **self._modules})

    def __len__(self) -> int:
        return len(self._classes.keys() | self._modules.keys())
