"""Optimizers, with Keras's names, defaults and formulas; each step is one call into the core."""

from __future__ import annotations

import copy
import math
import operator
from typing import Any, ClassVar

from gru_c import _core, schedules
from gru_c.parameters import Parameter, Parameters
from gru_c.runtime.threads import team_threads
from gru_c.utils import keras_names
from gru_c.utils.arrays import Array
from gru_c.utils.attributes import assign, warn_of_old_name
from gru_c.utils.registry import Configurable, deserialize
from gru_c.utils.registry import serialize as serialize
from gru_c.utils.validation import check_flag, check_integer, check_real

__all__ = ["OPTIMIZERS", "SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "get", "schedules"]

Slots = dict[str, Array]


class Optimizer(Configurable):
    """Base of the optimizers.

    Parameters
    ----------
    learning_rate : float, Schedule or callable
        A callable is given the number of steps taken, or nothing if it takes nothing, and returns
        the rate.
    weight_decay : float, optional
        Share of every weight, times the learning rate, that a step takes off it (decoupled from
        the gradient, as in AdamW).
    clipnorm, global_clipnorm, clipvalue : float, optional
        At most one of: the largest norm of a weight's gradient; the largest norm of all gradients
        together; the largest size of any element.

    Attributes
    ----------
    iterations : int
        Steps taken.
    slots : dict of str to ndarray
        State, as flat vectors; empty before the first step.
    """

    _keras_names = keras_names.OPTIMIZER
    _checks: ClassVar = {"iterations": lambda value: check_integer("iterations", value)}
    _renamed: ClassVar = {"lr": "learning_rate"}

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None,
        clipnorm: float | None,
        global_clipnorm: float | None,
        clipvalue: float | None,
    ) -> None:
        self.learning_rate = learning_rate
        self.weight_decay = check_real("weight_decay", weight_decay, ">= 0", optional=True)
        self.clipnorm = check_real("clipnorm", clipnorm, "> 0", optional=True)
        self.global_clipnorm = check_real("global_clipnorm", global_clipnorm, "> 0", optional=True)
        self.clipvalue = check_real("clipvalue", clipvalue, "> 0", optional=True)
        if sum(clip is not None for clip in (clipnorm, global_clipnorm, clipvalue)) > 1:
            raise ValueError(
                "give at most one of clipnorm, global_clipnorm and clipvalue, got "
                f"{clipnorm}, {global_clipnorm} and {clipvalue}"
            )
        self.iterations = 0
        self.slots: Slots = {}
        self._items: list[Parameter] | None = None  # whose state it is

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles, which serve the first parameters that they are given."""
        return {**self.__dict__, "_items": None}

    def __copy__(self) -> Optimizer:
        return copy.deepcopy(self)  # two would write to the same state

    @property
    def learning_rate(self) -> Any:
        """The rate, or what gives it; may be set at any time."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, rate: Any) -> None:
        self._learning_rate = schedules.get(rate)

    @property
    def lr(self) -> Any:
        """The old name of `learning_rate`; FutureWarning when it is used."""
        warn_of_old_name(type(self), "lr", "learning_rate", 3)
        return self.learning_rate

    @lr.setter
    def lr(self, rate: Any) -> None:
        warn_of_old_name(type(self), "lr", "learning_rate", 4)
        self.learning_rate = rate

    def _change_argument(self, name: str, value: Any) -> None:
        slots = set(self.slot_names())
        before = getattr(self, name)
        super()._change_argument(name, value)
        if self.slots and set(self.slot_names()) != slots:
            assign(self, **{name: before})
            raise AttributeError(
                f"{type(self).__name__}.{name} cannot change from {before} to {value}: the steps "
                "taken have made a state for that; compile with a new optimizer"
            )

    def slot_names(self) -> tuple[str, ...]:
        """Names of the state vectors."""
        raise NotImplementedError

    def build(self, parameters: Parameters) -> None:
        """Make the state for these parameters, unless it is there.

        Raises
        ------
        ValueError
            When the state is that of other parameters, or these are released.
        """
        parameters.require_held()
        if not self.slots:
            self.slots = {name: parameters.zeros() for name in self.slot_names()}
        if self.slots and self._items is None:
            self._items = parameters.items
        if not all(self._is_of(parameters, slot) for slot in self.slots.values()):
            raise ValueError(
                f"this {type(self).__name__} has the state of another model, or of this one with "
                "other layers: make a new optimizer for each model"
            )

    def _is_of(self, parameters: Parameters, slot: Array) -> bool:
        # By the weights, not the vectors: those are made anew when a model gets another layer.
        return (
            slot.shape == parameters.gradients.shape
            and slot.dtype == parameters.gradients.dtype
            and self._items is not None
            and all(map(operator.is_, self._items, parameters.items))
        )

    def step(self, parameters: Parameters) -> None:
        """Change the trainable weights by their gradients, then apply their constraints.

        Weights of frozen layers, and the state that belongs to them, stay as they are. Where all
        are frozen no step is counted.

        Parameters
        ----------
        parameters : Parameters
            Whose gradients a backward pass has written.
        """
        self.build(parameters)
        whole = parameters.all_trainable
        runs = [] if whole else parameters.trainable_runs()
        if not whole and not runs:  # all layers are frozen
            return
        rate = schedules.rate_at(self.learning_rate, self.iterations)
        scale = self._clip_by_norm(parameters, runs)
        clip = math.inf if self.clipvalue is None else self.clipvalue
        assign(self, iterations=self.iterations + 1)
        values, gradients = parameters.values, parameters.gradients
        rest = self._rate(rate), rate * (self.weight_decay or 0.0), scale, clip, team_threads()
        if whole:
            self._update(values, gradients, self.slots, *rest)
        for run in runs:
            slots = {name: slot[run] for name, slot in self.slots.items()}
            self._update(values[run], gradients[run], slots, *rest)
        if parameters.constrained:
            parameters.constrain()

    def _clip_by_norm(self, parameters: Parameters, runs: list[slice]) -> float:
        """Clip each gradient where ``clipnorm`` says so; the scale of ``global_clipnorm``.

        Without runs all weights are trainable.
        """
        if self.clipnorm is not None:
            for item in parameters.trainable_weights:
                scale = _clip_scale([item.gradient], self.clipnorm)
                if scale != 1:
                    item.gradient *= scale
        if self.global_clipnorm is not None:
            every = parameters.gradients
            parts = [every[run] for run in runs] if runs else [every]
            return _clip_scale(parts, self.global_clipnorm)
        return 1.0

    def _rate(self, rate: float) -> float:
        """Rate of this step, after what the method itself corrects; iterations counts from 1."""
        return rate

    def _update(
        self, values: Array, gradients: Array, slots: Slots, rate: float, decay: float, *rest: Any
    ) -> None:
        """Call the core, for a run of weights; `rest` is scale, clip and threads."""
        raise NotImplementedError


class SGD(Optimizer):
    """Gradient descent, with momentum on request.

    ``v = momentum * v - rate * g; w += v``, or ``w += momentum * v - rate * g`` with `nesterov`.

    Parameters
    ----------
    learning_rate : float, Schedule or callable
    momentum : float
        At least 0, below 1.
    nesterov : bool
    weight_decay, clipnorm, global_clipnorm, clipvalue
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
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        clipvalue: float | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clipnorm, global_clipnorm, clipvalue)
        self.momentum = check_real("momentum", momentum, "[0, 1)")
        self.nesterov = check_flag("nesterov", nesterov)

    def slot_names(self) -> tuple[str, ...]:
        """Return ("momentum",) with momentum, else nothing."""
        return ("momentum",) if self.momentum else ()

    def _update(
        self, values: Array, gradients: Array, slots: Slots, rate: float, decay: float, *rest: Any
    ) -> None:
        slot = slots.get("momentum")
        _core.sgd(values, gradients, slot, self.momentum, self.nesterov, rate, decay, *rest)


class RMSprop(Optimizer):
    """Gradients divided by a running root of their mean square (Hinton, lecture 6e, 2012).

    Parameters
    ----------
    learning_rate : float, Schedule or callable
    rho : float
        Share of the running mean that stays, at least 0, below 1.
    momentum : float
        At least 0, below 1.
    epsilon : float
        Added under the root.
    centered : bool
        Divide by the variance rather than by the mean square.
    weight_decay, clipnorm, global_clipnorm, clipvalue
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
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        clipvalue: float | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clipnorm, global_clipnorm, clipvalue)
        self.rho = check_real("rho", rho, "[0, 1)")
        self.momentum = check_real("momentum", momentum, "[0, 1)")
        self.epsilon = check_real("epsilon", epsilon, ">= 0")
        self.centered = check_flag("centered", centered)

    def slot_names(self) -> tuple[str, ...]:
        """Return the names of the slots that the arguments ask for."""
        average = ("average",) if self.centered else ()
        return ("velocity", *average, *(("momentum",) if self.momentum else ()))

    def _update(
        self, values: Array, gradients: Array, slots: Slots, rate: float, decay: float, *rest: Any
    ) -> None:
        average, momentum = slots.get("average"), slots.get("momentum")
        settings = (self.rho, self.epsilon, self.momentum, rate, decay)
        velocity = slots["velocity"]
        _core.rmsprop(values, gradients, velocity, average, momentum, *settings, *rest)


class Adam(Optimizer):
    """Adam, in the "epsilon hat" form of the paper's section 2, as Keras has it.

    Parameters
    ----------
    learning_rate : float, Schedule or callable
    beta_1, beta_2 : float
        Shares of the running means of the gradient and its square that stay; at least 0, below 1.
    epsilon : float
        Added to the root of the mean square, before bias correction.
    weight_decay, clipnorm, global_clipnorm, clipvalue
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
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        clipvalue: float | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, clipnorm, global_clipnorm, clipvalue)
        self.beta_1 = check_real("beta_1", beta_1, "[0, 1)")
        self.beta_2 = check_real("beta_2", beta_2, "[0, 1)")
        self.epsilon = check_real("epsilon", epsilon, ">= 0")

    def slot_names(self) -> tuple[str, ...]:
        """Return the running means of the gradient and of its square."""
        return ("momentum", "velocity")

    def _rate(self, rate: float) -> float:
        t = self.iterations
        return rate * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)

    def _update(
        self, values: Array, gradients: Array, slots: Slots, rate: float, decay: float, *rest: Any
    ) -> None:
        momentum, velocity = slots["momentum"], slots["velocity"]
        settings = (self.beta_1, self.beta_2, self.epsilon, rate, decay)
        _core.adam(values, gradients, momentum, velocity, *settings, *rest)


class AdamW(Adam):
    """Adam with decoupled weight decay, on every weight.

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon, clipnorm, global_clipnorm, clipvalue
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
        *,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        clipvalue: float | None = None,
    ) -> None:
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            global_clipnorm=global_clipnorm,
            clipvalue=clipvalue,
        )


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
}


def get(spec: object) -> Optimizer:
    """Make an optimizer from a name or a dict, or hand an instance back.

    Raises
    ------
    ValueError, TypeError
        When the name is unknown (with the nearest known one), or spec is something else.

    Examples
    --------
    >>> from gru_c import optimizers
    >>> optimizers.get("adam").beta_2
    0.999
    """
    return deserialize("optimizer", spec, OPTIMIZERS, base=Optimizer)


# Far from the largest float32, even where the two are multiplied and divided by the third.
_MODERATE_NORM, _MODERATE_RATE, _MODERATE_EPSILON = 1e12, 1e6, 1e-12


def may_overflow(optimizer: Optimizer, parameters: Parameters) -> bool:
    """Return False where a step cannot make a finite weight infinite or NaN, at a quick look."""
    rate, decay = optimizer.learning_rate, optimizer.weight_decay or 0.0
    moderate = (
        type(optimizer) in OPTIMIZERS.values()
        and isinstance(rate, float)
        and max(rate, rate * decay) <= _MODERATE_RATE
        and getattr(optimizer, "epsilon", 1.0) >= _MODERATE_EPSILON
        and not getattr(optimizer, "centered", False)  # the root of a difference
        and not parameters.constrained
    )
    most = _MODERATE_NORM**2
    return not (
        moderate
        and _core.sum_squares(parameters.gradients) <= most
        and _core.sum_squares(parameters.flat) <= most
    )


def _clip_scale(gradients: list[Array], limit: float) -> float:
    """Return what to multiply the gradients with so that their norm is at most `limit`."""
    norm = math.sqrt(sum(map(_core.sum_squares, gradients)))
    return limit / norm if norm > limit else 1.0
