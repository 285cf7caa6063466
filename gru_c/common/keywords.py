"""Keywords of calls: those without effect are left out, unknown ones get an exception with advice.

Arguments that change no result in Keras are accepted by constructors and by the methods that
`checked_keywords` decorates. `gru_c.common.keras_names` lists them.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from gru_c.common.keras_names import METHOD, is_without_effect
from gru_c.common.misspellings import nearest

Method = TypeVar("Method", bound=Callable[..., Any])


def checked_keywords(method: Method) -> Method:
    """Decorate a method of a `Guarded` class, so that its keywords are checked.

    Keywords that have no effect in Keras are left out. For an unknown one, the message of the
    TypeError gives the argument that was most likely meant.
    """
    known = frozenset(inspect.signature(method).parameters) - {"self"}

    @functools.wraps(method)
    def checked(self: Any, *arguments: Any, **keywords: Any) -> Any:
        if not keywords.keys() <= known:
            for name in [name for name in keywords if name not in known]:
                if not is_without_effect((method.__name__,), name, keywords[name]):
                    label = f"{type(self).__name__}.{method.__name__}()"
                    raise TypeError(about_unknown_keyword(label, name, known, METHOD))
                del keywords[name]
        return method(self, *arguments, **keywords)

    return cast(Method, checked)


def checked_function(function: Method) -> Method:
    """Decorate a function, so that the message about an unknown keyword names the nearest one."""
    known = frozenset(inspect.signature(function).parameters)

    @functools.wraps(function)
    def checked(*arguments: Any, **keywords: Any) -> Any:
        for name in keywords:
            if name not in known:
                label = f"{function.__name__}()"
                raise TypeError(about_unknown_keyword(label, name, known, {}))
        return function(*arguments, **keywords)

    return cast(Method, checked)


def about_unknown_keyword(
    label: str, name: str, known: frozenset[str], advice: Mapping[str, str]
) -> str:
    """Return the message about an unknown keyword of a call, with advice if there is any.

    Parameters
    ----------
    label : str
        The call, such as ``"GRU()"``.
    name : str
        The keyword.
    known : frozenset of str
        The arguments of the call.
    advice : mapping of str to str
        Names that mean something only in other libraries, with the advice.
    """
    start = f"{label} got an unexpected keyword argument {name!r}"
    if name in advice:
        return f"{start}: {advice[name]}"
    intended = nearest(name, sorted(known))
    question = f"; did you mean {intended!r}?" if intended else "."
    names = ", ".join(sorted(known)) or "none"
    return f"{start}{question} Its arguments are: {names}"
