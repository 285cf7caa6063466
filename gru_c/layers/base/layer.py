"""The base class of all layers."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

import numpy as np
import numpy.typing as npt

from gru_c import regularizers
from gru_c.common import keras_names
from gru_c.common.arrays import Array, Shape
from gru_c.common.attributes import INTERNAL, assign
from gru_c.common.validation import check_dtype, check_flag, check_integer, check_sample_shape
from gru_c.initializers import initial_value
from gru_c.layers.base.input_checks import InputChecks
from gru_c.layers.base.keras_arguments import input_shape_from_keras
from gru_c.layers.base.tensor import holds_tensors
from gru_c.layers.base.tensor_calls import call_on_tensors
from gru_c.layers.base.weight_holder import checked_list
from gru_c.parameters import GivenWeights, Parameter, checked_source, refuse_shallow_copy

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from gru_c.parameters import Parameters, Source


FIXED = (
    "cannot change after the layer was made: make a new {cls}(...), and give it the weights with "
    "set_weights"
)

_OF_A_GRAPH = ("_nodes", "record_in_model")  # not part of a copy
_LEFT_OUT_IF_NONE = ("batch_size", "activity_regularizer")


class CommonOptions(TypedDict, total=False):
    """Arguments of all layers but `weights`; see `Layer`."""

    name: str | None
    dtype: npt.DTypeLike | None
    input_shape: Sequence[int | None] | None
    trainable: bool
    batch_size: int | None
    activity_regularizer: object


class LayerOptions(CommonOptions, total=False):
    """Arguments of all layers; see `Layer`."""

    weights: Sequence[npt.ArrayLike] | None


class ForwardOptions(TypedDict, total=False):
    """Arguments that the `forward` of some layers has besides `x` and `training`."""

    initial_state: Any
    mask: npt.ArrayLike | None
    lengths: npt.ArrayLike | None


class Layer(InputChecks):
    """A layer of a model: ``layer(x)`` computes, ``forward`` and ``backward`` train.

    A layer can be used alone or in a model. `forward` with ``training=True`` stores in
    ``layer.tape`` what `backward` needs; `backward` writes the gradients of the weights to
    ``layer.parameters[i].gradient`` and returns the gradient of the input. The tape refers to the
    input and the output: change neither in place before the backward pass. If a layer is used
    several times before its backward pass, keep each ``layer.tape`` and pass it to `backward`,
    with ``accumulate=True`` from the second call on.

    Parameters
    ----------
    name : str, optional
        Name in the model and in saved files, without "/". By default the class's name, numbered
        by the model.
    dtype : {"float32", "float64"}, optional
        Dtype of weights and results; by default the model's, or float32.
    input_shape : tuple of int or None, optional
        Shape of one sample, for the first layer of a model, such as ``(10, 8)``. None stands for
        any length.
    trainable : bool
        False freezes the layer: training leaves its weights unchanged.
    batch_size : int, optional
        Number of sequences in all batches, for the first layer of a stateful model, which refuses
        batches of another size. Keras 2's ``batch_input_shape=(32, 10, 8)`` stands for
        ``input_shape=(10, 8), batch_size=32``.
    activity_regularizer : str or Regularizer, optional
        Penalty on the output, which a model adds to its loss: the penalty of the outputs of a
        batch, divided by the number of its samples. See `gru_c.regularizers`.
    weights : list of array_like, optional
        Initial values of the weights, in the order of `get_weights`.

    Attributes
    ----------
    built : bool
        True once the weights exist.
    built_shape : tuple of int or None
        Input shape that the weights were made for, batch axis first; None before that.
    parameters : list of Parameter
        Weights and gradients.
    tape : object
        The values that the last training forward pass stored for the backward pass.
    """

    def __init__(
        self,
        *,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
        input_shape: Sequence[int | None] | None = None,
        trainable: bool = True,
        batch_size: int | None = None,
        activity_regularizer: object = None,
        weights: Sequence[npt.ArrayLike] | None = None,
    ) -> None:
        if name is not None and (not isinstance(name, str) or not name or "/" in name):
            raise ValueError(f"a layer's name must be a string without '/', got {name!r}")
        self.name = name
        self.dtype = None if dtype is None else check_dtype(dtype).name
        self.input_shape = None if input_shape is None else check_sample_shape(input_shape)
        self.batch_size = check_integer("batch_size", batch_size, 1, optional=True)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.activity: Array | None = None  # the last output in a model, if it has a penalty
        self._initial_weights = None if weights is None else checked_list(self.label, weights)
        self.built = False
        self.built_shape: Shape | None = None
        self._owned_by: weakref.ref[Parameters] | None = None  # which hold its weights
        self.parameters: list[Parameter] = []
        self.tape: Any = None
        self.prefix = ""  # prefix of its weights' names, if it is part of another layer
        self._trainable = check_flag("trainable", trainable)

    # ---- what subclasses define ----

    _keras_names = keras_names.LAYER
    _advice: ClassVar = {
        **dict.fromkeys(("input_shape", "batch_size"), FIXED),
        "weights": "is an argument of the constructor alone: set_weights sets them",
        "activity": INTERNAL,
        "built": "is set by build, which makes the weights",
        "built_shape": "is set by build, which makes the weights",
        **dict.fromkeys(
            (
                *("owned", "part_of", "prefix", "takes_mask", "makes_mask", "reads_masked_steps"),
                *("takes_scalars", "takes_texts", "gives_indices", "gives_tokens", "output_dtype"),
                *("moves_statistics", "mixes_samples", "takes_several", "many_outputs", "nodes"),
                *(
                    "runs_graph",
                    "weight_labels",
                    "record_in_model",
                    "named_by_itself",
                    "call_flags",
                ),
            ),
            INTERNAL,
        ),
        "parameters": "is set by build, which makes the weights: set_weights sets their values",
    }
    not_kept = frozenset({"weights"})  # the layer's parameters hold the values
    _until_built: tuple[str, ...] = ()  # arguments that determine the weights

    part_of = ""  # the class of the layer that uses this layer's settings, if there is one

    def _why_fixed(self, name: str) -> str | None:
        if self.part_of:
            return f"cannot change: the layer is part of a {self.part_of}, make a new one"
        new = f"make a new {type(self).__name__}({name}=...)"
        if name == "dtype" and self.dtype is not None:
            return f"cannot change, it is {self.dtype} already: {new}"
        if self.built and name in self._until_built:
            return f"cannot change after the weights were made: {new}"
        return None

    takes_sequences = False  # True if Keras 2's input_dim is the number of features of a sequence

    @classmethod
    def _from_keras(cls, keywords: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
        """Replace Keras 2's names for the shape of the input by ``input_shape`` and others."""
        return input_shape_from_keras(cls.__name__, keywords, known, cls.takes_sequences)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; see `Configurable.get_config`.

        Rare arguments are left out if they are None.
        """
        config = super().get_config()
        return {k: v for k, v in config.items() if v is not None or k not in _LEFT_OUT_IF_NONE}

    takes_mask = False  # True if `forward` has an argument ``mask``
    reads_masked_steps = False  # True if the layer also computes with the steps outside the mask
    moves_statistics = False  # True if training passes update weights that no optimizer changes
    makes_mask = False  # True if `compute_mask` can exclude time steps
    takes_scalars = False  # True if a sample, for the first layer, may have no axis
    takes_texts = False  # True if the input is texts instead of numbers
    gives_indices = False  # True if the output is integers, which an `Embedding` takes
    output_dtype: str | None = None  # of the output; None: that of the model
    gives_tokens = False  # True if the output is texts or other tokens, which no layer takes
    differentiable = True  # False if `backward` cannot return the gradient of the input
    mixes_samples = False  # True if a sample's result depends on the other samples of its batch

    @property
    def inner_layers(self) -> tuple[Layer, ...]:
        """The layers that are part of this one and compute for it."""
        return ()

    @property
    def stepwise(self) -> bool:
        """True if the layer can process time steps one by one, as `Sequential.stream` does.

        Such a layer computes each step of its output from the same step of its input alone.
        """
        return False

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the output shape for an input shape, batch axis first.

        Raises
        ------
        ValueError
            If the layer cannot take input of that shape.
        """
        return input_shape

    def weight_shapes(self, input_shape: Shape) -> dict[str, tuple[int, ...]]:
        """Return the names and shapes of the weights, in the order of `get_weights`."""
        return {}

    @property
    def mixes_time(self) -> bool:
        """True if an output step depends on later input steps, or the time axis is lost."""
        return False

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> Array | None:
        """Return the mask of the output: which of its time steps count.

        Parameters
        ----------
        x : array_like
            Input.
        mask : ndarray of bool, shape (B, T), optional
            True for the steps of the input that count; None if all do.

        Returns
        -------
        ndarray of bool, shape (B, T), or None
            A layer that keeps the time axis returns `mask` itself.
        """
        return mask

    def prepare_input(self, x: Array) -> Array:
        """Return a model's input in the form that this layer takes, if it is the first layer.

        The model passes all samples at once, before it changes anything, so a layer that has to
        refuse values does it here.
        """
        return x

    def open_shape(self, shape: tuple[int, ...]) -> Shape:
        """Return the shape to build for, from the shape of data: None where any length fits."""
        return (*(None for _ in shape[:-1]), *shape[-1:])

    def forward(self, x: Array, *, training: bool = False) -> Any:
        """Return the output; with ``training=True`` store ``self.tape`` for `backward`."""
        raise NotImplementedError(self._to_define("forward(x, *, training=False)"))

    def backward(
        self,
        d_output: Array,
        *,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
    ) -> Any:
        """Write the weights' gradients and return the gradient of the input.

        Parameters
        ----------
        d_output : ndarray
            Gradient of the loss with respect to the output.
        tape : object, optional
            An earlier ``layer.tape``; by default that of the last training forward pass.
        accumulate : bool
            Add to the weights' gradients instead of replacing them.
        input_gradient : bool
            False skips the gradient of the input, and returns None.
        keep_tape : bool
            False lets the layer overwrite the tape, which saves memory and time.
        """
        raise NotImplementedError(self._to_define("backward(d_output, ...)"))

    def hold_weights(self, hold: bool) -> None:
        """Prepare for forward passes without changes of weights (True), or end that (False)."""

    # ---- building ----

    def build(self, input_shape: Shape, rng: Source = None) -> None:
        """Make the weights.

        Parameters
        ----------
        input_shape : tuple of int or None
            Shape of the input, batch axis first: ``(None, 10, 8)``.
        rng : numpy.random.Generator or int, optional
            Source of the initial weights, or its seed. Loaders pass `GivenWeights`.

        Raises
        ------
        ValueError
            If the layer is built already, or cannot take input of that shape.
        """
        if self.__dict__.get("_building") is not None:
            return  # called by a user's build
        if self.built:
            raise ValueError(f"layer {self.label!r} is built already")
        self.compute_output_shape(input_shape)  # checks the shape
        dtype = np.dtype(self.dtype or np.float32)
        source = self._source_of_weights(rng, input_shape)
        parameters = [
            self._make_parameter(name, shape, dtype, source)
            for name, shape in self.weight_shapes(input_shape).items()
        ]
        self._take_parameters(parameters, dtype.name, input_shape)

    def _source_of_weights(
        self, rng: Source, input_shape: Shape
    ) -> np.random.Generator | GivenWeights:
        """Return the source of the weights: given ones, the constructor's, or random numbers."""
        source, initial = checked_source(rng), self._initial_weights
        if initial is None or isinstance(source, GivenWeights):
            return source
        wanted = len(self.weight_shapes(input_shape))
        if len(initial) != wanted:
            raise ValueError(f"layer {self.label!r} has {wanted} weights, got {len(initial)}")
        return GivenWeights(initial)

    def _take_parameters(
        self, parameters: list[Parameter], dtype: str | None, input_shape: Shape
    ) -> None:
        shape = (None, *input_shape[1:])
        assign(self, parameters=parameters, dtype=dtype, built_shape=shape, built=True)
        assign(self, _initial_weights=None)

    def _make_parameter(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        source: np.random.Generator | GivenWeights,
    ) -> Parameter:
        """Return a weight with its initial value, in the memory order that the core reads."""
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

    def __call__(
        self, x: Any, *, training: bool | None = None, **options: Unpack[ForwardOptions]
    ) -> Any:
        """Return the output for `x`, arrays or symbolic tensors. The first call builds the layer.

        `options` are further arguments of the layer's `forward`.
        """
        if type(x) is not np.ndarray and holds_tensors(x):
            return call_on_tensors(self, x, training, dict(options))
        if hasattr(x, "_record"):
            from gru_c.layers.base.traced_call import call_on_tensor  # imports gru_c.ops

            return call_on_tensor(self, x, training, dict(options))
        training = None if training is None else check_flag("training", training)
        array = self.named_input(x)
        if not self.built:
            self.build(self.open_shape(array.shape))
        forward: Any = self.forward  # few layers have all of the options
        return forward(array, training=bool(training), **options)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state of a copy or pickle, without the owner of the weights and the tape.

        A copy belongs to a model only if it is copied together with it.
        """
        state = {**self.__dict__, "_owned_by": None, "tape": None, "activity": None}
        return {name: value for name, value in state.items() if name not in _OF_A_GRAPH}

    __copy__ = refuse_shallow_copy
