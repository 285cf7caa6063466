"""Import of optional packages when they are used."""

from __future__ import annotations

import importlib
from typing import Any


def require(module: str, extra: str) -> Any:
    """Return a module of an extra, or raise ImportError that says how to install it.

    Parameters
    ----------
    module : str
        The full name, such as ``"h5py"``.
    extra : str
        The extra of gru_c that installs it.

    Raises
    ------
    ImportError
        If it is not installed; the message names the extra.

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
            raise  # it is installed, but something that it needs is missing
        raise ImportError(
            f'this needs {package}, which is not installed: pip install "gru_c[{extra}]"',
            name=package,
        ) from error
