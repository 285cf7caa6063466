"""The data sets of ``keras.datasets``: modules that say where to get the data.

gru_c downloads nothing. Each module has the functions of Keras's, which raise NotImplementedError
with a source of the data and the lines that bring it in as arrays.
"""

from gru_c.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    fashion_mnist,
    imdb,
    mnist,
    reuters,
)

__all__ = [
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
]
