"""A property that is computed once, without a lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class cached_property(Generic[T]):  # noqa: N801 - the name of Python's
    """A property whose value is kept by the object: that of functools, as Python 3.12 has it.

    Before, it had a lock for all objects of a class. Threads waited for each other, and a process
    that was forked while a thread held it waited forever. Without a lock, threads that ask at once
    may compute the value twice.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, obj: None, owner: type) -> cached_property[T]: ...
    @overload
    def __get__(self, obj: object, owner: type) -> T: ...
    def __get__(self, obj: object | None, owner: type) -> cached_property[T] | T:
        """Return the value, which the object's ``__dict__`` holds from then on."""
        if obj is None:
            return self
        value: T = vars(obj).setdefault(self._name, self._compute(obj))
        return value
