"""The functions of ``keras.datasets.imdb``, which say where the data can be had."""

from gru_c.datasets.sources import unavailable

load_data = unavailable("imdb", "load_data")
get_word_index = unavailable("imdb", "get_word_index")
