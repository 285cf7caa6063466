"""What a step of a GRU computes besides its weights, as users say it and as the core takes it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gru_c import _core
from gru_c.utils.registry import lookup
from gru_c.utils.validation import check_flag, check_real

ActivationLike = str | Sequence[str | float]  # a name, or (name, alpha), or (name, alpha, beta)
Activation = tuple[int, float, float]  # number in the core, alpha, beta

# By default; the others have none. Keras 3's, and ONNX's where Keras has no such function.
PARAMETERS: Mapping[str, tuple[float, ...]] = {
    "hard_sigmoid": (1 / 6, 1 / 2),
    "affine": (1.0, 0.0),
    "leaky_relu": (0.2,),
    "thresholded_relu": (1.0,),
    "scaled_tanh": (1.0, 1.0),
    "elu": (1.0,),
}
# Where alpha < 0 these fall and rise, so that y = f(x) does not tell the slope at x.
_BENT = {_core.ACTIVATIONS[name]: name for name in ("leaky_relu", "thresholded_relu", "elu")}
_LETTERS = ("alpha", "beta")


@dataclass(frozen=True, slots=True)
class Cell:
    """What a step computes, besides the weights.

    Attributes
    ----------
    reset_after : bool
        Which candidate, see `gru_c.functional`.
    activation, recurrent_activation : tuple of (int, float, float)
        Of the candidate and of the gates: the number in the core, alpha and beta.
    clip : float
        The sums before the activations are held within +-clip.
    zoneout : float
        Probability with which a unit keeps its state over a step.
    """

    reset_after: bool = True
    activation: Activation = (_core.ACTIVATIONS["tanh"], 0.0, 0.0)
    recurrent_activation: Activation = (_core.ACTIVATIONS["sigmoid"], 0.0, 0.0)
    clip: float = math.inf
    zoneout: float = 0.0

    @classmethod
    def checked(
        cls,
        reset_after: bool,
        activation: ActivationLike,
        recurrent_activation: ActivationLike,
        clip: float | None,
        zoneout: float = 0.0,
    ) -> Cell:
        """Check what a user said of a cell; ValueError or TypeError for what cannot be."""
        return cls(
            check_flag("reset_after", reset_after),
            _activation_of("activation", activation),
            _activation_of("recurrent_activation", recurrent_activation),
            check_real("clip", clip, "(0, inf]", optional=True) or math.inf,
            check_real("zoneout", zoneout, "[0, 1)"),
        )

    def require_trainable(self) -> None:
        """Raise ValueError where a training pass would not know the slopes."""
        for which in ("activation", "recurrent_activation"):
            number, alpha, _ = getattr(self, which)
            if number in _BENT and alpha < 0:
                raise ValueError(
                    f"{which} {(_BENT[number], alpha)} of a GRU is for prediction only: with a "
                    "negative alpha its slope does not follow from its value, so there is no "
                    "training pass"
                )


def _activation_of(which: str, given: object) -> Activation:
    """Return what the core takes of a name, or of a tuple or list of a name and parameters."""
    name, *values = given if isinstance(given, (tuple, list)) and given else (given,)
    what = f"{which} of a GRU"
    name = lookup(what, name, {known: known for known in _core.ACTIVATIONS})
    defaults = PARAMETERS.get(name, ())
    if len(values) > len(defaults):
        takes = " and ".join(_LETTERS[: len(defaults)]) or "no parameters"
        raise ValueError(f"{what}: {name!r} takes {takes}, got {given!r}")
    checked = [
        check_real(f"{what}: {letter} of {name!r}", value, "float32")
        for letter, value in zip(_LETTERS, values, strict=False)
    ]
    alpha, beta = (*checked, *defaults[len(values) :], 0.0, 0.0)[:2]
    return _core.ACTIVATIONS[name], alpha, beta
