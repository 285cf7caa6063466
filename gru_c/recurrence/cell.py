"""The settings of a cell: activations, clipping and zoneout, as the core takes them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gru_c import _core
from gru_c.common.owners import name_owner
from gru_c.common.registry import lookup
from gru_c.common.validation import check_flag, check_real

# The cells as they are called in messages, by their classes' names, which are those in the core.
IN_WORDS: Mapping[str, str] = {"GRU": "a GRU", "LSTM": "an LSTM", "SimpleRNN": "a SimpleRNN"}
# By the cells' numbers in the core.
_KINDS = tuple(sorted(_core.CELLS, key=_core.CELLS.__getitem__))
_GATES = tuple({"GRU": 3, "LSTM": 4, "SimpleRNN": 1}[kind] for kind in _KINDS)
_GRU, _LSTM = _core.CELLS["GRU"], _core.CELLS["LSTM"]

ActivationLike = str | Sequence[str | float]  # a name, or (name, alpha), or (name, alpha, beta)
Activation = tuple[int, float, float]  # number in the core, alpha, beta

# Defaults of alpha and beta; other activations have neither. They are Keras 3's, and ONNX's where
# Keras has no such function.
PARAMETERS: Mapping[str, tuple[float, ...]] = {
    "hard_sigmoid": (1 / 6, 1 / 2),
    "affine": (1.0, 0.0),
    "leaky_relu": (0.2,),
    "thresholded_relu": (1.0,),
    "scaled_tanh": (1.0, 1.0),
    "elu": (1.0,),
}
# With alpha < 0 these functions fall and rise, so that the slope at x does not follow from f(x).
_NOT_MONOTONIC = {
    _core.ACTIVATIONS[name]: name for name in ("leaky_relu", "thresholded_relu", "elu")
}
_PARAMETER_NAMES = ("alpha", "beta")
# Activations of `gru_c.activations` that the core does not compute.
_OF_OTHER_LAYERS = frozenset(
    [
        "exponential",
        "gelu",
        "hard_silu",
        "hard_swish",
        "hard_tanh",
        "log_sigmoid",
        "log_softmax",
        "mish",
        "relu6",
        "selu",
        "silu",
        "softmax",
        "swish",
    ]
)


@dataclass(frozen=True, slots=True)
class Cell:
    """The settings of a cell.

    Attributes
    ----------
    reset_after : bool
        Variant of a GRU's candidate state; see `gru_c.functional`. True for other cells.
    activation, recurrent_activation : tuple of (int, float, float)
        Function of the candidate and of the gates: its number in the core, alpha and beta.
    clip : float
        The arguments of the activations are limited to +-clip.
    zoneout : float
        Probability with which a unit keeps its states in a time step.
    number : int
        The cell's number in the core; see ``_core.CELLS``.
    """

    reset_after: bool = True
    activation: Activation = (_core.ACTIVATIONS["tanh"], 0.0, 0.0)
    recurrent_activation: Activation = (_core.ACTIVATIONS["sigmoid"], 0.0, 0.0)
    clip: float = math.inf
    zoneout: float = 0.0
    number: int = _core.CELLS["GRU"]

    @classmethod
    def checked(
        cls,
        reset_after: bool,
        activation: ActivationLike,
        recurrent_activation: ActivationLike,
        clip: float | None,
        zoneout: float = 0.0,
        kind: str = "GRU",
    ) -> Cell:
        """Return the cell for a user's arguments; ValueError or TypeError for invalid ones."""
        try:
            return cls(
                check_flag("reset_after", reset_after),
                _activation_of("activation", activation, kind),
                _activation_of("recurrent_activation", recurrent_activation, kind),
                check_real("clip", clip, "(0, inf]", optional=True) or math.inf,
                check_real("zoneout", zoneout, "[0, 1)"),
                _core.CELLS[kind],
            )
        except (TypeError, ValueError) as error:
            name_owner(error, {kind: IN_WORDS[kind]})
            raise

    @property
    def kind(self) -> str:
        """The name of the class of layers that have this cell, such as "GRU"."""
        return _KINDS[self.number]

    @property
    def gates(self) -> int:
        """Number of gates G: the weights are G H wide."""
        return _GATES[self.number]

    @property
    def states(self) -> int:
        """Number of states: 2 of an LSTM, h and c."""
        return 2 if self.number == _LSTM else 1

    @property
    def two_biases(self) -> bool:
        """True if the bias has two rows, for x W and for h U."""
        return self.reset_after and self.number == _GRU

    @property
    def is_trainable(self) -> bool:
        """True if there is a training pass."""
        return not any(map(_is_for_prediction, (self.activation, self.recurrent_activation)))

    def require_trainable(self) -> None:
        """Raise ValueError for an activation that cannot be trained."""
        for argument in ("activation", "recurrent_activation"):
            activation = number, alpha, _ = getattr(self, argument)
            if _is_for_prediction(activation):
                label = f"{argument} {(_NOT_MONOTONIC[number], alpha)} of {IN_WORDS[self.kind]}"
                raise ValueError(
                    f"{label} is for prediction only: with a negative alpha its slope does not "
                    "follow from its value, so there is no training pass"
                )


def _is_for_prediction(activation: Activation) -> bool:
    number, alpha, _ = activation
    return number in _NOT_MONOTONIC and alpha < 0


def _activation_of(argument: str, activation: object, kind: str) -> Activation:
    """Return an activation as the core takes it, given a name, or a name and parameters."""
    parts = activation if isinstance(activation, (tuple, list)) and activation else (activation,)
    name, *values = parts
    label = f"{argument} of {IN_WORDS[kind]}"
    if isinstance(name, str) and name.lower() in _OF_OTHER_LAYERS:
        raise ValueError(
            f"unknown {label} {name!r}: it is one of other layers, such as Activation and Dense; "
            f"{IN_WORDS[kind]} computes {', '.join(sorted(_core.ACTIVATIONS))}"
        )
    name = lookup(label, name, {known: known for known in _core.ACTIVATIONS})
    defaults = PARAMETERS.get(name, ())
    if len(values) > len(defaults):
        takes = " and ".join(_PARAMETER_NAMES[: len(defaults)]) or "no parameters"
        raise ValueError(f"{label}: {name!r} takes {takes}, got {activation!r}")
    checked = [
        check_real(f"{label}: {letter} of {name!r}", value, "float32")
        for letter, value in zip(_PARAMETER_NAMES, values, strict=False)
    ]
    alpha, beta = (*checked, *defaults[len(values) :], 0.0, 0.0)[:2]
    return _core.ACTIVATIONS[name], alpha, beta
