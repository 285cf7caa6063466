"""Exceptions of one process that are raised in all of them, so that none waits forever."""

from __future__ import annotations

import builtins
from contextlib import suppress
from typing import Any

from gru_c.common import validation

_RAISED_AS_THEMSELVES = (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError)


class RankError(RuntimeError):
    """Another process has ended, or raised an exception that is not one of Python's own types."""


def error_of_all(comm: Any, error: Exception | None) -> Exception:
    """Return this process's exception; if it has none, that of the lowest rank with one."""
    descriptions = comm.allgather(_describe(error))
    if error is not None:
        return error
    rank = next(rank for rank, text in enumerate(descriptions) if text is not None)
    return _make_error(rank, *descriptions[rank])


def _describe(error: Exception | None) -> tuple[str, str] | None:
    """Return the name of an exception's type and its message, which the other processes get."""
    if error is None:
        return None
    message = "it has no message: its str() fails"
    with suppress(Exception):
        message = str(error)
    return type(error).__name__, message


def _make_error(rank: int, name: str, message: str) -> Exception:
    """Return another process's exception, of the same type if all processes know that type."""
    kind = getattr(builtins, name, None) or getattr(validation, name, None)
    if isinstance(kind, type) and issubclass(kind, _RAISED_AS_THEMSELVES):
        with suppress(TypeError):  # UnicodeError takes five arguments
            return kind(f"rank {rank}: {message}")
    return RankError(f"rank {rank}: {name}: {message}")
