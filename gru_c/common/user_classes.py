"""The user's classes, which ``custom_objects`` names while a model is read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

# The classes that a user gave for the model that is being read.
_CLASSES_OF_USER: ContextVar[Mapping[str, Any]] = ContextVar("_CLASSES_OF_USER")

_REGISTERED: dict[str, Any] = {}  # by `register_keras_serializable`


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[Any], Any]:
    """Return a decorator that makes a class known to all files and configurations.

    Parameters
    ----------
    package : str
        Accepted as in Keras; names are looked up without it.
    name : str, optional
        Name in files; by default that of the class.

    Raises
    ------
    ValueError
        If another class has been registered under the name.
    """

    def register(cls: Any) -> Any:
        key = name or cls.__name__
        before = _REGISTERED.get(key, cls)
        if (before.__module__, before.__qualname__) != (cls.__module__, cls.__qualname__):
            raise ValueError(f"{key!r} is registered already, for {before!r}: give another name=")
        _REGISTERED[key] = cls
        return cls

    return register


def with_registered(custom_objects: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return the user's classes with the registered ones, over which the former go."""
    if not _REGISTERED or (custom_objects is not None and not isinstance(custom_objects, Mapping)):
        return custom_objects
    return {**_REGISTERED, **(custom_objects or {})}


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
