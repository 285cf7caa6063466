"""The owner of an argument in messages about the argument: a layer, a cell or a function."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])


def name_owner(error: Exception, owners: Mapping[str, str]) -> None:
    """Add to the message of an exception the owners that it does not name.

    Parameters
    ----------
    error : Exception
        Its message is changed in place; one without a message stays as it is.
    owners : mapping of str to str
        For a word that names an owner, in capitals or not, with or without underscores: the words
        to add unless it is there.

    Examples
    --------
    >>> error = ValueError("x must have 3 dimensions")
    >>> name_owner(error, {"'encoder'": "layer 'encoder'", "LSTM": "an LSTM"})
    >>> error
    ValueError("x must have 3 dimensions (layer 'encoder', an LSTM)")
    """
    if len(error.args) != 1 or not isinstance(error.args[0], str):
        return
    message, added = error.args[0], ""
    for word, phrase in owners.items():
        if _folded(word) not in _folded(message + added):
            added += f", {phrase}"
    if added:
        error.args = (f"{message} ({added[2:]})",)


def names_owner(owners: Callable[..., Mapping[str, str]]) -> Callable[[Function], Function]:
    """Decorate a function: messages of its TypeErrors and ValueErrors name the owners.

    `owners` is called with the function's arguments.
    """

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def named(*arguments: Any, **keywords: Any) -> Any:
            try:
                return function(*arguments, **keywords)
            except (TypeError, ValueError) as error:
                name_owner(error, owners(*arguments, **keywords))
                raise

        return cast(Function, named)

    return decorate


def _folded(text: str) -> str:
    return re.sub(r"gru_c\b|_", "", text.lower())  # the package is not an owner
