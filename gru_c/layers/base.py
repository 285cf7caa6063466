"""What all layers have in common."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np
import numpy.typing as npt

from gru_c.initializers import initial_value
from gru_c.parameters import (
    GivenWeights,
    Parameter,
    checked_source,
    penalty_of,
    refuse_shallow_copy,
)
from gru_c.utils import keras_names
from gru_c.utils.arrays import Array, Shape, as_real
from gru_c.utils.attributes import INTERNAL, assign
from gru_c.utils.registry import Configurable, snake_case
from gru_c.utils.validation import check_dtype, check_flag, check_sample_shape

if TYPE_CHECKING:
    from gru_c.parameters import Parameters, Source


FIXED = (
    "cannot change after the layer was made: make a new {cls}(...), and give it the weights with "
    "set_weights"
)


class Layer(Configurable):
    """A piece of a model: ``layer(x)`` computes, ``forward`` and ``backward`` train.

    A layer works by hand as well as in a model. `forward` with ``training=True`` keeps in
    ``layer.tape`` what `backward` needs; `backward` writes the gradients of the weights to
    ``layer.parameters[i].gradient`` and returns the gradient of the input. The tape refers to what
    went in and what came out: change neither in place before the backward pass. A layer that is
    used several times before its backward pass: keep each ``layer.tape`` and give it to
    `backward`, with ``accumulate=True`` from the second on.

    Parameters
    ----------
    name : str, optional
        Name in the model and in saved files, without "/". By default the class's name, numbered
        by the model.
    dtype : {"float32", "float64"}, optional
        Of weights and results; by default the model's, or float32.
    input_shape : tuple of int or None, optional
        Shape of one sample, for the first layer of a model: ``(10, 8)``. None stands for any
        length.
    trainable : bool
        False freezes the layer: training leaves its weights as they are.

    Attributes
    ----------
    built : bool
        Whether the weights exist.
    built_shape : tuple of int or None
        Input shape that the weights were made for, batch axis first; None before.
    parameters : list of Parameter
        Weights and gradients.
    tape : object
        What the last training forward pass left for the backward pass.
    """

    def __init__(
        self,
        *,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
        input_shape: Sequence[int | None] | None = None,
        trainable: bool = True,
    ) -> None:
        if name is not None and (not isinstance(name, str) or not name or "/" in name):
            raise ValueError(f"a layer's name must be a string without '/', got {name!r}")
        self.name = name
        self.dtype = None if dtype is None else check_dtype(dtype).name
        self.input_shape = None if input_shape is None else check_sample_shape(input_shape)
        self.built = False
        self.built_shape: Shape | None = None
        self._owned_by: weakref.ref[Parameters] | None = None  # that its weights lie in
        self.parameters: list[Parameter] = []
        self.tape: Any = None
        self.prefix = ""  # of its weights' names, where it is part of another layer
        self._trainable = check_flag("trainable", trainable)

    # ---- what a kind of layer says about itself ----

    _keras_names = keras_names.LAYER
    _advice: ClassVar = {
        "input_shape": FIXED,
        "built": "is set by build, which makes the weights",
        "built_shape": "is set by build, which makes the weights",
        **dict.fromkeys(("owned", "part_of", "prefix", "takes_mask", "makes_mask"), INTERNAL),
        "parameters": "is set by build, which makes the weights: set_weights sets their values",
    }
    _until_built: tuple[str, ...] = ()  # arguments that say what weights there are

    part_of = ""  # the class of a layer that works with this one's settings

    def _why_fixed(self, name: str) -> str | None:
        if self.part_of:
            return f"cannot change: the layer is part of a {self.part_of}, make a new one"
        new = f"make a new {type(self).__name__}({name}=...)"
        if name == "dtype" and self.dtype is not None:
            return f"cannot change, it is {self.dtype} already: {new}"
        if self.built and name in self._until_built:
            return f"cannot change after the weights were made: {new}"
        return None

    takes_mask = False  # whether `forward` has an argument ``mask``
    makes_mask = False  # whether `compute_mask` says of steps that they do not count

    @property
    def stepwise(self) -> bool:
        """Whether the layer can take the time steps one by one, as `Sequential.stream` does.

        A layer that says so computes each step of its output from that step of its input alone.
        """
        return False

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Shape of the output for an input shape, batch axis first; ValueError if it cannot be."""
        return input_shape

    def weight_shapes(self, input_shape: Shape) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the weights, in the order of `get_weights`."""
        return {}

    @property
    def mixes_time(self) -> bool:
        """Whether an output step depends on later steps of the input, or there are none left."""
        return False

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> Array | None:
        """Say which time steps of the output count.

        Parameters
        ----------
        x : array_like
            Input.
        mask : ndarray of bool, shape (B, T), optional
            Which steps of the input count; None means all.

        Returns
        -------
        ndarray of bool, shape (B, T), or None
            `mask` itself, from a layer that keeps the time axis.
        """
        return mask

    def prepare_input(self, x: Array) -> Array:
        """Return a model's input as this layer takes it, if it is the first.

        The model gives all its samples at once, before it changes anything, so this is where
        values are refused.
        """
        return x

    def open_shape(self, shape: tuple[int, ...]) -> Shape:
        """Return the shape to build for, given that of data: None where any length will do."""
        return (*(None for _ in shape[:-1]), *shape[-1:])

    def forward(self, x: Array, *, training: bool = False) -> Any:
        """Compute the output; with ``training=True`` keep ``self.tape`` for `backward`."""
        raise NotImplementedError

    def backward(
        self,
        d_output: Array,
        *,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
    ) -> Any:
        """Write the weights' gradients and return that of the input.

        Parameters
        ----------
        d_output : ndarray
            Gradient of the loss with respect to the output.
        tape : object, optional
            A former ``layer.tape``; by default that of the last training forward pass.
        accumulate : bool
            Add to the weights' gradients rather than replace them.
        input_gradient : bool
            False saves the work where the input's gradient is not wanted, and returns None.
        keep_tape : bool
            False lets the layer use up the tape, which saves memory and time.
        """
        raise NotImplementedError

    def hold_weights(self, hold: bool) -> None:
        """Prepare for forward passes during which no weight changes (True), or end that (False)."""

    # ---- common to all ----

    def build(self, input_shape: Shape, rng: Source = None) -> None:
        """Make the weights.

        Parameters
        ----------
        input_shape : tuple of int or None
            Shape of the input, batch axis first: ``(None, 10, 8)``.
        rng : numpy.random.Generator or int, optional
            Source of the initial weights, or its seed. Loaders hand over `GivenWeights`.

        Raises
        ------
        ValueError
            When the layer is built already or the shape does not suit it.
        """
        if self.built:
            raise ValueError(f"layer {self.label!r} is built already")
        self.compute_output_shape(input_shape)  # checks the shape
        dtype = np.dtype(self.dtype or np.float32)
        source = checked_source(rng)
        parameters = [
            self._make_parameter(name, shape, dtype, source)
            for name, shape in self.weight_shapes(input_shape).items()
        ]
        self._take_parameters(parameters, dtype.name, input_shape)

    def _take_parameters(
        self, parameters: list[Parameter], dtype: str | None, input_shape: Shape
    ) -> None:
        shape = (None, *input_shape[1:])
        assign(self, parameters=parameters, dtype=dtype, built_shape=shape, built=True)

    def _make_parameter(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        source: np.random.Generator | GivenWeights,
    ) -> Parameter:
        """Return a weight with its first value, in the order in memory that the core reads."""
        constraint = self._option(name, "constraint")
        if constraint is not None:
            constraint.check(f"{name} of layer {self.label!r}", shape)
        if isinstance(source, GivenWeights):
            value = source.take(f"{name} of layer {self.label!r}", shape, dtype)
        else:
            initializer = self._option(name, "initializer")
            owner = f"the initializer of {name} of layer {self.label!r}"
            value = initial_value(initializer, shape, dtype, source, owner)
        return Parameter(name, value, self._option(name, "regularizer"), constraint)

    def fits_dtype(self, dtype: str) -> bool:
        """Whether the layer can be part of a model of this dtype."""
        return self.dtype in (None, dtype)

    def take_dtype(self, dtype: str) -> None:
        """Become part of a model of this dtype, which fits."""
        assign(self, dtype=dtype)

    def _option(self, weight: str, kind: str) -> Any:
        """Return the "initializer", "regularizer" or "constraint" of a weight, if it has one.

        It is the attribute named after both.
        """
        return getattr(self, f"{weight}_{kind}", None)

    def __call__(self, x: npt.ArrayLike, *, training: bool = False, **arguments: Any) -> Any:
        """Compute the output for `x`, building the layer on first use."""
        check_flag("training", training)
        array = as_real("x", x)
        if not self.built:
            self.build(self.open_shape(array.shape))
        return self.forward(array, training=training, **arguments)

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights; may be set at any time, for the steps to come.

        The weights of a frozen layer (False) get no optimizer step, no weight decay and no
        constraint; their gradients enter no norm, their penalties no loss; and what the optimizer
        keeps for them waits until the layer is trained again. Dropout goes on.
        """
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = check_flag("trainable", value)

    @property
    def trainable_parts(self) -> tuple[Layer, ...]:
        """The layers that hold the weights and can be frozen one by one: here the layer itself."""
        return (self,)

    @property
    def trainable_weights(self) -> list[Parameter]:
        """The weights that training changes."""
        return [item for part in self.trainable_parts if part.trainable for item in part.parameters]

    @property
    def non_trainable_weights(self) -> list[Parameter]:
        """The weights that training leaves as they are."""
        trained = set(map(id, self.trainable_weights))
        return [item for item in self.parameters if id(item) not in trained]

    @property
    def label(self) -> str:
        """The name, or that of the class as long as the layer has none."""
        return self.name or snake_case(type(self).__name__)

    def value(self, name: str) -> Array:
        """Return the weight of that name, itself and not a copy: it may be changed through it.

        It moves when a model begins to train the layer: then ask for it again.
        """
        return self._parameter(name).value

    def _weight(self, name: str) -> Array:
        """Return the weight of that name for reading."""
        return self._parameter(name).array

    def gradient(self, name: str) -> Array:
        """Return the gradient of the weight of that name, itself and not a copy."""
        return self._parameter(name).gradient

    def _parameter(self, name: str) -> Parameter:
        for parameter in self.parameters:
            if parameter.name == self.prefix + name:
                return parameter
        known = ", ".join(p.name for p in self.parameters) or "none: is it built?"
        raise ValueError(f"layer {self.label!r} has no weight {name!r}; it has: {known}")

    def get_weights(self) -> list[Array]:
        """Return copies of the weights, in Keras's order and shapes."""
        return [parameter.array.copy() for parameter in self.parameters]

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Set all weights at once; nothing is changed unless all of them fit.

        Parameters
        ----------
        weights : sequence of array_like
            As from `get_weights`, also that of the Keras layer of the same name.

        Raises
        ------
        ValueError
            When the layer is not built, or the number of arrays or a shape does not fit.
        TypeError
            When an array does not hold real numbers.
        """
        set_values(self.parameters, weights, f"layer {self.label!r}", built=self.built)

    @property
    def owner(self) -> Parameters | None:
        """The `Parameters` that the layer is part of, as long as something refers to them."""
        return None if self._owned_by is None else self._owned_by()

    def penalty(self) -> float:
        """Return the sum of the penalties of the trainable weights that have a regularizer."""
        return penalty_of(self.trainable_weights)

    def count_params(self) -> int:
        """Return the number of weights."""
        self._require_built("count_params")
        return sum(parameter.array.size for parameter in self.parameters)

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles: a copy belongs to no model until it is copied with one."""
        return {**self.__dict__, "_owned_by": None, "tape": None}

    __copy__ = refuse_shallow_copy

    def _require_built(self, what: str) -> None:
        if not self.built:
            raise ValueError(
                f"layer {self.label!r} has no weights yet, so {what} is not possible: call "
                "layer.build(input_shape) or layer(x), or add it to a model with an input shape"
            )

    def _refuse_shape(self, wanted: str, given: Shape) -> NoReturn:
        raise ValueError(f"layer {self.label!r} wants input of shape {wanted}, got {given}")

    def _refuse_features(self, features: int, given: Array) -> NoReturn:
        raise ValueError(
            f"layer {self.label!r} is built for {features} features on the last axis, "
            f"got x of shape {given.shape}"
        )

    def _require_features(self, input_shape: Shape) -> None:
        """Raise ValueError unless the input is (batch, ..., features), with known features."""
        if len(input_shape) < 2 or not input_shape[-1]:
            self._refuse_shape("(batch, ..., features)", input_shape)

    def _require_sequences(self, input_shape: Shape) -> None:
        """Raise ValueError unless the input is (batch, time, features), with known features."""
        if len(input_shape) != 3 or not input_shape[2]:
            self._refuse_shape("(batch, time, features)", input_shape)

    def _as_input(self, x: npt.ArrayLike) -> Array:
        """`x` in the layer's dtype, once the layer is built."""
        self._require_built("forward")
        return as_real("x", x, self.dtype)

    def _take_tape(self, tape: Any) -> Any:
        """Return the tape to go back on."""
        tape = self.tape if tape is None else tape
        if tape is None:
            raise ValueError(
                f"layer {self.label!r} has no tape: call forward(x, training=True) before backward"
            )
        return tape

    def _as_gradient(self, d_output: npt.ArrayLike, shape: tuple[int, ...]) -> Array:
        """`d_output` in the layer's dtype, of the output's shape."""
        gradient = as_real("d_output", d_output, self.dtype)
        if gradient.shape != shape:
            raise ValueError(
                f"d_output of layer {self.label!r} must have the shape of its output, {shape}, "
                f"got {gradient.shape}"
            )
        return gradient


def set_values(
    parameters: Sequence[Parameter], weights: Sequence[npt.ArrayLike], owner: str, *, built: bool
) -> None:
    """Copy `weights` into `parameters` after checking every one."""
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
    for parameter, array in zip(parameters, arrays, strict=True):
        parameter.value[...] = array
