"""The functions of ``keras.utils``, gathered from the rooms that define them."""

from gru_c.backend import clear_session
from gru_c.common.missing_names import explain_missing
from gru_c.common.random_seed import set_random_seed
from gru_c.common.user_classes import register_keras_serializable
from gru_c.data.padding import pad_sequences
from gru_c.data.py_dataset import PyDataset
from gru_c.models.plot import plot_model
from gru_c.preprocessing.arrays import normalize, split_dataset, to_categorical
from gru_c.preprocessing.files import get_file
from gru_c.preprocessing.sequence import timeseries_dataset_from_array
from gru_c.utils import np_utils

Sequence = PyDataset  # the name before Keras 3

__all__ = [
    "PyDataset",
    "Sequence",
    "clear_session",
    "get_file",
    "normalize",
    "np_utils",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "set_random_seed",
    "split_dataset",
    "timeseries_dataset_from_array",
    "to_categorical",
]

__getattr__ = explain_missing(__name__, __all__)
