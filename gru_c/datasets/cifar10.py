"""The functions of ``keras.datasets.cifar10``, which say where the data can be had."""

from gru_c.datasets.sources import unavailable

load_data = unavailable("cifar10", "load_data")
