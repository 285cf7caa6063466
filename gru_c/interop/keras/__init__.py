"""Models in Keras's files: ``.keras``, ``.weights.h5`` and the older ``.h5``.

`load` reads them, and `save` writes a ``.keras``. Both need h5py (extra ``keras``), but not Keras.
"""

from gru_c.interop.keras.files import load, save

__all__ = ["load", "save"]
