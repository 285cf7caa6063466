"""Optimizers that scale gradients by their history: Adagrad, Adadelta, Adamax, Nadam; and Lion."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gru_c.common.validation import check_real
from gru_c.optimizers.base import OptimizerOptions
from gru_c.optimizers.pieces import Piece, PiecewiseOptimizer, blend

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Adagrad(PiecewiseOptimizer):
    """Divide gradients by the root of the sum of their squares.

    ``s += g^2; w -= r g / sqrt(s + e)``.

    Parameters
    ----------
    learning_rate : float, Schedule or callable
    initial_accumulator_value : float
        The sum before the first step, at least 0.
    epsilon : float
        Number added under the root.
    weight_decay, clipnorm, ...
        See `Optimizer`.

    References
    ----------
    Duchi, Hazan and Singer, Adaptive subgradient methods, JMLR 12, 2011.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value = check_real(
            "initial_accumulator_value", initial_accumulator_value, ">= 0"
        )
        self.epsilon = check_real("epsilon", epsilon, ">= 0")

    def slot_names(self) -> tuple[str, ...]:
        """Return the name of the sum of squares."""
        return ("accumulator",)

    def initial_value(self, slot: str) -> float:
        """Return the sum before the first step."""
        return self.initial_accumulator_value if slot == "accumulator" else 0.0

    def update_piece(self, piece: Piece, rate: float) -> None:
        """Change the weights and slots of a piece in place."""
        w, g, slots, a, _ = piece
        total = slots["accumulator"]
        np.square(g, out=a)
        total += a
        np.add(total, self.epsilon, out=a)
        np.sqrt(a, out=a)
        g *= rate
        g /= a
        w -= g


class Adadelta(PiecewiseOptimizer):
    """Scale gradients by the ratio of the running root mean squares of steps and of gradients.

    ``w += r d, d = -sqrt(D + e) g / sqrt(G + e)``, with running means G of g^2 and D of d^2.

    Parameters
    ----------
    learning_rate : float, Schedule or callable
    rho : float
        Share of the running means that each step keeps: at least 0, below 1.
    epsilon : float
        Number added under the roots.
    weight_decay, clipnorm, ...
        See `Optimizer`.

    References
    ----------
    M. Zeiler, ADADELTA: an adaptive learning rate method, 2012, arXiv:1212.5701.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho = check_real("rho", rho, "[0, 1)")
        self.epsilon = check_real("epsilon", epsilon, ">= 0")

    def slot_names(self) -> tuple[str, ...]:
        """Return the names of the running means of the squares of gradients and of steps."""
        return ("accumulated_grad", "accumulated_delta_var")

    def update_piece(self, piece: Piece, rate: float) -> None:
        """Change the weights and slots of a piece in place."""
        w, g, slots, a, b = piece
        squares, steps = slots["accumulated_grad"], slots["accumulated_delta_var"]
        np.square(g, out=a)
        blend(squares, a, 1 - self.rho)
        np.add(steps, self.epsilon, out=a)
        np.add(squares, self.epsilon, out=b)
        a /= b
        np.sqrt(a, out=a)
        g *= a
        np.square(g, out=a)
        blend(steps, a, 1 - self.rho)
        g *= rate
        w -= g


class _AdamLike(PiecewiseOptimizer):
    """Base of the kinds of Adam: their arguments."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = check_real("beta_1", beta_1, "[0, 1)")
        self.beta_2 = check_real("beta_2", beta_2, "[0, 1)")
        self.epsilon = check_real("epsilon", epsilon, ">= 0")


class Adamax(_AdamLike):
    """Adam with the largest recent gradient in place of the root mean square.

    ``u = max(beta_2 u, |g|); w -= r m / ((1 - beta_1^t) (u + e))``, with a running mean m of g.

    Parameters
    ----------
    learning_rate : float, Schedule or callable
    beta_1, beta_2 : float
        Shares of the running mean and of the largest gradient that each step keeps: at least 0,
        below 1.
    epsilon : float
        Number added to the largest gradient.
    weight_decay, clipnorm, ...
        See `Optimizer`.

    References
    ----------
    D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, section 7.1.
    """

    def slot_names(self) -> tuple[str, ...]:
        """Return the names of the running mean and of the largest gradient."""
        return ("momentum", "norm")

    def _rate(self, rate: float) -> float:
        return rate / (1 - self.beta_1**self.updates)

    def update_piece(self, piece: Piece, rate: float) -> None:
        """Change the weights and slots of a piece in place."""
        w, g, slots, a, _ = piece
        mean, largest = slots["momentum"], slots["norm"]
        largest *= self.beta_2
        np.abs(g, out=a)
        np.maximum(largest, a, out=largest)
        blend(mean, g, 1 - self.beta_1)
        np.multiply(mean, rate, out=g)
        np.add(largest, self.epsilon, out=a)
        g /= a
        w -= g


class Nadam(_AdamLike):
    """Adam with Nesterov momentum, whose share of the past grows from step to step.

    Step t has ``u_t = beta_1 (1 - 0.96^t / 2)`` in place of beta_1 in the bias correction.

    Parameters
    ----------
    learning_rate : float, Schedule or callable
    beta_1, beta_2, epsilon
        See `Adam`.
    weight_decay, clipnorm, ...
        See `Optimizer`.

    References
    ----------
    T. Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016.
    """

    def slot_names(self) -> tuple[str, ...]:
        """Return the names of the running means of the gradient and of its square."""
        return ("momentum", "velocity")

    def _share(self, step: int) -> float:
        return self.beta_1 * (1.0 - 0.5 * 0.96**step)

    def share_product(self) -> float:
        """Return the product of the shares u of all steps so far."""
        # After 1000 steps 0.96^t is below the precision of float64.
        early = min(self.updates, 1000)
        product = math.prod(1.0 - 0.5 * 0.96**step for step in range(1, early + 1))
        return float(product * self.beta_1**self.updates)

    def _rate(self, rate: float) -> float:
        product = self.share_product()
        share, next_share = self._share(self.updates), self._share(self.updates + 1)
        self._of_mean = next_share / (1 - product * next_share)
        self._of_gradient = (1 - share) / (1 - product)
        self._of_square = 1 / (1 - self.beta_2**self.updates)
        return rate

    def update_piece(self, piece: Piece, rate: float) -> None:
        """Change the weights and slots of a piece in place."""
        w, g, slots, a, b = piece
        mean, square = slots["momentum"], slots["velocity"]
        np.square(g, out=a)
        blend(square, a, 1 - self.beta_2)
        np.copyto(a, g)
        blend(mean, a, 1 - self.beta_1)
        g *= rate * self._of_gradient
        np.multiply(mean, rate * self._of_mean, out=a)
        g += a
        np.multiply(square, self._of_square, out=b)
        np.sqrt(b, out=b)
        b += self.epsilon
        g /= b
        w -= g


class Lion(PiecewiseOptimizer):
    """Steps of one size, in the direction of the sign of a mean of gradients.

    ``w -= r sign(beta_1 m + (1 - beta_1) g); m = beta_2 m + (1 - beta_2) g``.

    Parameters
    ----------
    learning_rate : float, Schedule or callable
    beta_1 : float
        Share of the running mean in the direction: above 0, below 1.
    beta_2 : float
        Share of the running mean that each step keeps: at least 0, below 1.
    weight_decay, clipnorm, ...
        See `Optimizer`.

    References
    ----------
    Chen and others, Symbolic discovery of optimization algorithms, 2023, arXiv:2302.06675.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = check_real("beta_1", beta_1, "(0, 1)")
        self.beta_2 = check_real("beta_2", beta_2, "[0, 1)")

    def slot_names(self) -> tuple[str, ...]:
        """Return the name of the running mean of the gradient."""
        return ("momentum",)

    def update_piece(self, piece: Piece, rate: float) -> None:
        """Change the weights and slots of a piece in place."""
        w, g, slots, a, b = piece
        mean = slots["momentum"]
        np.multiply(mean, self.beta_1, out=a)
        np.multiply(g, 1 - self.beta_1, out=b)
        a += b
        np.sign(a, out=a)
        a *= rate
        w -= a
        mean *= self.beta_2
        g *= 1 - self.beta_2
        mean += g
