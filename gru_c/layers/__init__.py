"""Layers, one file each."""

from gru_c.layers.base import Layer
from gru_c.layers.dense import Dense
from gru_c.layers.dropout import Dropout
from gru_c.layers.gru import GRU
from gru_c.layers.input import Input

__all__ = ["GRU", "LAYERS", "Dense", "Dropout", "Input", "Layer"]

# The classes that a saved model may name.
LAYERS: dict[str, type[Layer]] = {"GRU": GRU, "Dense": Dense, "Dropout": Dropout}
