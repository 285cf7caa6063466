"""A network that is written to files, in formats that the suffixes of their names choose."""

from __future__ import annotations

import os
from pathlib import Path

from gru_c.common.keywords import checked_keywords
from gru_c.common.validation import check_flag
from gru_c.common.weights_lock import weights_lock
from gru_c.models.inference import InferenceModel
from gru_c.saving.formats import format_for


class SavedModel(InferenceModel):
    """Base of `Sequential`: a network in files."""

    _kind = False  # for the checks of attributes, `Network` is the base of the kind

    @checked_keywords
    def save(
        self,
        filepath: str | os.PathLike[str],
        *,
        overwrite: bool = True,
        include_optimizer: bool | None = None,
    ) -> None:
        """Write the model to a file, which `load_model` reads.

        The file also says which layers are frozen. It does not hold the arrays of
        ``initializers.Constant(array)``, because it holds the weights.

        Parameters
        ----------
        filepath : path
            The suffix is ``.safetensors``; or ``.keras``, ``.h5`` or ``.hdf5`` for a file that
            Keras loads, too: see `gru_c.interop.keras.save`. An existing file is replaced
            atomically, once the new one is complete, and keeps its permissions. A ``.safetensors``
            holds a checksum, which `load_model` compares.
        overwrite : bool
            False raises an exception if the file exists.
        include_optimizer : bool, optional
            Write the optimizer's state, too, so that training can continue. By default True for
            Keras's files, as in Keras, and False for ``.safetensors``.

        Raises
        ------
        ValueError
            If there are no weights yet, a part of the model cannot be described in a file, or the
            suffix is unknown.
        FileExistsError
            If the file exists and `overwrite` is False.
        ImportError
            If Keras's files are wanted and h5py (extra ``keras``) is not installed.
        """
        if include_optimizer is not None:
            check_flag("include_optimizer", include_optimizer)
        writer = format_for(filepath, "save").save
        assert writer is not None
        with weights_lock.reading(self.layers):
            writer(self, _target(filepath, overwrite), include_optimizer)

    @checked_keywords
    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the weights to a file, which `load_weights` reads.

        Parameters
        ----------
        filepath : path
            The suffix is ``.weights.h5`` or, for Keras's older format, ``.h5`` or ``.hdf5``; or
            ``.safetensors`` for a file that `load_model` can read, too.
        overwrite : bool
            False raises an exception if the file exists.

        Raises
        ------
        ValueError, FileExistsError, ImportError
            As `save`.

        Examples
        --------
        >>> import os, tempfile
        >>> from gru_c import Dense, GRU, Sequential
        >>> model = Sequential([GRU(4, input_shape=(10, 8)), Dense(1)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.weights.h5")
        ...     model.save_weights(path)
        ...     model.load_weights(path)
        """
        writer = format_for(filepath, "save_weights").save_weights
        assert writer is not None
        with weights_lock.reading(self.layers):
            writer(self, _target(filepath, overwrite))

    @checked_keywords
    def load_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Set all weights to those in a file; nothing is changed unless all of them fit.

        Parameters
        ----------
        filepath : path
            A file of `save_weights` or `save`, or of Keras. Weights of a ``.safetensors`` must have
            the names of this model's; layers of Keras's files are loaded in their order.

        Raises
        ------
        FileNotFoundError
            If the file does not exist.
        ValueError
            If the model has no weights yet, the file is damaged, the weights do not fit, or the
            suffix is unknown.
        ImportError
            If Keras's files are read and h5py (extra ``keras``) is not installed.
        """
        reader = format_for(filepath, "load_weights").load_weights
        assert reader is not None
        reader(self, Path(filepath))


def _target(path: str | os.PathLike[str], overwrite: bool) -> Path:
    """Return the path to write to; FileExistsError if it exists and must not be replaced."""
    target = Path(path)
    if not check_flag("overwrite", overwrite) and target.exists():
        raise FileExistsError(f"{os.fspath(path)!r} exists, and overwrite is False")
    return target
