"""The layer that calls a function of the user."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from gru_c import activations
from gru_c.common.arrays import Array, Shape
from gru_c.common.validation import check_flag, check_sizes
from gru_c.common.warnings import warn
from gru_c.layers.base import FIXED, LayerOptions
from gru_c.layers.base.tensor import PHASE, holds_tensors
from gru_c.layers.base.weightless_layer import WeightlessLayer, WeightlessTape

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Lambda(WeightlessLayer):
    """Return ``function(x)``, computed by NumPy.

    Training can pass through the layer if the function computes by operators and functions of
    `gru_c.ops`, or is an `Activation` of `gru_c.activations` or a function of that module. Other
    functions can be used where no gradient is needed: before all layers with weights that are
    trained, and in models that are not trained.

    Parameters
    ----------
    function : callable or Activation
        It takes an array (B, ...) and returns an array (B, ...). It may have arguments named
        ``mask`` and ``training``, which it then gets.
    output_shape : tuple of int or None, or callable, optional
        Shape of one sample of the output; or a function of the input's shape (B, ...) that returns
        the output's. By default the function is called with small arrays to find it out.
    mask : ndarray of bool or callable, optional
        Mask of the output, or a function of the input and its mask that returns it. By default the
        output has none, as in Keras.
    arguments : dict, optional
        Further keyword arguments of the function.
    name, dtype, input_shape, trainable, batch_size, activity_regularizer, weights
        See `Layer`.

    Raises
    ------
    TypeError
        If an argument has the wrong type.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import GRU, Lambda, Sequential
    >>> model = Sequential([Lambda(lambda x: x[..., None], input_shape=(10,)), GRU(4)])
    >>> model.output_shape
    (None, 4)
    """

    instead_of_saving: ClassVar = (
        ". Nothing from a file is executed, so a Lambda cannot be saved: make the model in the "
        "program again, and give it the weights with set_weights; for a function of "
        "gru_c.activations use an Activation layer"
    )
    _advice: ClassVar = {
        **WeightlessLayer._advice,
        **dict.fromkeys(("function", "output_shape", "arguments", "differentiable"), FIXED),
    }
    not_kept = frozenset({*WeightlessLayer.not_kept, "output_shape"})  # which shows the shape built

    def __init__(
        self,
        function: Callable[..., Any] | activations.Activation,
        output_shape: Sequence[int | None] | Callable[[Shape], Shape] | None = None,
        mask: Any = None,
        arguments: Mapping[str, Any] | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        if isinstance(function, type) or not (
            callable(function) or isinstance(function, activations.Activation)
        ):
            raise TypeError(f"function of a Lambda must be callable, got {function!r}")
        if output_shape is not None and not callable(output_shape):
            output_shape = check_sizes("output_shape", output_shape)
        if arguments is not None and not isinstance(arguments, Mapping):
            raise TypeError(f"arguments must be a dict, got {arguments!r}")
        self.function = function
        self._wanted_shape = output_shape
        self.mask = mask
        self.arguments = dict(arguments or {})
        self._activation = _known_activation(function)
        called = self._activation.forward if self._activation else function
        self._takes = _argument_names(called) if self._activation is None else frozenset()

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; see `Configurable.get_config`."""
        return {**super().get_config(), "output_shape": self._wanted_shape}

    @property
    def differentiable(self) -> bool:  # type: ignore[override]
        """True if gru_c knows the derivative of the function, or can follow what it computes."""
        return self._activation is not None or self._why_not_traced() is None

    def _why_not_traced(self) -> Exception | None:
        """Return the error of a call with a tensor of the shape that the layer is built for."""
        if self.built_shape is None:
            return None
        known = self.__dict__.setdefault("_reasons", {})
        if self.built_shape not in known:
            x = np.ones([2 if size is None else size for size in self.built_shape], self.dtype)
            known[self.built_shape] = None
            try:
                self._trace(x, np.ones(x.shape[:2], bool), True)
            except Exception as error:
                known[self.built_shape] = error
        reason: Exception | None = known[self.built_shape]
        return reason

    def _trace(self, x: Array, mask: Array | None, training: bool) -> Any:
        """Call the function with a tensor, and return the input and the output as tensors."""
        from gru_c.ops.tape import Tape, Traced  # few layers need it

        tape = Tape(training)
        tensor = tape.tensor(x)
        with tape:
            result = self._call(tensor, mask, training)
        if not isinstance(result, Traced):
            raise TypeError(f"it returns {type(result).__name__}, which functions of NumPy made")
        return tensor, result

    @property
    def stepwise(self) -> bool:
        """True if the function is an activation, which computes each time step by itself."""
        return self._activation is not None

    @property
    def mixes_time(self) -> bool:
        """True unless the function is an activation: gru_c does not know what it mixes."""
        return self._activation is None

    # ---- shapes ----

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the output's shape as `output_shape` says, or as calls of the function show.

        Raises
        ------
        ValueError
            If the function raises an exception for arrays of that shape.
        """
        wanted = self._wanted_shape
        if callable(wanted):
            return tuple(wanted(input_shape))
        if wanted is not None:
            return (input_shape[0], *wanted)
        if self._activation is not None or not input_shape:
            return input_shape
        small, large = (self._example_shape(input_shape, size) for size in (2, 3))
        if len(small) != len(large):
            raise ValueError(f"layer {self.label!r}: give output_shape=, which its function varies")
        sizes = [a if a == b else None for a, b in zip(small[1:], large[1:], strict=True)]
        return (input_shape[0], *sizes)

    def _example_shape(self, input_shape: Shape, size: int) -> tuple[int, ...]:
        """Return the shape of the function's result for ones, with `size` for open sizes."""
        x = np.ones([size, *(known or size for known in input_shape[1:])], self.dtype or "float32")
        try:
            with np.errstate(all="ignore"):
                return np.shape(self._call(x, np.ones(x.shape[:2], bool), False))
        except Exception as error:
            raise ValueError(
                f"layer {self.label!r}: its function raises {type(error).__name__} for an array of "
                f"shape {x.shape}: {error}. Give output_shape= if it takes other arrays"
            ) from error

    def open_shape(self, shape: tuple[int, ...]) -> Shape:
        """Return the shape to build for: the sizes of the data, since functions may need them."""
        return (None, *shape[1:])

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> Any:
        """Return the mask that the argument `mask` stands for."""
        return self.mask(x, mask) if callable(self.mask) else self.mask

    takes_mask = True

    # ---- computing ----

    def __call__(self, x: Any, *, training: bool | None = None, **options: Any) -> Any:
        """Return the output; for a list or dict of symbolic tensors, what the function returns.

        The function's operations are then part of the graph, and the layer is not.
        """
        if not isinstance(x, (list, tuple, Mapping)) or not holds_tensors(x):
            return super().__call__(x, training=training, **options)
        result = self._call(x, None, PHASE if training is None else training)  # type: ignore[arg-type]
        if not holds_tensors(result):
            raise TypeError(
                f"the function of layer {self.label!r} must return a tensor that operators and "
                f"functions of gru_c.ops compute, got {type(result).__name__}"
            )
        return result

    def _call(self, x: Any, mask: Array | None, training: bool) -> Any:
        if self._activation is not None:
            return self._activation.forward(x)
        context = {"mask": mask, "training": training}
        extra = {name: value for name, value in context.items() if name in self._takes}
        function: Any = self.function
        return function(x, **{**self.arguments, **extra})

    def forward(
        self, x: npt.ArrayLike, *, training: bool = False, mask: Array | None = None
    ) -> Array:
        """Return the function's result in the layer's dtype.

        Raises
        ------
        ValueError
            If it is not an array of real numbers with the samples of x along the first axis.
        """
        check_flag("training", training)
        array = self._as_input(x)
        if self.mask is None and mask is not None:
            warn(
                f"layer {self.label!r} (Lambda) gets a mask and passes none on, so all steps of "
                "its output count: give it mask=lambda x, mask: mask if they correspond"
            )
        traced = None
        if training and self._activation is None and self.differentiable:
            traced = self._trace(array, mask, training)
        result = traced[1].value if traced else np.asarray(self._call(array, mask, training))
        if result.dtype.kind not in "fiub":
            raise ValueError(
                f"the function of layer {self.label!r} must return an array of real numbers, got "
                f"{result.dtype}"
            )
        if result.shape[:1] != array.shape[:1]:
            raise ValueError(
                f"the function of layer {self.label!r} must return an array with {len(array)} "
                f"samples, as it was given, got shape {result.shape}"
            )
        y = result.astype(self.dtype, copy=False)
        if training:
            activation = self._activation
            saved = traced if activation is None else activation.keep(array, y)
            self._set_tape(WeightlessTape(saved, y.shape))
        return y

    def input_gradient_of(self, saved: Any, d_output: Array) -> Array:
        """Return the gradient of the input; TypeError if the derivative is not known."""
        if self._activation is not None:
            return self._activation.gradient(saved, d_output)
        if saved is None:
            raise TypeError(self.why_not_differentiable())
        x, result = saved
        d = d_output.astype(result.dtype, copy=False)
        gradient: Array | None = x.tape.gradients(result, d, [x])[0]
        return np.zeros_like(x.value) if gradient is None else gradient

    def why_not_differentiable(self) -> str:
        """Return the message for training that would need the derivative of the function."""
        name = getattr(self.function, "__name__", repr(self.function))
        return (
            f"gru_c does not differentiate {name!r}, the function of layer {self.label!r}, which "
            f"layers below it need for training: {self._why_not_traced()}. Compute by functions of "
            "gru_c.ops, or put the layer before all that are trained"
        )


def _known_activation(function: object) -> activations.Activation | None:
    """Return the activation with the derivative of a function; None if it is not known."""
    try:
        return activations.get(function)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _argument_names(function: Any) -> frozenset[str]:
    """Return the names of a function's arguments; none if Python does not know them."""
    try:
        return frozenset(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return frozenset()
