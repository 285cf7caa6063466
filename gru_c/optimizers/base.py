"""Base class of the optimizers."""

from __future__ import annotations

import copy
import math
import operator
from typing import Any, ClassVar, NamedTuple, TypedDict

from gru_c import _core, schedules
from gru_c.common import keras_names
from gru_c.common.arrays import Array
from gru_c.common.attributes import assign, warn_of_old_name
from gru_c.common.registry import Configurable
from gru_c.common.validation import check_integer, check_real
from gru_c.parameters import Parameter, Parameters
from gru_c.runtime.threads import team_threads

Slots = dict[str, Array]


class ClippingOptions(TypedDict, total=False):
    """Arguments of all optimizers that limit gradients; see `Optimizer`."""

    clipnorm: float | None
    global_clipnorm: float | None
    clipvalue: float | None


class OptimizerOptions(ClippingOptions, total=False):
    """Arguments of all optimizers besides the learning rate; see `Optimizer`."""

    weight_decay: float | None


class StepSettings(NamedTuple):
    """Arguments of the core's optimizers that are the same for all methods, in its order.

    Attributes
    ----------
    rate : float
        Learning rate, with the correction of the method.
    decay : float
        Share of each weight that the step subtracts from it.
    scale : float
        Factor of all gradients.
    clip : float
        Largest absolute value of an element of a gradient, after `scale`.
    threads : int
        Number of threads.
    """

    rate: float
    decay: float
    scale: float
    clip: float
    threads: int


class Optimizer(Configurable):
    """Base of the optimizers.

    Parameters
    ----------
    learning_rate : float, Schedule or callable
        A callable is called with the number of steps taken, or without an argument if it takes
        none, and returns the rate.
    weight_decay : float, optional
        Each step subtracts this share of every weight, times the learning rate, from the weight
        (decoupled from the gradient, as in AdamW).
    clipnorm, global_clipnorm, clipvalue : float, optional
        At most one of: the largest norm of each weight's gradient, the largest norm of all
        gradients together, the largest absolute value of an element.

    Attributes
    ----------
    iterations : int
        Number of steps taken.
    slots : dict of str to ndarray
        The state, as flat vectors; empty before the first step.
    """

    _keras_names = keras_names.OPTIMIZER
    _checks: ClassVar = {"iterations": lambda value: check_integer("iterations", value)}
    _renamed: ClassVar = {"lr": "learning_rate"}

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        clipvalue: float | None = None,
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
        self._items: list[Parameter] | None = None  # the weights that the state belongs to

    def __getstate__(self) -> dict[str, Any]:
        """Return the state of copies and pickles, which belong to the first weights they see."""
        return {**self.__dict__, "_items": None}

    def __copy__(self) -> Optimizer:
        return copy.deepcopy(self)  # a shallow copy would write to the same state

    @property
    def learning_rate(self) -> Any:
        """The rate, or the schedule or function that returns it; may be set at any time."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, rate: Any) -> None:
        self._learning_rate = schedules.get(rate)

    @property
    def lr(self) -> Any:
        """The old name of `learning_rate`; using it gives a FutureWarning."""
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
        """Make the state for these parameters, unless it exists.

        Raises
        ------
        ValueError
            If the state belongs to other parameters, or these are released.
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
        # Compares weights, not vectors: a model that gets another layer makes new vectors.
        return (
            slot.shape == parameters.gradients.shape
            and slot.dtype == parameters.gradients.dtype
            and self._items is not None
            and all(map(operator.is_, self._items, parameters.items))
        )

    def step(self, parameters: Parameters) -> None:
        """Change the trainable weights by their gradients, then apply their constraints.

        Weights of frozen layers and their state do not change. If all layers are frozen, no step is
        counted.

        Parameters
        ----------
        parameters : Parameters
            The weights, with gradients that a backward pass has written.
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
        decay = rate * (self.weight_decay or 0.0)
        settings = StepSettings(self._rate(rate), decay, scale, clip, team_threads())
        if whole:
            self._update(values, gradients, self.slots, settings)
        for run in runs:
            slots = {name: slot[run] for name, slot in self.slots.items()}
            self._update(values[run], gradients[run], slots, settings)
        if parameters.constrained:
            parameters.constrain()

    def _clip_by_norm(self, parameters: Parameters, runs: list[slice]) -> float:
        """Apply ``clipnorm`` to each gradient and return the factor for ``global_clipnorm``.

        `runs` are the trainable parts of the flat vectors; an empty list stands for all.
        """
        if self.clipnorm is not None:
            for item in parameters.trainable_weights:
                scale = _clip_scale([item.gradient], self.clipnorm)
                if scale != 1:
                    item.gradient *= scale
        if self.global_clipnorm is not None:
            gradients = parameters.gradients
            parts = [gradients[run] for run in runs] if runs else [gradients]
            return _clip_scale(parts, self.global_clipnorm)
        return 1.0

    def _rate(self, rate: float) -> float:
        """Return the rate of this step with the method's correction; `iterations` counts it."""
        return rate

    def _update(
        self, values: Array, gradients: Array, slots: Slots, settings: StepSettings
    ) -> None:
        """Let the core change a part of the flat vectors."""
        raise NotImplementedError


def _clip_scale(gradients: list[Array], limit: float) -> float:
    """Return the factor that reduces the norm of the gradients to at most `limit`."""
    norm = math.sqrt(sum(map(_core.sum_squares, gradients)))
    return limit / norm if norm > limit else 1.0
