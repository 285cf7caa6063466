"""The functions of ``keras.datasets.cifar100``, which say where to get the data."""

from gru_c.datasets.sources import unavailable

load_data = unavailable("cifar100", "load_data")
