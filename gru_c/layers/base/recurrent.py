"""The base class of the layers that compute a recurrent cell over sequences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from gru_c import activations, constraints, initializers, regularizers
from gru_c._core import WEIGHT_FORMATS
from gru_c.common.arrays import Array, Shape
from gru_c.common.registry import lookup
from gru_c.common.validation import check_flag, check_integer, check_real
from gru_c.constraints import Constraint
from gru_c.initializers import Initializer
from gru_c.initializers.user_function import InitializerFunction
from gru_c.layers.base import FIXED
from gru_c.layers.base.recurrent_passes import RecurrentPasses
from gru_c.recurrence.cell import IN_WORDS, ActivationLike, Cell
from gru_c.recurrence.checkpointing import check_every
from gru_c.recurrence.memory import TapeMemory
from gru_c.recurrence.options import weights_format_of
from gru_c.regularizers import Regularizer

if TYPE_CHECKING:
    from gru_c.parameters import Source

_WEIGHTS = ("kernel", "recurrent", "bias")  # as the constructor's arguments name them

# The arguments of the constructors that are checked one by one. Each function takes the argument's
# name and value, and returns the value of the attribute of that name.
_ARGUMENTS: Mapping[str, Callable[[str, Any], object]] = {
    "units": lambda name, value: check_integer(name, value, 1),
    "use_bias": check_flag,
    **{f"{weight}_initializer": lambda _, value: initializers.get(value) for weight in _WEIGHTS},
    **{f"{weight}_regularizer": lambda _, value: regularizers.get(value) for weight in _WEIGHTS},
    **{f"{weight}_constraint": lambda _, value: constraints.get(value) for weight in _WEIGHTS},
    "return_sequences": check_flag,
    "return_state": check_flag,
    "go_backwards": check_flag,
    "zero_output_for_mask": check_flag,
    "stateful": check_flag,
    "time_major": check_flag,
    "dropout": lambda name, value: check_real(name, value, "[0, 1)"),
    "recurrent_dropout": lambda name, value: check_real(name, value, "[0, 1)"),
    "checkpoint_every": lambda _, value: check_every(value),
}


class Recurrent(RecurrentPasses):
    """Base of `GRU`, `LSTM` and `SimpleRNN`, which add their constructors.

    Attributes
    ----------
    cell_kind : str
        Name of the cell, that of the class.
    """

    cell_kind: ClassVar[str]
    units: int
    cell: Cell
    takes_mask = takes_sequences = True
    kernel_initializer: Initializer | InitializerFunction
    recurrent_initializer: Initializer | InitializerFunction
    bias_initializer: Initializer | InitializerFunction
    kernel_regularizer: Regularizer | None
    recurrent_regularizer: Regularizer | None
    bias_regularizer: Regularizer | None
    kernel_constraint: Constraint | None
    recurrent_constraint: Constraint | None
    bias_constraint: Constraint | None

    _advice: ClassVar = {
        **RecurrentPasses._advice,
        **dict.fromkeys(("activation", "recurrent_activation", "cell"), FIXED),
    }
    _until_built: tuple[str, ...] = (
        "units",
        "use_bias",
        "kernel_initializer",
        "kernel_regularizer",
        "kernel_constraint",
        "recurrent_initializer",
        "recurrent_regularizer",
        "recurrent_constraint",
        "bias_initializer",
        "bias_regularizer",
        "bias_constraint",
        "return_state",
        "time_major",
    )

    _derived: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "zoneout": ("cell", "_packed"),
        "clip": ("cell", "_packed"),
        "inference_weights": ("_packed",),
        "stateful": ("state",),
    }

    @property
    def plain_class(self) -> type[Any]:
        """The class of gru_c that the layer has or is derived from."""
        return next(cls for cls in type(self).__mro__ if cls.__name__ == self.cell_kind)

    def _set(self, arguments: Mapping[str, Any]) -> None:
        """Check the arguments of the constructor and set the attributes."""
        for argument, check in _ARGUMENTS.items():
            setattr(self, argument, check(argument, arguments[argument]))
        label = f"inference_weights of {IN_WORDS[self.cell_kind]}"
        formats = {known: known for known in WEIGHT_FORMATS}
        self.inference_weights = lookup(label, arguments["inference_weights"], formats)
        activation = _without_function(arguments["activation"])
        recurrent_activation = _without_function(arguments.get("recurrent_activation", "sigmoid"))
        self.cell = Cell.checked(
            arguments.get("reset_after", True),
            activation,
            recurrent_activation,
            arguments["clip"],
            arguments["zoneout"],
            self.cell_kind,
        )
        self.activation = _as_tuple(activation)
        if "recurrent_activation" in arguments:
            self.recurrent_activation = _as_tuple(recurrent_activation)
        self.zoneout = arguments["zoneout"]
        self.clip = arguments["clip"]
        self.set_seed(arguments["seed"])
        weights_format_of(self.inference_weights, self.dtype or np.float32)
        self._memory = TapeMemory()
        self._packed: tuple[Array, list[int]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_packed": None}

    def build(self, input_shape: Shape, rng: Source = None) -> None:
        """Make the weights; see `Layer.build`. ValueError for float64 weights of fewer bits."""
        weights_format_of(self.inference_weights, self.dtype or np.float32)
        super().build(input_shape, rng)

    @property
    def stepwise(self) -> bool:
        """True unless the last time step comes first, or the layer is ``time_major``."""
        return not self.go_backwards and not self.time_major

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (B, T, H) or (B, H); ValueError unless the input is (B, T, features)."""
        self._require_sequences(input_shape)
        first, second, _ = input_shape
        if self.return_sequences:
            return (first, second, self.units)
        return (second if self.time_major else first, self.units)

    def weight_shapes(self, input_shape: Shape) -> dict[str, tuple[int, ...]]:
        """Return the shapes of kernel, recurrent_kernel and, with ``use_bias``, bias."""
        width = self.cell.gates * self.units
        shapes: dict[str, tuple[int, ...]] = {
            "kernel": (input_shape[2] or 0, width),
            "recurrent_kernel": (self.units, width),
        }
        if self.use_bias:
            shapes["bias"] = (2, width) if self.cell.two_biases else (width,)
        return shapes

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> Array | None:
        """Return the mask with ``return_sequences``; without it the output has no time steps.

        As in Keras, ``go_backwards`` does not reverse the mask, though it reverses the output.
        """
        return mask if self.return_sequences else None

    def _option(self, weight: str, kind: str) -> Any:
        return super()._option("recurrent" if weight == "recurrent_kernel" else weight, kind)

    @property
    def directions(self) -> tuple[Recurrent, ...]:
        """The layer itself; a `Bidirectional` has two directions."""
        return (self,)

    @property
    def mixes_time(self) -> bool:
        """True if the time steps are taken from the last to the first."""
        return self.go_backwards


def _without_function(activation: Any) -> ActivationLike:
    """Return the name of an activation function, "linear" for None; names stay as given."""
    if activation is None:
        return "linear"
    if callable(activation) or isinstance(activation, activations.Activation):
        return activations.get(activation).name
    return activation  # type: ignore[no-any-return]  # checked by `Cell.checked`


def _as_tuple(activation: ActivationLike) -> ActivationLike:
    """Return a name and parameters as a tuple: files give lists."""
    return activation if isinstance(activation, str) else tuple(activation)
