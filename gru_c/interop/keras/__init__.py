"""Models in Keras's files: ``.keras``, ``.weights.h5`` and the older ``.h5``.

`load` and `load_weights` read them, `save` and `save_weights` write them. All need h5py (extra
``keras``), but not Keras.
"""

from gru_c.interop.keras.files import load, load_weights, save, save_weights

__all__ = ["load", "load_weights", "save", "save_weights"]
