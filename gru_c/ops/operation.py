"""Operations: functions of arrays with gradients and shapes, and the table of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gru_c.common.arrays import Array, Shape
from gru_c.ops.dtypes import as_arrays, promoted, promoted_to_float

Gradient = Callable[..., Array]


class Operation:
    """A function of arrays that knows its gradient; the node of a graph, or the step of a tape.

    Attributes
    ----------
    name : str
        Name of the function in `gru_c.ops`.
    """

    name: str

    def forward(self, inputs: Sequence[Any], training: bool = False) -> tuple[Array, Any]:
        """Return the output, and the value that `backward` needs.

        Parameters
        ----------
        inputs : sequence of array_like
        training : bool
            True in a forward pass of training.
        """
        raise NotImplementedError

    def backward(
        self, saved: Any, grad_output: Array, wanted: Sequence[bool] | None = None
    ) -> list[Array | None]:
        """Return the gradients of the inputs, None for inputs without one.

        Parameters
        ----------
        saved : object
            The second value that `forward` returned.
        grad_output : ndarray
            Gradient of the output.
        wanted : sequence of bool, optional
            True for each input whose gradient is needed; by default all.
        """
        raise NotImplementedError

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the output for shapes of the inputs; None is an unknown size.

        Raises
        ------
        ValueError
            If the shapes do not go together.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Rule:
    """The rule of an operation of the table.

    Attributes
    ----------
    compute : callable
        ``compute(*inputs, **arguments)`` returns the output.
    gradients : tuple of callable or None, or callable
        For each input ``gradient(d, y, *inputs, **arguments)``, which returns the gradient of the
        input for the gradient `d` of the output `y`, perhaps of a broadcast shape. None: the input
        has no gradient. For any number of inputs one ``gradient(i, d, y, *inputs, **arguments)``.
    shape : callable
        ``shape(*shapes, **arguments)`` returns the shape of the output.
    convert : callable
        Returns the inputs as arrays of the dtypes in which the operation computes.
    """

    compute: Callable[..., Any]
    gradients: tuple[Gradient | None, ...] | Gradient
    shape: Callable[..., Shape]
    convert: Callable[[Sequence[Any]], list[Array]] = promoted


RULES: dict[str, Rule] = {}
FLOATS, ARRAYS = promoted_to_float, as_arrays


_NO_DTYPE = np.dtype(np.bool_)


class Saved(NamedTuple):
    """The values that the backward pass of a `TableOperation` needs."""

    values: list[Array]  # the inputs in the dtype in which they were used
    output: Array
    dtypes: list[np.dtype[Any]]  # of the inputs as they were given


class TableOperation(Operation):
    """An operation of the table.

    Parameters
    ----------
    name : str
        Name in `RULES`.
    arguments : dict, optional
        Arguments of the function that are not arrays, such as axes.
    """

    __slots__ = ("_rule", "arguments", "name")

    def __init__(self, name: str, arguments: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.arguments = dict(arguments or {})
        self._rule = RULES[name]

    def forward(self, inputs: Sequence[Any], training: bool = False) -> tuple[Array, Any]:
        """Return the output and a `Saved`; see `Operation.forward`."""
        values = self._rule.convert(inputs)
        # A constant, which has no dtype before, gets no gradient.
        dtypes = [getattr(x, "dtype", _NO_DTYPE) for x in inputs]
        with np.errstate(all="ignore"):
            y = np.asarray(self._rule.compute(*values, **self.arguments))
        return y, Saved(values, y, dtypes)

    def backward(
        self, saved: Any, grad_output: Array, wanted: Sequence[bool] | None = None
    ) -> list[Array | None]:
        """Return the gradients of the inputs of a floating dtype; see `Operation.backward`."""
        gradients: list[Array | None] = []
        with np.errstate(all="ignore"):
            for i, dtype in enumerate(saved.dtypes):
                rule = self._gradient(i)
                if rule is None or dtype.kind != "f" or (wanted is not None and not wanted[i]):
                    gradients.append(None)
                    continue
                d = rule(grad_output, saved.output, *saved.values, **self.arguments)
                d = unbroadcast(np.asarray(d), saved.values[i].shape)
                gradients.append(d.astype(dtype, copy=False))
        return gradients

    def _gradient(self, i: int) -> Gradient | None:
        gradients = self._rule.gradients
        if isinstance(gradients, tuple):
            return gradients[i]

        def of_input(*values: Any, **arguments: Any) -> Array:
            return gradients(i, *values, **arguments)

        return of_input

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the output; see `Operation.output_shape`."""
        return self._rule.shape(*map(tuple, shapes), **self.arguments)

    def get_config(self) -> dict[str, Any]:
        """Return name and arguments."""
        return {"name": self.name, "arguments": dict(self.arguments)}

    def __repr__(self) -> str:
        words = "".join(f", {name}={value!r}" for name, value in self.arguments.items())
        return f"<operation {self.name}{words}>"


def unbroadcast(d: Array, shape: tuple[int, ...]) -> Array:
    """Return the gradient of an array of that shape which was broadcast to the shape of `d`.

    Examples
    --------
    >>> unbroadcast(np.ones((2, 3)), (2, 1)).tolist()
    [[3.0], [3.0]]
    """
    if d.shape == shape:
        return d
    if d.ndim > len(shape):
        d = d.sum(axis=tuple(range(d.ndim - len(shape))))
    axes = tuple(i for i, size in enumerate(shape) if size == 1 and d.shape[i] != 1)
    if axes:
        d = d.sum(axis=axes, keepdims=True)
    full: Array = d if d.shape == shape else np.broadcast_to(d, shape)
    return full


def apply(name: str, inputs: Sequence[Any], **arguments: Any) -> Any:
    """Return an operation's output: an array, or a tensor if one of the inputs is a tensor.

    A tensor is an object with a method ``_record(operation, inputs)``, which returns the output as
    a tensor. The method may return NotImplemented; then the operation computes with arrays.
    """
    operation = TableOperation(name, arguments)
    for x in inputs:
        record = getattr(x, "_record", None)
        if record is not None:
            output = record(operation, inputs)
            if output is not NotImplemented:
                return output
    return operation.forward(inputs)[0]
