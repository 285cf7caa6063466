"""The weights of some layers in one flat vector, and their gradients in another."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import CACHE_LINE, Array
from gru_c.common.weight_memory import Memory
from gru_c.common.weights_lock import weights_lock
from gru_c.parameters.parameter import Parameter, of_shape, penalty_of, refuse_shallow_copy


class HasParameters(Protocol):
    """The part of a layer's interface that `Parameters` needs; see `gru_c.layers.Layer`."""

    name: str | None
    built: bool
    parameters: list[Parameter]
    _owned_by: Any

    @property
    def owner(self) -> Parameters | None:
        """The `Parameters` that hold the layer's weights."""

    @property
    def trainable_parts(self) -> Sequence[Any]:
        """The layers that can be frozen independently of each other."""

    @property
    def trainable_weights(self) -> list[Parameter]:
        """The weights that training changes."""


class Parameters:
    """All weights of some layers in one flat vector, and all their gradients in another.

    An optimizer step is then one call, and so is a global norm. The layers' weights become views
    of the vectors. `Sequential` makes an object of this class by itself; for other models, make one
    from the layers and give it to ``optimizer.step``.

    The weights of a layer are in one flat vector at a time. Models that share layers take the
    weights from each other when they are trained. `Parameters` made by hand take them, too, and
    keep them until `release` is called or nothing refers to the object any more.

    Parameters
    ----------
    layers : sequence of HasParameters
        Built layers of one dtype. None of them may be part of other `Parameters` made by hand.

    Attributes
    ----------
    values, gradients : ndarray
        The flat vectors. Between weights there may be gaps; in the gradients these are zero.
    message : ndarray
        A cache line for notes and then the gradients: the message that processes exchange.
    items : list of Parameter
        The weights in the order of the layers.
    regularized : list of Parameter
        The weights with a regularizer; `penalty` and `add_penalty_gradient` use the trainable ones.
    constrained : list of Parameter
        The weights with a constraint; an optimizer step applies those of the trainable ones.
    layers : list of HasParameters
        The layers.
    released : bool
        True if the weights may be in other vectors; `values` and an optimizer step then raise.

    Notes
    -----
    The vectors also contain the weights of frozen layers (``layer.trainable = False``), so that a
    layer can be frozen and trained again at any time. An optimizer step changes neither those parts
    of the vectors nor those of its state.

    When weights move to other vectors, arrays obtained before still refer to the former vectors and
    no longer change the weights: ask for ``layer.value`` or `values` again.

    Raises
    ------
    ValueError
        If a layer is not built, has another dtype, is given twice or is part of other `Parameters`
        made by hand.

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

    def __init__(self, layers: Sequence[HasParameters]) -> None:
        self._check(layers)
        self._take(layers)

    @classmethod
    def of_model(cls, layers: Sequence[HasParameters]) -> Parameters:
        """Make the `Parameters` of a model, from which other models may take layers.

        They are then released. When the model needs `Parameters` again, it makes new ones with the
        same weights in the same order, so that its optimizer continues with its state.
        """
        parameters = cls(layers)
        parameters._of_model = True
        return parameters

    def _check(self, layers: Sequence[HasParameters]) -> None:
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

    def _take(self, layers: Sequence[HasParameters]) -> None:
        """Move the weights of checked layers into new flat vectors."""
        self.layers = list(layers)
        self.items = [item for layer in layers for item in layer.parameters]
        self._parts = [part for layer in layers for part in layer.trainable_parts]
        self.regularized = [item for item in self.items if item.regularizer is not None]
        self.constrained = [item for item in self.items if item.constraint is not None]
        self._all_trainable = all(item.trainable for item in self.items)
        self._dtype = self.items[0].array.dtype if self.items else np.dtype(np.float32)
        self._offsets = self._lay_out()
        notes = CACHE_LINE // self._dtype.itemsize
        self.message = self._zeros(notes + self._offsets[-1])
        self.gradients = self._fill(self.message[notes:], [item.gradient for item in self.items])
        values = self._fill(self.zeros(), [item.array for item in self.items])
        self._memory = Memory(values)
        self._values = self._memory.hold(values, writeable=True)
        if self.released:  # a copy of a released object
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
        """The flat vector of the weights, for reading and writing; setting it copies numbers."""
        self.require_held()
        return self._memory.lend(self._values)

    @values.setter
    def values(self, values: npt.ArrayLike) -> None:
        array = of_shape("values", values, self._values.shape)
        with weights_lock.writing(self.layers):
            self.values[:] = array

    @property
    def flat(self) -> Array:
        """The flat vector of the weights, for reading only."""
        return self._values

    def _lay_out(self) -> list[int]:
        """Return where each weight begins, on a cache line, and then the length of the vector."""
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
        """Return a flat vector of zeros, aligned to a cache line, for an optimizer's state."""
        return self._zeros(self._offsets[-1])

    def _zeros(self, length: int) -> Array:
        spare = CACHE_LINE // self._dtype.itemsize
        memory = np.zeros(length + spare, self._dtype)
        first = -memory.ctypes.data % CACHE_LINE // self._dtype.itemsize
        return memory[first : first + length]

    def span(self, layer: HasParameters) -> tuple[int, int]:
        """Return where the weights of a layer begin and end in the flat vectors."""
        before = sum(len(item.parameters) for item in self.layers[: self.layers.index(layer)])
        return self._offsets[before], self._offsets[before + len(layer.parameters)]

    def views(self, flat: Array) -> list[Array]:
        """Split a flat vector into one view per weight, each of its weight's shape."""
        return [
            flat[start : start + item.array.size].reshape(item.array.shape)
            for item, start in zip(self.items, self._offsets, strict=False)
        ]

    @property
    def all_trainable(self) -> bool:
        """True if an optimizer step changes all weights: no layer is frozen."""
        return self._all_trainable and not [part for part in self._parts if not part.trainable]

    @property
    def statistics(self) -> list[Parameter]:
        """The weights of trainable layers that forward passes in training update."""
        if self._all_trainable:
            return []
        parts = [part for part in self._parts if part.trainable and part.moves_statistics]
        return [item for part in parts for item in part.parameters if not item.trainable]

    @property
    def trainable_weights(self) -> list[Parameter]:
        """The weights of the trainable layers, in the order of the layers."""
        return [item for layer in self.layers for item in layer.trainable_weights]

    def trainable_runs(self) -> list[slice]:
        """Return slices of the flat vectors that contain the trainable weights.

        Neighbours share a slice: there is one slice if all weights are trainable, none if none is.
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
        """Return the trainable ones of some weights."""
        trained = set(map(id, self.trainable_weights)) if items else ()
        return [item for item in items if id(item) in trained]

    def penalty(self) -> float:
        """Return the sum of the trainable weights' penalties, which is part of the loss."""
        return penalty_of(self._trainable(self.regularized))

    def add_penalty_gradient(self) -> None:
        """Add the gradient of the penalty to the gradients."""
        for item in self._trainable(self.regularized):
            assert item.regularizer is not None
            item.regularizer.add_gradient(item.value, item.gradient)

    def constrain(self) -> None:
        """Apply the constraints to the trainable weights."""
        for item in self._trainable(self.constrained):
            assert item.constraint is not None
            with np.errstate(over="ignore", invalid="ignore"):  # an overflow shows in the weight
                item.value[...] = item.constraint(item.value)

    def release(self) -> None:
        """Allow other `Parameters` to take the layers; their weights do not change."""
        self.released = True
        for part in (part for layer in self.layers for part in _with_parts(layer)):
            if part.owner is self:
                part._owned_by = None

    def require_held(self) -> None:
        """Raise ValueError if the weights may be in other vectors."""
        if self.released:
            raise ValueError(
                "these Parameters are released: the weights of their layers may lie in the flat "
                "vectors of others by now; take model.parameters, or make new Parameters(layers)"
            )

    # The copy of a view is not a view: copies and pickles contain the layers, and make new flat
    # vectors from them.

    def __getstate__(self) -> dict[str, Any]:
        return {"layers": self.layers, "_of_model": self._of_model, "released": self.released}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._take(self.layers)

    __copy__ = refuse_shallow_copy


def _is_kept(layer: HasParameters) -> bool:
    """Return True if the layer is part of `Parameters` that were made by hand."""
    owner = layer.owner
    return owner is not None and not owner._of_model


def _with_parts(layer: HasParameters) -> list[HasParameters]:
    """Return a layer and its parts, each of which may also be in a model by itself."""
    return [layer, *(part for part in layer.trainable_parts if part is not layer)]
