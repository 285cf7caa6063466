"""Packages that only some users need: imported when they are used, and asked for by their extra."""

from __future__ import annotations

import importlib
from typing import Any


def require(module: str, extra: str) -> Any:
    """Import a module of an extra, or say how to install it.

    Parameters
    ----------
    module : str
        Its full name, such as ``"h5py"``.
    extra : str
        The extra of this package that brings it.

    Raises
    ------
    ImportError
        When it is not installed; the message names the extra.

    Examples
    --------
    >>> require("math", "nothing").sqrt(4.0)
    2.0
    >>> require("no_such_module", "torch")
    Traceback (most recent call last):
    ...
    ImportError: this needs no_such_module, which is not installed: pip install "gru_c[torch]"
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if (error.name or "").partition(".")[0] != package:
            raise  # it is there, and something that it needs is not
        raise ImportError(
            f'this needs {package}, which is not installed: pip install "gru_c[{extra}]"',
            name=package,
        ) from error
