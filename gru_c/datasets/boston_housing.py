"""The functions of ``keras.datasets.boston_housing``, which say where to get the data."""

from gru_c.datasets.sources import unavailable

load_data = unavailable("boston_housing", "load_data")
