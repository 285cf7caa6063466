"""The functions of ``keras.datasets.cifar10``, which say where to get the data."""

from gru_c.datasets.sources import unavailable

load_data = unavailable("cifar10", "load_data")
