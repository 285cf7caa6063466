"""The weights of a layer: reading, setting, counting and freezing them."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from gru_c.common.arrays import Array, as_real
from gru_c.common.registry import Configurable, snake_case
from gru_c.common.validation import check_flag
from gru_c.common.weights_lock import weights_lock
from gru_c.parameters import penalty_of

if TYPE_CHECKING:
    from gru_c.parameters import Parameter, Parameters


_CHANGES = itertools.count(1)


class WeightHolder(Configurable):
    """Base of `Layer`: an object with named weights."""

    _kind = False  # for the checks of attributes, `Layer` is the base of the kind

    name: str | None
    built: bool
    parameters: list[Parameter]
    prefix: str
    _trainable: bool
    _owned_by: weakref.ref[Parameters] | None

    changes: ClassVar[int] = 0  # a number that changes when any layer's attribute is set

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "call" in vars(cls) and cls._by_user:
            from gru_c.layers.base.traced_call import prepare  # imports gru_c.ops

            prepare(cls)

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: object = None,
        dtype: npt.DTypeLike | None = None,
        trainable: bool = True,
        *,
        regularizer: object = None,
        constraint: object = None,
        name: str | None = None,
    ) -> Parameter:
        """Return a new weight, in ``build(self, input_shape)`` of a user's layer.

        Parameters
        ----------
        shape : tuple of int
        initializer : str or Initializer, optional
            By default "glorot_uniform", and "zeros" for a weight called "bias".
        dtype : dtype, optional
            That of the layer, which is the default.
        trainable : bool
            False: training does not change the weight.
        regularizer, constraint : str or object, optional
            See `gru_c.regularizers` and `gru_c.constraints`.
        name : str, optional
            By default "variable", with a number if there are several.

        Raises
        ------
        ValueError
            Outside of `build`, for an unknown size, or for a name that another weight has.
        """
        from gru_c.layers.base.traced_call import add_weight  # imports gru_c.ops

        return add_weight(
            self,
            shape,
            initializer,
            dtype=dtype,
            trainable=trainable,
            regularizer=regularizer,
            constraint=constraint,
            name=name,
        )

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        self.note_change()

    @staticmethod
    def note_change() -> None:
        """Let networks look at the settings of their layers again, after `assign` has set one."""
        WeightHolder.changes = next(_CHANGES)

    @property
    def label(self) -> str:
        """The name, or the class's name while the layer has none."""
        return self.name or snake_case(type(self).__name__)

    @property
    def weight_labels(self) -> list[str]:
        """The names of the weights in files, in the order of `get_weights`."""
        return [item.name for item in self.parameters]

    def value(self, name: str) -> Array:
        """Return the weight of that name, not a copy: writing to it changes the weight.

        The weight moves in memory when a model begins to train the layer: then call this again.
        """
        return self._parameter(name).value

    def _weight(self, name: str) -> Array:
        """Return the weight of that name for reading."""
        return self._parameter(name).array

    def gradient(self, name: str) -> Array:
        """Return the gradient of the weight of that name, not a copy."""
        return self._parameter(name).gradient

    def _parameter(self, name: str) -> Parameter:
        for parameter in self.parameters:
            if parameter.name == self.prefix + name:
                return parameter
        known = ", ".join(p.name for p in self.parameters) or "none: is it built?"
        raise ValueError(f"layer {self.label!r} has no weight {name!r}; it has: {known}")

    def _option(self, weight: str, kind: str) -> Any:
        """Return the "initializer", "regularizer" or "constraint" of a weight, or None.

        It is the value of the attribute ``<weight>_<kind>``.
        """
        return getattr(self, f"{weight}_{kind}", None)

    def _to_define(self, method: str) -> str:
        """Return the message about a method that a class of layers lacks."""
        return (
            f"{type(self).__name__} must define {method}, or call(x) with functions of gru_c.ops, "
            "which gru_c differentiates"
        )

    def get_weights(self) -> list[Array]:
        """Return copies of the weights, in Keras's order and shapes."""
        return [parameter.array.copy() for parameter in self.parameters]

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Set all weights; nothing is changed unless all of them fit.

        Parameters
        ----------
        weights : sequence of array_like
            As `get_weights` returns them, or `get_weights` of the Keras layer of the same name.

        Raises
        ------
        ValueError
            If the layer is not built, or the number of arrays or a shape does not fit.
        TypeError
            If an array does not hold real numbers.
        """
        set_values([self], weights, f"layer {self.label!r}", built=self.built)

    def count_params(self) -> int:
        """Return the number of weights."""
        self._require_built("count_params")
        return sum(parameter.array.size for parameter in self.parameters)

    def _require_built(self, action: str) -> None:
        if not self.built:
            raise ValueError(
                f"layer {self.label!r} has no weights yet, so {action} is not possible: call "
                "layer.build(input_shape) or layer(x), or add it to a model with an input shape"
            )

    @property
    def owner(self) -> Parameters | None:
        """The `Parameters` that the layer's weights lie in, as long as something refers to them."""
        return None if self._owned_by is None else self._owned_by()

    @property
    def trainable(self) -> bool:
        """True if training changes the weights. May be set at any time, for the steps that follow.

        The weights of a frozen layer (False) get no optimizer step, no weight decay and no
        constraint. Their gradients do not count in gradient norms, nor their penalties in the loss.
        The optimizer's state for them stays unchanged meanwhile. Dropout remains active.
        """
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = check_flag("trainable", value)

    @property
    def trainable_parts(self) -> tuple[Any, ...]:
        """The layers that hold the weights and can be frozen separately: here the layer itself."""
        return (self,)

    @property
    def trainable_weights(self) -> list[Parameter]:
        """The weights that training changes."""
        parts = [part for part in self.trainable_parts if part.trainable]
        return [item for part in parts for item in part.parameters if item.trainable]

    @property
    def non_trainable_weights(self) -> list[Parameter]:
        """The weights that training leaves unchanged."""
        trained = set(map(id, self.trainable_weights))
        return [item for item in self.parameters if id(item) not in trained]

    def penalty(self) -> float:
        """Return the sum of the penalties of the trainable weights that have a regularizer."""
        return penalty_of(self.trainable_weights)


def checked_list(label: str, weights: Sequence[npt.ArrayLike]) -> list[Array]:
    """Return the `weights` of a constructor as arrays, or raise TypeError or ValueError."""
    if not isinstance(weights, (list, tuple)):
        raise TypeError(
            f"weights of layer {label!r} must be a list of arrays, as from get_weights, got "
            f"{type(weights).__name__}"
        )
    arrays = [as_real(f"weights[{i}]", weight) for i, weight in enumerate(weights)]
    for i, array in enumerate(arrays):
        if not np.isfinite(array).all():
            raise ValueError(f"weights[{i}] of layer {label!r} must be finite, got NaN or infinity")
    return arrays


def set_values(
    holders: Sequence[WeightHolder], weights: Sequence[npt.ArrayLike], owner: str, *, built: bool
) -> None:
    """Copy `weights` into the parameters of `holders` after checking all of them."""
    parameters = [item for holder in holders for item in holder.parameters]
    if not built:
        raise ValueError(f"{owner} has no weights yet: build it before set_weights")
    if not hasattr(weights, "__len__") or isinstance(weights, (str, Mapping, Set)):
        without_len = isinstance(weights, Iterable) and not hasattr(weights, "__len__")
        hint = ": write list(...)" if without_len else ""
        raise TypeError(
            f"{owner}: weights must be a list of {len(parameters)} arrays, as from get_weights, "
            f"got {type(weights).__name__}{hint}"
        )
    if len(weights) != len(parameters):
        raise ValueError(f"{owner} has {len(parameters)} weights, got {len(weights)}")
    arrays = [
        as_real(parameter.name, weight)
        for parameter, weight in zip(parameters, weights, strict=True)
    ]
    for parameter, array in zip(parameters, arrays, strict=True):
        if array.shape != parameter.array.shape:
            raise ValueError(
                f"{owner}: {parameter.name} has shape {parameter.array.shape}, got {array.shape}"
            )
    with weights_lock.writing(holders):
        for parameter, array in zip(parameters, arrays, strict=True):
            parameter.value[...] = array
