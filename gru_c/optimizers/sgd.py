"""Gradient descent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gru_c import _core
from gru_c.common.arrays import Array
from gru_c.common.validation import check_flag, check_real
from gru_c.optimizers.base import Optimizer, OptimizerOptions, Slots, StepSettings

if TYPE_CHECKING:
    from typing_extensions import Unpack


class SGD(Optimizer):
    """Gradient descent, optionally with momentum.

    ``v = momentum * v - rate * g; w += v``, or ``w += momentum * v - rate * g`` with `nesterov`.

    Parameters
    ----------
    learning_rate : float, Schedule or callable
    momentum : float
        At least 0, below 1.
    nesterov : bool
        True for Nesterov momentum.
    weight_decay, clipnorm, ...
        See `Optimizer`.

    Examples
    --------
    >>> from gru_c.optimizers import SGD
    >>> SGD(0.1, momentum=0.9).momentum
    0.9
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = check_real("momentum", momentum, "[0, 1)")
        self.nesterov = check_flag("nesterov", nesterov)

    def slot_names(self) -> tuple[str, ...]:
        """Return ("momentum",) if momentum is not 0, else ()."""
        return ("momentum",) if self.momentum else ()

    def _update(
        self, values: Array, gradients: Array, slots: Slots, settings: StepSettings
    ) -> None:
        _core.sgd(values, gradients, slots.get("momentum"), self, settings)
