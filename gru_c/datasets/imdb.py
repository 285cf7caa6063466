"""The functions of ``keras.datasets.imdb``, which say where to get the data."""

from gru_c.datasets.sources import unavailable

load_data = unavailable("imdb", "load_data")
get_word_index = unavailable("imdb", "get_word_index")
