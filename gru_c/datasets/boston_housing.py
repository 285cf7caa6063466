"""The functions of ``keras.datasets.boston_housing``, which say where the data can be had."""

from gru_c.datasets.sources import unavailable

load_data = unavailable("boston_housing", "load_data")
