"""The functions of ``keras.datasets.reuters``, which say where to get the data."""

from gru_c.datasets.sources import unavailable

load_data = unavailable("reuters", "load_data")
get_word_index = unavailable("reuters", "get_word_index")
get_label_names = unavailable("reuters", "get_label_names")
