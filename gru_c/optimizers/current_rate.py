"""The current learning rate of an optimizer, as a number with the methods of Keras's variable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# The methods of a float that read its value.
_READING = (
    *("abs", "bool", "float", "int", "neg", "pos", "trunc", "ceil", "floor", "round"),
    *("eq", "ne", "lt", "le", "gt", "ge", "hash", "repr", "str", "format"),
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "divmod", "pow"),
    *("radd", "rsub", "rmul", "rtruediv", "rfloordiv", "rmod", "rdivmod", "rpow"),
)


class CurrentRate(float):
    """The learning rate at the time at which it was read, a float, which can also be assigned.

    Parameters
    ----------
    rate : float
    change : callable
        Sets the optimizer's rate.

    Examples
    --------
    >>> from gru_c import optimizers
    >>> adam = optimizers.Adam(0.5)
    >>> rate = adam.learning_rate
    >>> rate.assign(rate / 2)
    0.25
    >>> adam.learning_rate
    0.25
    """

    _change: Callable[[Any], float]
    _assigned: float | None

    def __new__(cls, rate: float, change: Callable[[Any], float]) -> CurrentRate:
        """Make a float with the function that changes the optimizer."""
        number = super().__new__(cls, rate)
        number._change, number._assigned = change, None
        return number

    def assign(self, value: Any) -> CurrentRate:
        """Set the optimizer's learning rate, which this number becomes, too; return the number.

        Raises
        ------
        ValueError, TypeError
            If it is not a finite number >= 0, or the optimizer has a schedule.
        """
        self._assigned = self._change(value)
        return self

    @property
    def value(self) -> float:
        """The number as a plain float."""
        return float.__float__(self) if self._assigned is None else self._assigned

    def numpy(self) -> Any:
        """Return the number as a NumPy scalar."""
        return np.float64(self.value)

    def __reduce__(self) -> tuple[Any, ...]:
        return float, (self.value,)  # copies and pickles are plain floats


def _reading(name: str) -> Callable[..., Any]:
    method = getattr(float, name)

    def read(self: CurrentRate, *arguments: Any) -> Any:
        others = [item.value if isinstance(item, CurrentRate) else item for item in arguments]
        return method(self.value, *others)

    return read


for _word in _READING:  # a rate that was assigned reads as the new one
    setattr(CurrentRate, f"__{_word}__", _reading(f"__{_word}__"))
