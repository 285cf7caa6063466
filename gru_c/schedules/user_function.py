"""Users' functions as learning rates."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import cast


class _Timeless:
    """A user's function without arguments, which can be called like a schedule."""

    def __init__(self, function: Callable[[], float]) -> None:
        self.function = function

    def __call__(self, step: int) -> float:
        """Return the rate that the function returns now."""
        return self.function()

    def __repr__(self) -> str:
        return repr(self.function)


def as_schedule(function: Callable[..., float]) -> Callable[[int], float]:
    """Return a user's function as a function of the step; TypeError for other arguments."""
    if isinstance(function, _Timeless):
        return function
    try:
        signature = inspect.signature(function)
    except ValueError:  # a built-in function without a signature
        return function
    if _binds(signature):
        first = next(iter(signature.parameters), "")
        if _binds(signature, 0) and ("step" in first or "iteration" in first):
            raise TypeError(
                f"a learning rate that is a function of {signature} can be called as f(), as Keras "
                f"does, and as f(step): write it without arguments, or {first!r} without a default"
            )
        return _Timeless(function)
    if _binds(signature, 0):
        return cast(Callable[[int], float], function)
    raise TypeError(
        f"a learning rate that is a function takes the number of steps, f(step), or nothing, f(); "
        f"got one with the arguments {signature}"
    )


def _binds(signature: inspect.Signature, *arguments: int) -> bool:
    try:
        signature.bind(*arguments)
    except TypeError:
        return False
    return True
