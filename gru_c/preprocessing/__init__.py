"""Data before it reaches a model, with the names of ``keras.preprocessing`` and ``keras.utils``.

`text` has the `Tokenizer` and its functions, `sequence` pads sequences and cuts series into
windows; `arrays` has the functions on arrays (classes as rows of 0 and 1, norms, splits), `files`
those that Keras has for files on other machines. The layers on texts are in `gru_c.layers`.
"""

from gru_c.common.missing_names import explain_missing
from gru_c.preprocessing import sequence, text
from gru_c.preprocessing.sequence import timeseries_dataset_from_array

__all__ = ["sequence", "text", "timeseries_dataset_from_array"]

__getattr__ = explain_missing(__name__, __all__)
