"""The functions of ``keras.datasets.mnist``, which say where to get the data."""

from gru_c.datasets.sources import unavailable

load_data = unavailable("mnist", "load_data")
