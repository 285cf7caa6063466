"""Names read from the code of classes: arguments of functions, attributes that methods set."""

from __future__ import annotations

import dis
import functools
import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

_VARIABLE_KEYWORDS = 0x08  # the flag of a code object that takes **keywords


def argument_names(code: CodeType) -> tuple[str, ...]:
    """Return the names of a method's arguments, without the first."""
    return code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]


def takes_any_keyword(code: CodeType) -> bool:
    """Return True if a function takes ``**keywords``."""
    return bool(code.co_flags & _VARIABLE_KEYWORDS)


@functools.lru_cache(maxsize=512)
def set_in_methods(cls: type) -> frozenset[str]:
    """Return the names of the attributes that a class's own methods set, on any object."""
    names: set[str] = set()
    for member in vars(cls).values():
        for function in (member, getattr(member, "fget", None), getattr(member, "fset", None)):
            names |= set(_set_in_code(getattr(unwrapped(function), "__code__", None)))
    return frozenset(names)


def unwrapped(function: Any) -> Any:
    """Return the function inside all wrappers."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


def _set_in_code(code: object) -> Iterator[str]:
    if not isinstance(code, CodeType):
        return
    for instruction in dis.get_instructions(code):
        if instruction.opname == "STORE_ATTR":
            yield instruction.argval
    for constant in code.co_consts:
        yield from _set_in_code(constant)


def with_base_options(cls: Any, init: FunctionType) -> inspect.Signature | None:
    """Return the signature of a constructor with the names that its ``**options`` stand for.

    ``**options: Unpack[...]`` are passed on to the constructor of the base class: they stand for
    its arguments that the constructor does not have itself. None for other constructors.
    """
    if not takes_any_keyword(init.__code__):
        return None
    signature = inspect.signature(init)
    parameters = dict(signature.parameters)
    _, options = parameters.popitem()
    if not str(options.annotation).startswith("Unpack["):
        return None
    for name, parameter in inspect.signature(super(cls, cls).__init__).parameters.items():
        parameters.setdefault(name, parameter.replace(kind=parameter.KEYWORD_ONLY))
    return signature.replace(parameters=[*parameters.values()])
