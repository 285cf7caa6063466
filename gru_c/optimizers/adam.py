"""Adam and AdamW."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gru_c import _core
from gru_c.common.arrays import Array
from gru_c.common.validation import check_flag, check_real
from gru_c.optimizers.base import Optimizer, OptimizerOptions, SharedOptions, Slots, StepSettings
from gru_c.optimizers.pieces import Piece, blend, update_by_pieces

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Adam(Optimizer):
    """Adam, in the "epsilon hat" form of the paper's section 2, as Keras has it.

    Parameters
    ----------
    learning_rate : float, Schedule or callable
    beta_1, beta_2 : float
        Shares of the running means, of the gradient and of its square, that each step keeps: at
        least 0, below 1.
    epsilon : float
        Number added to the root of the mean square, before the bias correction.
    amsgrad : bool
        Divide by the root of the largest mean square so far.
    weight_decay, clipnorm, ...
        See `Optimizer`.

    References
    ----------
    D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, arXiv:1412.6980.

    Examples
    --------
    >>> from gru_c.optimizers import Adam
    >>> Adam(3e-3, global_clipnorm=1.0).learning_rate
    0.003
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.amsgrad = check_flag("amsgrad", amsgrad)
        self.beta_1 = check_real("beta_1", beta_1, "[0, 1)")
        self.beta_2 = check_real("beta_2", beta_2, "[0, 1)")
        self.epsilon = check_real("epsilon", epsilon, ">= 0")

    def slot_names(self) -> tuple[str, ...]:
        """Return the names of the running means of the gradient and of its square."""
        return ("momentum", "velocity", *(("velocity_hat",) if self.amsgrad else ()))

    def _rate(self, rate: float) -> float:
        t = self.updates
        return rate * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)

    def _update(
        self, values: Array, gradients: Array, slots: Slots, settings: StepSettings
    ) -> None:
        if self.amsgrad:
            update_by_pieces(self, values, gradients, slots, settings)
            return
        momentum, velocity = slots["momentum"], slots["velocity"]
        _core.adam(values, gradients, momentum, velocity, self, settings)

    def update_piece(self, piece: Piece, rate: float) -> None:
        """Change the weights and slots of a piece in place, with `amsgrad`."""
        w, g, slots, a, _ = piece
        mean, square, largest = slots["momentum"], slots["velocity"], slots["velocity_hat"]
        np.square(g, out=a)
        blend(square, a, 1 - self.beta_2)
        blend(mean, g, 1 - self.beta_1)
        np.maximum(largest, square, out=largest)
        np.sqrt(largest, out=a)
        a += self.epsilon
        np.multiply(mean, rate, out=g)
        g /= a
        w -= g


class AdamW(Adam):
    """Adam with decoupled weight decay of every weight.

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon, amsgrad, clipnorm, ...
        See `Adam`.
    weight_decay : float
        See `Optimizer`.

    References
    ----------
    I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019,
    arXiv:1711.05101.

    Examples
    --------
    >>> from gru_c.optimizers import AdamW
    >>> AdamW().weight_decay
    0.004
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[SharedOptions],
    ) -> None:
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **options
        )
