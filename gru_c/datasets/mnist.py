"""The functions of ``keras.datasets.mnist``, which say where the data can be had."""

from gru_c.datasets.sources import unavailable

load_data = unavailable("mnist", "load_data")
