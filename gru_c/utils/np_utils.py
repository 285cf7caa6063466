"""The name in Keras 1 and 2 of the functions of `gru_c.utils` that are for NumPy arrays."""

from gru_c.common.missing_names import explain_missing
from gru_c.preprocessing.arrays import normalize, to_categorical

__all__ = ["normalize", "to_categorical"]

__getattr__ = explain_missing(__name__, __all__)
