"""RMSprop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gru_c import _core
from gru_c.common.arrays import Array
from gru_c.common.validation import check_flag, check_real
from gru_c.optimizers.base import Optimizer, OptimizerOptions, Slots, StepSettings

if TYPE_CHECKING:
    from typing_extensions import Unpack


class RMSprop(Optimizer):
    """Divide gradients by the root of their running mean square (Hinton, lecture 6e, 2012).

    Parameters
    ----------
    learning_rate : float, Schedule or callable
    rho : float
        Share of the running mean that each step keeps: at least 0, below 1.
    momentum : float
        At least 0, below 1.
    epsilon : float
        Number added under the root.
    centered : bool
        Divide by the variance rather than by the mean square.
    weight_decay, clipnorm, ...
        See `Optimizer`.

    Examples
    --------
    >>> from gru_c.optimizers import RMSprop
    >>> RMSprop(momentum=0.9).slot_names()
    ('velocity', 'momentum')
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho = check_real("rho", rho, "[0, 1)")
        self.momentum = check_real("momentum", momentum, "[0, 1)")
        self.epsilon = check_real("epsilon", epsilon, ">= 0")
        self.centered = check_flag("centered", centered)

    def slot_names(self) -> tuple[str, ...]:
        """Return the names of the state vectors that the arguments need."""
        average = ("average",) if self.centered else ()
        return ("velocity", *average, *(("momentum",) if self.momentum else ()))

    def _update(
        self, values: Array, gradients: Array, slots: Slots, settings: StepSettings
    ) -> None:
        average, momentum = slots.get("average"), slots.get("momentum")
        _core.rmsprop(values, gradients, slots["velocity"], average, momentum, self, settings)
