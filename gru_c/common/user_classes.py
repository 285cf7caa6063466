"""The user's classes, which ``custom_objects`` names while a model is read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

# The classes that a user gave for the model that is being read.
_CLASSES_OF_USER: ContextVar[Mapping[str, Any]] = ContextVar("_CLASSES_OF_USER")


@contextlib.contextmanager
def classes_of_user(classes: Mapping[str, Any] | None) -> Iterator[None]:
    """Let each registry find the user's classes of its kind within a ``with`` block.

    Parameters
    ----------
    classes : mapping of str to class, optional
        The user's ``custom_objects``. A registry takes the subclasses of its ``base`` from it.

    Raises
    ------
    TypeError
        For anything else.
    """
    if classes is not None and not isinstance(classes, Mapping):
        raise TypeError(f"custom_objects must be a dict of names and classes, got {classes!r}")
    for name, value in (classes or {}).items():
        if not isinstance(name, str) or not callable(value):
            raise TypeError(
                "custom_objects must be a dict of names and classes or functions, got "
                f"{value!r} under {name!r}"
            )
    token = _CLASSES_OF_USER.set(classes or {})
    try:
        yield
    finally:
        _CLASSES_OF_USER.reset(token)


def class_of_user(name: object, base: type | None) -> type | None:
    """Return the class that the user gave under a name, if it is a subclass of `base`."""
    classes = _CLASSES_OF_USER.get({})
    cls = classes.get(name) if isinstance(name, str) else None
    is_of_kind = base is not None and isinstance(cls, type) and issubclass(cls, base)
    return cls if is_of_kind else None
