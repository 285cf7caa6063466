"""Tensors, which functions of `gru_c.ops` take instead of arrays: Python's operators for them."""

from __future__ import annotations

import threading
from typing import Any


class Active(threading.local):
    """The tape on which a thread records now, or None."""

    tape: Any = None


ACTIVE = Active()


class TensorOperators:
    """Base of tensors: each operator calls ``_operate`` with the name of a function of `ops`."""

    __slots__ = ()

    def _operate(self, name: str, *inputs: Any) -> Any:
        """Return the result of the function of `gru_c.ops` of that name."""
        raise NotImplementedError

    def __add__(self, other: Any) -> Any:
        return self._operate("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return self._operate("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return self._operate("subtract", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._operate("subtract", other, self)

    def __mul__(self, other: Any) -> Any:
        return self._operate("multiply", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self._operate("multiply", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self._operate("divide", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._operate("divide", other, self)

    def __floordiv__(self, other: Any) -> Any:
        return self._operate("floor_divide", self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._operate("floor_divide", other, self)

    def __mod__(self, other: Any) -> Any:
        return self._operate("mod", self, other)

    def __rmod__(self, other: Any) -> Any:
        return self._operate("mod", other, self)

    def __pow__(self, other: Any) -> Any:
        return self._operate("power", self, other)

    def __rpow__(self, other: Any) -> Any:
        return self._operate("power", other, self)

    def __matmul__(self, other: Any) -> Any:
        return self._operate("matmul", self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return self._operate("matmul", other, self)

    def __neg__(self) -> Any:
        return self._operate("negative", self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self._operate("abs", self)

    def __lt__(self, other: Any) -> Any:
        return self._operate("less", self, other)

    def __le__(self, other: Any) -> Any:
        return self._operate("less_equal", self, other)

    def __gt__(self, other: Any) -> Any:
        return self._operate("greater", self, other)

    def __ge__(self, other: Any) -> Any:
        return self._operate("greater_equal", self, other)

    def __and__(self, other: Any) -> Any:
        return self._operate("logical_and", self, other)

    def __rand__(self, other: Any) -> Any:
        return self._operate("logical_and", other, self)

    def __or__(self, other: Any) -> Any:
        return self._operate("logical_or", self, other)

    def __ror__(self, other: Any) -> Any:
        return self._operate("logical_or", other, self)

    def __invert__(self) -> Any:
        return self._operate("logical_not", self)

    def __getitem__(self, key: Any) -> Any:
        return self._operate("get_item", self, key)


class ActivationOperation:
    """An object of `gru_c.activations` as an operation of `gru_c.ops`, applied to a tensor."""

    def __init__(self, activation: Any) -> None:
        self.name = activation.name
        self._activation = activation

    def forward(self, inputs: Any, training: bool = False) -> tuple[Any, Any]:
        """Return the output, and the array that `backward` needs."""
        x = inputs[0]
        y = self._activation.forward(x)
        return y, self._activation.keep(x, y)

    def backward(self, saved: Any, grad_output: Any, wanted: Any = None) -> list[Any]:
        """Return the gradient of the input, in a list."""
        return [self._activation.gradient(saved, grad_output)]

    def output_shape(self, shapes: Any) -> tuple[int | None, ...]:
        """Return the shape of the input."""
        return tuple(shapes[0])
