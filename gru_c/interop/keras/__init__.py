"""Models in Keras's files: ``.keras``, ``.weights.h5`` and the older ``.h5``.

`load` reads them and `save` writes a ``.keras``, with h5py (extra ``keras``); Keras itself is not
needed.
"""

from gru_c.interop.keras.files import load, save

__all__ = ["load", "save"]
