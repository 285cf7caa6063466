"""A weight of a layer with its gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, as_real
from gru_c.common.tensor_operators import ACTIVE, TensorOperators
from gru_c.common.weight_memory import Memory

if TYPE_CHECKING:
    from gru_c.constraints import Constraint
    from gru_c.regularizers import Regularizer


def refuse_shallow_copy(obj: object) -> NoReturn:
    """Raise TypeError, as ``__copy__`` of objects whose weights must lie in one flat vector."""
    raise TypeError(
        f"a shallow copy of a {type(obj).__name__} would share its weights with the original: "
        "use copy.deepcopy"
    )


class Parameter(TensorOperators):
    """A weight of a layer; in ``call`` of a user's layer, it is a tensor.

    Attributes
    ----------
    name : str
        The name in the layer: ``"kernel"``.
    value : ndarray
        The weight itself: writing to the array changes the weight. Setting the attribute copies
        numbers of the same shape. Part of a flat vector once the layer is in `Parameters`.
    array : ndarray
        The weight, for reading only.
    memory : Memory
        The memory that contains the weight.
    gradient : ndarray
        The gradient that the last backward pass wrote, of the same shape.
    regularizer : Regularizer or None
        The penalty on the weight that is part of a model's loss.
    constraint : Constraint or None
        The condition that the weight satisfies after every optimizer step.
    trainable : bool
        False if training never changes the weight by its gradient: forward passes in training
        update it, such as the moving statistics of a `BatchNormalization`.
    """

    __slots__ = (
        "_value",
        "array",
        "constraint",
        "gradient",
        "memory",
        "name",
        "regularizer",
        "trainable",
    )

    def __init__(
        self,
        name: str,
        value: Array,
        regularizer: Regularizer | None = None,
        constraint: Constraint | None = None,
        gradient: Array | None = None,
        trainable: bool = True,
    ) -> None:
        self.name = name
        value = np.require(value, None, "W")  # an array from a pickle may be read-only
        self.memory = Memory(value)
        self.move(self.memory, value)
        # np.zeros_like would touch the memory.
        self.gradient = np.zeros(value.shape, value.dtype) if gradient is None else gradient
        self.regularizer = regularizer
        self.constraint = constraint
        self.trainable = trainable

    def move(self, memory: Memory, value: Array) -> None:
        """Make an array in that memory the weight."""
        self.memory.leave()
        self.memory = memory
        self._value = memory.hold(value, writeable=True)
        self.array = memory.hold(value)

    @property
    def value(self) -> Array:
        """The weight, for reading and writing."""
        return self.memory.lend(self._value)

    @value.setter
    def value(self, value: npt.ArrayLike) -> None:
        self.value[...] = of_shape(self.name, value, self.array.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the weight."""
        shape: tuple[int, ...] = self.array.shape
        return shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the weight."""
        return self.array.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.array.ndim

    def numpy(self) -> Array:
        """Return a copy of the weight."""
        copy: Array = self.array.copy()
        return copy

    def assign(self, value: npt.ArrayLike) -> None:
        """Set the weight: the same as setting `value`."""
        self.value = value

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        """Return the weight as an array, for functions of NumPy."""
        if ACTIVE.tape is not None:
            raise TypeError(
                f"NumPy would use the weight {self.name!r} without a gradient: use the function "
                "of that name in gru_c.ops"
            )
        return np.array(self.array, dtype)

    def _record(self, operation: Any, inputs: Any) -> Any:
        """Apply an operation of `gru_c.ops` as a tensor, within ``call``, else as an array."""
        return NotImplemented if ACTIVE.tape is None else ACTIVE.tape.record(operation, inputs)

    def _operate(self, name: str, *inputs: Any) -> Any:
        from gru_c import ops  # few programs need it

        return ops.operator(name)(*inputs)

    def __reduce__(self) -> tuple[Any, ...]:
        options = self.regularizer, self.constraint, self.gradient, self.trainable
        return Parameter, (self.name, self.array, *options)

    __copy__ = refuse_shallow_copy

    def __repr__(self) -> str:
        return f"<Parameter {self.name} {self.array.shape} {self.array.dtype}>"


def penalty_of(items: Iterable[Parameter]) -> float:
    """Return the sum of the penalties of the parameters that have a regularizer."""
    total = 0.0
    for item in items:
        if item.regularizer is not None:
            total += item.regularizer(item.value)
    return total


def of_shape(name: str, value: npt.ArrayLike, shape: tuple[int, ...]) -> Array:
    """Return an array of real numbers of that shape; TypeError or ValueError otherwise."""
    array = as_real(name, value)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {shape}, got {array.shape}")
    return array
