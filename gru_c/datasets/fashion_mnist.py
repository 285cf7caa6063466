"""The functions of ``keras.datasets.fashion_mnist``, which say where the data can be had."""

from gru_c.datasets.sources import unavailable

load_data = unavailable("fashion_mnist", "load_data")
