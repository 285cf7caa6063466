"""Weights and their gradients: one by one for the layers, as one flat vector for the optimizer."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from gru_c.utils.arrays import CACHE_LINE, Array, as_real
from gru_c.utils.weight_memory import Memory

if TYPE_CHECKING:
    from gru_c.constraints import Constraint
    from gru_c.regularizers import Regularizer

    # Of weights that are being made.
    Source: TypeAlias = "np.random.Generator | int | GivenWeights | None"

NOTES = 8  # numbers in the first cache line of a message, in either dtype


def refuse_shallow_copy(obj: object) -> NoReturn:
    """Stand for ``__copy__``: two objects would move the same weights into two flat vectors."""
    raise TypeError(
        f"a shallow copy of a {type(obj).__name__} would share its weights with the original: "
        "use copy.deepcopy"
    )


def penalty_of(items: Iterable[Parameter]) -> float:
    """Return the sum of the penalties of those that have a regularizer."""
    total = 0.0
    for item in items:
        if item.regularizer is not None:
            total += item.regularizer(item.value)
    return total


class Parameter:
    """A weight of a layer.

    Attributes
    ----------
    name : str
        Its name in the layer: ``"kernel"``.
    value : ndarray
        The weight itself: what is written there is the weight from then on. Setting the attribute
        copies numbers of the same shape. In a flat vector once the layer is part of `Parameters`.
    array : ndarray
        The same, for reading.
    memory : Memory
        What the weight lies in.
    gradient : ndarray
        The gradient that the last backward pass wrote, of the same shape.
    regularizer : Regularizer or None
        What a model's loss adds for the weight's size.
    constraint : Constraint or None
        What the weight satisfies after every optimizer step.
    """

    __slots__ = ("_value", "array", "constraint", "gradient", "memory", "name", "regularizer")

    def __init__(
        self,
        name: str,
        value: Array,
        regularizer: Regularizer | None = None,
        constraint: Constraint | None = None,
        gradient: Array | None = None,
    ) -> None:
        self.name = name
        value = np.require(value, None, "W")  # that of a pickle may be read-only
        self.move(Memory(value), value)
        # np.zeros_like would touch the memory.
        self.gradient = np.zeros(value.shape, value.dtype) if gradient is None else gradient
        self.regularizer = regularizer
        self.constraint = constraint

    def move(self, memory: Memory, value: Array) -> None:
        """Let the weight be this array, which lies in that memory."""
        self.memory = memory
        self._value = memory.hold(value, writeable=True)
        self.array = memory.hold(value)

    @property
    def value(self) -> Array:
        """The weight, to be read and changed."""
        return self.memory.lend(self._value)

    @value.setter
    def value(self, value: npt.ArrayLike) -> None:
        self.value[...] = _of_shape(self.name, value, self.array.shape)

    def __reduce__(self) -> tuple[Any, ...]:
        state = self.name, self.array, self.regularizer, self.constraint, self.gradient
        return Parameter, state

    __copy__ = refuse_shallow_copy

    def __repr__(self) -> str:
        return f"<Parameter {self.name} {self.array.shape} {self.array.dtype}>"


class GivenWeights:
    """Weights for layers that are being built, in the place of a random generator.

    Layers take them in the order of `Layer.get_weights`. Nothing is drawn, and nothing can be left
    out: a layer that finds none left raises, and so does `end` where there are more.

    Parameters
    ----------
    arrays : iterable of array_like
        The weights.
    fresh : bool
        Whether they are nobody else's, so that those that suit are taken as they are.
    """

    def __init__(self, arrays: Iterable[npt.ArrayLike], *, fresh: bool = False) -> None:
        self._arrays = list(arrays)[::-1]
        self._fresh = fresh

    def take(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Return the next one as an array of `dtype`; ValueError unless it is there and fits.

        `name` is what messages call the weight.
        """
        if not self._arrays:
            raise ValueError(f"{name} is missing: too few weights are given")
        array = _of_shape(name, self._arrays.pop(), shape)
        flags = array.flags
        suits = array.dtype == dtype and flags.c_contiguous and flags.aligned and flags.writeable
        return array if self._fresh and suits else np.array(array, dtype, order="C")

    def end(self) -> None:
        """Raise ValueError unless all have been taken."""
        if self._arrays:
            raise ValueError(f"{len(self._arrays)} weights more are given than the layers have")


def _of_shape(name: str, value: npt.ArrayLike, shape: tuple[int, ...]) -> Array:
    """Return real numbers of that shape, or raise what says what they are."""
    array = as_real(name, value)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {shape}, got {array.shape}")
    return array


def checked_source(source: Source) -> np.random.Generator | GivenWeights:
    """Return weights that are given as they are, else a random generator."""
    return source if isinstance(source, GivenWeights) else np.random.default_rng(source)


class Layer(Protocol):
    """The parts of a layer that `Parameters` needs; `gru_c.layers.Layer` has them."""

    name: str | None
    built: bool
    parameters: list[Parameter]
    _owned_by: Any

    @property
    def owner(self) -> Parameters | None:
        """The `Parameters` that hold the layer's weights."""

    @property
    def trainable_parts(self) -> Sequence[Any]:
        """The layers that may be frozen each by itself."""

    @property
    def trainable_weights(self) -> list[Parameter]:
        """The weights that training changes."""


class Parameters:
    """All weights of some layers in one flat vector, and all their gradients in another.

    An optimizer step is then one call, and so is a global norm. The layers' weights become views
    of the vectors. `Sequential` makes one of these by itself; models that are no chain make one of
    their layers and give it to ``optimizer.step``.

    The weights of a layer lie in one flat vector at a time. Models that share layers take them over
    from each other, each when it is trained. `Parameters` made by hand take them over, too, and
    keep them until `release` is called or nothing refers to them any more.

    Parameters
    ----------
    layers : sequence of Layer
        Built layers of one dtype, none of which is part of other `Parameters` made by hand.

    Attributes
    ----------
    values, gradients : ndarray
        The flat vectors. The gaps between weights belong to none of them; those of the gradients
        are zero.
    message : ndarray
        The gradients behind a cache line for notes, as processes send them to each other.
    items : list of Parameter
        The weights in the order of the layers.
    regularized : list of Parameter
        Those with a regularizer: `penalty` and `add_penalty_gradient` are for the trainable ones.
    constrained : list of Parameter
        Those with a constraint, which an optimizer's step ends with, again for the trainable ones.
    layers : list of Layer
        Whose they are.
    released : bool
        Whether the weights may lie elsewhere; `values` and an optimizer's step then raise.

    Notes
    -----
    The vectors hold the weights of frozen layers (``layer.trainable = False``), too, so that a
    layer can be frozen and trained again at any time. An optimizer's step leaves those parts of
    the vectors, and of its state, as they are.

    Where weights move to other vectors, arrays that have been handed out before stay with the
    former ones, and change nothing any more: ask for ``layer.value`` or `values` again.

    Raises
    ------
    ValueError
        When a layer is not built, of another dtype, given twice or kept by others.

    Examples
    --------
    >>> from gru_c import Dense, GRU, Parameters
    >>> encoder, head = GRU(3), Dense(1)
    >>> encoder.build((None, 10, 8), rng=0)
    >>> head.build((None, 3), rng=1)
    >>> Parameters([encoder, head]).items[0]
    <Parameter kernel (8, 9) float32>
    """

    released = False
    _of_model = False

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._check(layers)
        self._take(layers)

    @classmethod
    def of_model(cls, layers: Sequence[Layer]) -> Parameters:
        """Make those of a model, which others may take layers from.

        They are released then. The model makes its own anew when it needs them, with the same
        weights in the same order, so that its optimizer goes on with the state that it has.
        """
        parameters = cls(layers)
        parameters._of_model = True
        return parameters

    def _check(self, layers: Sequence[Layer]) -> None:
        for layer in layers:
            if not layer.built:
                raise ValueError(f"layer {layer.name!r} is not built: it has no weights yet")
            if layers.count(layer) > 1 or any(map(_is_kept, _with_parts(layer))):
                raise ValueError(
                    f"layer {layer.name!r} is already part of a model; its weights cannot lie in "
                    "two flat vectors: take copy.deepcopy of the layers, or call release() of the "
                    "Parameters that they are part of"
                )
        dtypes = {item.array.dtype for layer in layers for item in layer.parameters}
        if len(dtypes) > 1:
            names = ", ".join(sorted(str(dtype) for dtype in dtypes))
            raise ValueError(f"layers of one model must have one dtype, got {names}")

    def _take(self, layers: Sequence[Layer]) -> None:
        """Move the weights of checked layers into new flat vectors."""
        self.layers = list(layers)
        self.items = [item for layer in layers for item in layer.parameters]
        self._parts = [part for layer in layers for part in layer.trainable_parts]
        self.regularized = [item for item in self.items if item.regularizer is not None]
        self.constrained = [item for item in self.items if item.constraint is not None]
        self._dtype = self.items[0].array.dtype if self.items else np.dtype(np.float32)
        self._offsets = self._lay_out()
        notes = CACHE_LINE // self._dtype.itemsize
        self.message = self._zeros(notes + self._offsets[-1])
        self.gradients = self._fill(self.message[notes:], [item.gradient for item in self.items])
        values = self._fill(self.zeros(), [item.array for item in self.items])
        self._memory = Memory(values)
        self._values = self._memory.hold(values, writeable=True)
        if self.released:  # the copy of one that was
            return
        views = zip(self.items, self.views(values), self.views(self.gradients), strict=True)
        for item, value, gradient in views:
            item.move(self._memory, value)
            item.gradient = gradient
        reference = weakref.ref(self)
        for part in (part for layer in layers for part in _with_parts(layer)):
            if part.owner is not None:
                part.owner.release()
            part._owned_by = reference

    @property
    def values(self) -> Array:
        """The flat vector of the weights, to be read and changed; setting it copies numbers."""
        self.require_held()
        return self._memory.lend(self._values)

    @values.setter
    def values(self, values: npt.ArrayLike) -> None:
        self.values[:] = _of_shape("values", values, self._values.shape)

    @property
    def flat(self) -> Array:
        """The flat vector of the weights, for reading: it must not be written to."""
        return self._values

    def _lay_out(self) -> list[int]:
        """Where each weight begins, on a cache line; the last entry is the vector's length."""
        step = CACHE_LINE // self._dtype.itemsize
        offsets = [0]
        for item in self.items:
            offsets.append(offsets[-1] + -(-item.array.size // step) * step)
        return offsets

    def _fill(self, flat: Array, arrays: list[Array]) -> Array:
        for view, array in zip(self.views(flat), arrays, strict=True):
            view[...] = array
        return flat

    def zeros(self) -> Array:
        """Return a zero vector of the flat length, on a cache line: an optimizer's slot."""
        return self._zeros(self._offsets[-1])

    def _zeros(self, length: int) -> Array:
        spare = CACHE_LINE // self._dtype.itemsize
        memory = np.zeros(length + spare, self._dtype)
        first = -memory.ctypes.data % CACHE_LINE // self._dtype.itemsize
        return memory[first : first + length]

    def span(self, layer: Layer) -> tuple[int, int]:
        """Return where the weights of a layer begin and end in the flat vectors."""
        before = sum(len(one.parameters) for one in self.layers[: self.layers.index(layer)])
        return self._offsets[before], self._offsets[before + len(layer.parameters)]

    def views(self, flat: Array) -> list[Array]:
        """Split a flat vector into one view per weight, each of its weight's shape."""
        return [
            flat[start : start + item.array.size].reshape(item.array.shape)
            for item, start in zip(self.items, self._offsets, strict=False)
        ]

    @property
    def all_trainable(self) -> bool:
        """Whether no layer is frozen."""
        return not [part for part in self._parts if not part.trainable]

    @property
    def trainable_weights(self) -> list[Parameter]:
        """The weights of the layers that are trainable, in their order."""
        return [item for layer in self.layers for item in layer.trainable_weights]

    def trainable_runs(self) -> list[slice]:
        """Return where in the flat vectors the trainable weights lie, neighbours as one slice.

        One slice of everything where no layer is frozen, none where all are.
        """
        if self.all_trainable:
            return [slice(0, self._offsets[-1])]
        trained = set(map(id, self.trainable_weights))
        runs: list[slice] = []
        for item, start, end in zip(self.items, self._offsets, self._offsets[1:], strict=False):
            if id(item) in trained:
                if runs and runs[-1].stop == start:
                    start = runs.pop().start
                runs.append(slice(start, end))
        return runs

    def _trainable(self, items: list[Parameter]) -> list[Parameter]:
        """Return those of some weights that are trainable."""
        trained = set(map(id, self.trainable_weights)) if items else ()
        return [item for item in items if id(item) in trained]

    def penalty(self) -> float:
        """Return the sum of the trainable weights' penalties, which belongs to the loss."""
        return penalty_of(self._trainable(self.regularized))

    def add_penalty_gradient(self) -> None:
        """Add the penalty's gradient to those that a backward pass has written."""
        for item in self._trainable(self.regularized):
            assert item.regularizer is not None
            item.regularizer.add_gradient(item.value, item.gradient)

    def constrain(self) -> None:
        """Apply the constraints to the trainable weights."""
        for item in self._trainable(self.constrained):
            assert item.constraint is not None
            with np.errstate(over="ignore", invalid="ignore"):  # the weight itself shows it
                item.value[...] = item.constraint(item.value)

    def release(self) -> None:
        """Let the layers become part of other `Parameters`; their weights stay as they are."""
        self.released = True
        for part in (part for layer in self.layers for part in _with_parts(layer)):
            if part.owner is self:
                part._owned_by = None

    def require_held(self) -> None:
        """Raise ValueError when the weights may lie elsewhere."""
        if self.released:
            raise ValueError(
                "these Parameters are released: the weights of their layers may lie in the flat "
                "vectors of others by now; take model.parameters, or make new Parameters(layers)"
            )

    # A copy of an array is no view any more, so copies and pickles hold the layers alone, and the
    # flat vectors are made anew from them.

    def __getstate__(self) -> dict[str, Any]:
        return {"layers": self.layers, "_of_model": self._of_model, "released": self.released}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._take(self.layers)

    __copy__ = refuse_shallow_copy


def _is_kept(layer: Layer) -> bool:
    """Whether the layer is part of `Parameters` that have been made by hand."""
    owner = layer.owner
    return owner is not None and not owner._of_model


def _with_parts(layer: Layer) -> list[Layer]:
    """Return a layer and what it is made of, which may be part of a model by itself."""
    return [layer, *(part for part in layer.trainable_parts if part is not layer)]
