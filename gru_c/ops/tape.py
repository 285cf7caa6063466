"""Tapes: the operations that a user's function called, in order, from which gradients follow."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.tensor_operators import ACTIVE, TensorOperators
from gru_c.ops.operation import Operation, apply

_PACKAGE = str(Path(__file__).parents[1])
# Names of NumPy's functions whose counterpart in gru_c.ops has another one.
_OF_NUMPY = {
    "absolute": "abs",
    "bitwise_and": "logical_and",
    "bitwise_or": "logical_or",
    "concat": "concatenate",
    "conjugate": "convert_to_tensor",
    "true_divide": "divide",
    "remainder": "mod",
    "linalg.norm": "norm",
}


class _Step(NamedTuple):
    """One operation: the numbers of its inputs on the tape (None: constants) and of its output."""

    operation: Operation
    inputs: tuple[int | None, ...]
    saved: Any
    output: int


def active_tape() -> Tape | None:
    """Return the tape on which this thread records now, or None."""
    tape: Tape | None = ACTIVE.tape
    return tape


class Tape:
    """A record of the operations that functions of `gru_c.ops` applied to `Traced` tensors.

    Within ``with tape:`` the weights of layers count as tensors of the tape, too.

    Parameters
    ----------
    training : bool
        True in a forward pass of training.
    records : bool
        False: no gradients are wanted, and nothing is kept.
    """

    def __init__(self, training: bool = False, records: bool = True) -> None:
        self.training = training
        self._records = records
        self._steps: list[_Step] = []
        self._needed: list[bool] = []  # for each tensor: whether a gradient passes through it
        self._weights: dict[int, tuple[Any, Traced]] = {}
        self._before: Tape | None = None

    def __enter__(self) -> Tape:
        self._before, ACTIVE.tape = ACTIVE.tape, self
        return self

    def __exit__(self, *error: object) -> None:
        ACTIVE.tape = self._before

    def tensor(self, value: Array, differentiate: bool = True) -> Traced:
        """Return a tensor with a value, whose gradient `gradients` can return."""
        self._needed.append(differentiate and self._records and value.dtype.kind == "f")
        return Traced(self, len(self._needed) - 1, value)

    def of_weight(self, weight: Any) -> Traced:
        """Return the tensor that stands for a weight of a layer."""
        known = self._weights.get(id(weight))
        if known is None:
            known = weight, self.tensor(weight.array)
            self._weights[id(weight)] = known
        return known[1]

    def record(self, operation: Operation, inputs: Sequence[Any]) -> Traced:
        """Apply an operation, and return its output."""
        tensors = [self._tensor_of(x) for x in inputs]
        values = [x if t is None else t.value for x, t in zip(inputs, tensors, strict=True)]
        output, saved = operation.forward(values, self.training)
        numbers = tuple(
            t.number if t is not None and self._needed[t.number] else None for t in tensors
        )
        has_weights = hasattr(operation, "adds_gradients")
        result = self.tensor(output, has_weights or any(n is not None for n in numbers))
        if self._needed[result.number]:
            self._steps.append(_Step(operation, numbers, saved, result.number))
        return result

    def _tensor_of(self, x: Any) -> Traced | None:
        if isinstance(x, Traced):
            if x.tape is not self:
                raise ValueError(
                    "a tensor of another call was used: a function must not keep tensors from one "
                    f"call to the next{_at_line()}"
                )
            return x
        return self.of_weight(x) if hasattr(x, "_record") else None

    def gradients(self, output: Traced, d_output: Array, sources: Sequence[Any]) -> list[Any]:
        """Return the gradients of tensors or weights, None for those that change nothing.

        Parameters
        ----------
        output : Traced
        d_output : ndarray
            The gradient of the output.
        sources : sequence of Traced or Parameter
        """
        totals: dict[int, Array] = {output.number: d_output}
        for step in reversed(self._steps):
            d = totals.pop(step.output, None) if step.output != output.number else d_output
            if d is None:
                continue
            wanted = [number is not None for number in step.inputs]
            parts = step.operation.backward(step.saved, d, wanted)
            for number, part in zip(step.inputs, parts, strict=True):
                if number is not None and part is not None:
                    before = totals.get(number)
                    totals[number] = part if before is None else before + part
        return [totals.get(self._number_of(source)) for source in sources]

    def _number_of(self, source: Any) -> int:
        if isinstance(source, Traced):
            return source.number
        known = self._weights.get(id(source))
        return -1 if known is None else known[1].number


class Traced(TensorOperators):
    """A tensor while a function is called: its shape and dtype are known, operations are recorded.

    Attributes
    ----------
    tape : Tape
    number : int
        Its number on the tape.
    value : ndarray
        Its value, which a function must not use: no gradient would pass through it.
    """

    __slots__ = ("number", "tape", "value")

    def __init__(self, tape: Tape, number: int, value: Array) -> None:
        self.tape = tape
        self.number = number
        self.value = value

    def _record(self, operation: Operation, inputs: Sequence[Any]) -> Any:
        return self.tape.record(operation, inputs)

    def _operate(self, name: str, *inputs: Any) -> Any:
        if name == "get_item":
            from gru_c.ops.selecting import get_item

            return get_item(*inputs)
        return apply(name, inputs)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape."""
        shape: tuple[int, ...] = self.value.shape
        return shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.value.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.value.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype."""
        return self.value.dtype

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        """The tensor with its axes in reverse order."""
        return apply("transpose", (self,), axes=None)

    def __eq__(self, other: object) -> Any:
        return apply("equal", (self, other))

    def __ne__(self, other: object) -> Any:
        return apply("not_equal", (self, other))

    __hash__ = object.__hash__

    # ---- what needs values ----

    def __bool__(self) -> NoReturn:
        _refuse(
            "the truth of a tensor is not known while a function is traced: write "
            "ops.where(condition, a, b) in place of `if`, and ops.maximum, ops.minimum or "
            "ops.logical_and in place of max, min and `and`"
        )

    def __len__(self) -> NoReturn:
        _refuse("len() of a tensor is not available: write x.shape[0]")

    def __iter__(self) -> NoReturn:
        _refuse("a tensor cannot be iterated over: write ops.unstack(x) or x[i]")

    def __float__(self) -> NoReturn:
        _refuse(
            "a tensor is no number while a function is traced: compute with functions of gru_c.ops"
        )

    __int__ = __index__ = __float__

    def __contains__(self, item: object) -> NoReturn:
        _refuse("`in` asks for values of a tensor: write ops.any(ops.equal(x, value))")

    def __setitem__(self, key: object, value: object) -> NoReturn:
        _refuse("a tensor cannot be changed in place: write ops.where(condition, a, b)")

    def __array__(self, *arguments: Any, **options: Any) -> NoReturn:
        _refuse(
            "NumPy cannot compute with a tensor: use the function of that name in gru_c.ops, such "
            "as ops.mean(x)"
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        from gru_c import ops

        counterpart = {"astype": "cast", "numpy": "stop_gradient"}.get(name, name)
        advice = f": write ops.{counterpart}(x)" if hasattr(ops, counterpart) else ""
        raise AttributeError(f"a tensor has no attribute {name!r}{advice}{_at_line()}")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        function = _counterpart(ufunc.__name__) if method == "__call__" and not options else None
        if function is None:
            words = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
            _refuse(f"numpy.{words} does not take tensors: use functions of gru_c.ops")
        return function(*inputs)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        name = function.__name__
        if name in ("shape", "ndim", "size"):
            return getattr(arguments[0], name)
        counterpart = _counterpart(name)
        if counterpart is None:
            _refuse(f"numpy.{name} does not take tensors: use functions of gru_c.ops")
        try:
            return counterpart(*arguments, **options)
        except TypeError as error:
            _refuse(f"numpy.{name} is not available for tensors so: use ops.{name}, {error}")

    def __repr__(self) -> str:
        return f"<tensor of shape {self.shape}, {self.dtype}>"


def _counterpart(name: str) -> Callable[..., Any] | None:
    """Return the function of `gru_c.ops` that takes the place of one of NumPy."""
    from gru_c import ops

    name = _OF_NUMPY.get(name, name)
    return getattr(ops, name) if name in ops.__all__ else None


def _at_line() -> str:
    """Return the place in the user's program that is executed now, for the end of a message."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back  # type: ignore[assignment]
    if frame is None:
        return ""
    path, line = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(path, line, frame.f_globals).strip()
    return f" (in {Path(path).name}, line {line}{': ' + text if text else ''})"


def _refuse(reason: str) -> NoReturn:
    raise TypeError(f"{reason}{_at_line()}")
