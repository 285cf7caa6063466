"""The functions of ``keras.datasets.california_housing``, which say where to get the data."""

from gru_c.datasets.sources import unavailable

load_data = unavailable("california_housing", "load_data")
