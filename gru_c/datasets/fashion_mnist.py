"""The functions of ``keras.datasets.fashion_mnist``, which say where to get the data."""

from gru_c.datasets.sources import unavailable

load_data = unavailable("fashion_mnist", "load_data")
