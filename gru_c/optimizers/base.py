"""Base class of the optimizers."""

from __future__ import annotations

import copy
import math
import operator
from typing import Any, ClassVar, NamedTuple, TypedDict

import numpy as np

from gru_c import _core, schedules
from gru_c.common import keras_names
from gru_c.common.arrays import Array
from gru_c.common.attributes import assign, warn_of_old_name
from gru_c.common.registry import Configurable, snake_case
from gru_c.common.validation import check_flag, check_integer, check_real
from gru_c.common.weights_lock import weights_lock
from gru_c.optimizers.current_rate import CurrentRate
from gru_c.parameters import Parameter, Parameters
from gru_c.runtime.threads import team_threads

Slots = dict[str, Array]


class SharedOptions(TypedDict, total=False):
    """Arguments of all optimizers besides learning rate and weight decay; see `Optimizer`."""

    clipnorm: float | None
    global_clipnorm: float | None
    clipvalue: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    gradient_accumulation_steps: int | None
    name: str | None


class OptimizerOptions(SharedOptions, total=False):
    """Arguments of all optimizers besides the learning rate; see `Optimizer`."""

    weight_decay: float | None


class StepSettings(NamedTuple):
    """Numbers of a step that are the same for all methods, as the core takes them.

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
    use_ema : bool
        Keep an exponential moving average of the weights, which takes their place at the end of
        `fit` and every `ema_overwrite_frequency` steps.
    ema_momentum : float
        Share of the average that each step keeps, from 0 to 1.
    ema_overwrite_frequency : int, optional
        By default the average takes the place of the weights only at the end of `fit`.
    gradient_accumulation_steps : int, optional
        Change the weights only in every step of this number, at least 2, by the mean gradient since
        the last change.
    name : str, optional
        By default the name of the class in lower case.

    Attributes
    ----------
    iterations : int
        Number of steps taken; with `gradient_accumulation_steps` also those that only add up.
    slots : dict of str to ndarray
        The state, as flat vectors; empty before the first step.
    """

    _keras_names = keras_names.OPTIMIZER
    _checks: ClassVar = {"iterations": lambda value: check_integer("iterations", value)}
    _renamed: ClassVar = {"lr": "learning_rate"}
    _seldom_given: ClassVar = frozenset(
        {"amsgrad", "use_ema", "ema_momentum", "ema_overwrite_frequency", "name"}
        | {"gradient_accumulation_steps"}
    )

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        *,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        clipvalue: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
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
        self.use_ema = check_flag("use_ema", use_ema)
        self.ema_momentum = check_real("ema_momentum", ema_momentum, "[0, 1]")
        self.ema_overwrite_frequency = check_integer(
            "ema_overwrite_frequency", ema_overwrite_frequency, 1, optional=True
        )
        self.gradient_accumulation_steps = check_integer(
            "gradient_accumulation_steps", gradient_accumulation_steps, 2, optional=True
        )
        if name is not None and not isinstance(name, str):
            raise TypeError(f"the name of an optimizer must be a string, got {name!r}")
        self.name = snake_case(type(self).__name__) if name is None else name
        self.iterations = 0
        self._scratch: Array | None = None
        self.slots: Slots = {}
        self._items: list[Parameter] | None = None  # the weights to which the state belongs

    def __getstate__(self) -> dict[str, Any]:
        """Return the state of copies and pickles, which adopt the first weights that they get."""
        return {**self.__dict__, "_items": None, "_scratch": None}

    def _argument(self, name: str) -> Any:
        if name == "learning_rate":
            return self.rate_or_schedule
        if name == "name" and self.name == snake_case(type(self).__name__):
            return None
        return super()._argument(name)

    def __copy__(self) -> Optimizer:
        return copy.deepcopy(self)  # a shallow copy would write to the same state

    def _kept(self, name: str) -> Any:
        return self.rate_or_schedule if name == "learning_rate" else super()._kept(name)

    @property
    def learning_rate(self) -> CurrentRate:
        """The rate of the next step, a float with Keras's ``assign(rate)`` and ``numpy()``.

        It may be set at any time, to a number, a schedule or a function.
        """
        rate = schedules.rate_at(self._learning_rate, self.iterations)
        return CurrentRate(rate, self._assign_rate)

    @learning_rate.setter
    def learning_rate(self, rate: Any) -> None:
        self._learning_rate = schedules.get(rate)

    @property
    def rate_or_schedule(self) -> Any:
        """The learning rate as it was set: a float, or the schedule or function that returns it."""
        return self._learning_rate

    def _assign_rate(self, value: Any) -> float:
        """Set the rate to a number, as Keras's ``learning_rate.assign`` does, and return it."""
        if callable(self._learning_rate):
            raise TypeError(
                f"learning_rate.assign: the rate follows from {self._learning_rate!r}, which no "
                "number can be assigned to: set optimizer.learning_rate = number, which replaces it"
            )
        rate: float = check_real("learning_rate.assign: the value", _item(value), ">= 0")
        self._learning_rate = rate
        return rate

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
        slots = set(self.all_slot_names())
        before = getattr(self, name)
        super()._change_argument(name, value)
        if self.slots and set(self.all_slot_names()) != slots:
            assign(self, **{name: before})
            raise AttributeError(
                f"{type(self).__name__}.{name} cannot change from {before} to {value}: the steps "
                "taken have made a state for that; compile with a new optimizer"
            )

    def slot_names(self) -> tuple[str, ...]:
        """Names of the state vectors."""
        raise NotImplementedError

    def all_slot_names(self) -> tuple[str, ...]:
        """Return the names of the method's state vectors, and those that any method may have."""
        sums = ("gradient_sum",) if self.gradient_accumulation_steps else ()
        return (*self.slot_names(), *(("weight_average",) if self.use_ema else ()), *sums)

    def initial_value(self, slot: str) -> float:
        """Return the number that a state vector is filled with before the first step."""
        return 0.0

    @property
    def updates(self) -> int:
        """Number of times that the weights have changed."""
        return self.iterations // (self.gradient_accumulation_steps or 1)

    def scratch(self, dtype: np.dtype[Any], length: int) -> Array:
        """Return memory of the shape (3, length), the same in each step."""
        memory = self._scratch
        if memory is None or memory.dtype != dtype or memory.shape[1] < length:
            self._scratch = memory = np.empty((3, length), dtype)
        return memory[:, :length]

    def build(self, parameters: Parameters) -> None:
        """Make the state for these parameters, unless it exists.

        Raises
        ------
        ValueError
            If the state belongs to other parameters, or these are released.
        """
        parameters.require_held()
        if not self.slots:
            self.slots = {name: parameters.zeros() for name in self.all_slot_names()}
            for name, slot in self.slots.items():
                if self.initial_value(name):
                    slot[:] = self.initial_value(name)
        if self.slots and self._items is None:
            self._items = parameters.items
        if self.slots and not self._belongs_to(parameters):
            raise ValueError(
                f"this {type(self).__name__} has the state of another model, or of this one with "
                "other layers: make a new optimizer for each model"
            )

    def _belongs_to(self, parameters: Parameters) -> bool:
        """Return True if the state is one of these parameters."""
        # Compares weights, not vectors: a model that gets another layer makes new vectors.
        items, shape, dtype = self._items, parameters.gradients.shape, parameters.gradients.dtype
        if items is None or not (
            items is parameters.items or all(map(operator.is_, items, parameters.items))
        ):
            return False
        return all(slot.shape == shape and slot.dtype == dtype for slot in self.slots.values())

    def step(self, parameters: Parameters) -> None:
        """Change the trainable weights by their gradients, then apply their constraints.

        Frozen layers and their slots do not change. If all layers are frozen, no step is counted.

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
        rate = schedules.rate_at(self._learning_rate, self.iterations)
        if self.gradient_accumulation_steps and not self._accumulate(parameters.gradients):
            assign(self, iterations=self.iterations + 1)
            self._after_update(parameters, runs or [slice(None)])
            return
        scale = self._clip_by_norm(parameters, runs)
        clip = math.inf if self.clipvalue is None else self.clipvalue
        before, updates = self.iterations, 0
        assign(self, iterations=before + 1)
        try:
            values, gradients = parameters.values, parameters.gradients
            decay = rate * (self.weight_decay or 0.0)
            settings = StepSettings(self._rate(rate), decay, scale, clip, team_threads())
            with weights_lock.writing(parameters.layers):
                if whole:
                    self._update(values, gradients, self.slots, settings)
                    updates = 1
                for run in runs:
                    slots = {name: slot[run] for name, slot in self.slots.items()}
                    self._update(values[run], gradients[run], slots, settings)
                    updates += 1
                if self.use_ema or parameters.constrained:
                    self._after_update(parameters, runs or [slice(None)])
        except Exception:
            if not updates:  # memory ran out before the update
                assign(self, iterations=before)
            raise

    def _accumulate(self, gradients: Array) -> bool:
        """Add gradients to the sum; return True if they are now the mean of a full sum."""
        steps, total = self.gradient_accumulation_steps or 1, self.slots["gradient_sum"]
        total += gradients
        if (self.iterations + 1) % steps:
            return False
        np.divide(total, steps, out=gradients)
        total[:] = 0
        return True

    def _after_update(self, parameters: Parameters, runs: list[slice]) -> None:
        """Update the average of the weights, and apply their constraints."""
        if self.use_ema:
            self._average(parameters.values, runs)
        if parameters.constrained:
            parameters.constrain()

    def _average(self, values: Array, runs: list[slice]) -> None:
        """Move the average towards the weights; let it take their place if that is due."""
        steps, average = self.gradient_accumulation_steps or 1, self.slots["weight_average"]
        updates = (self.iterations - 1) // steps  # before this step, which Keras counts by
        momentum = self.ema_momentum if updates else 0.0
        length = 8192
        for start in range(0, len(values), length):
            part = slice(start, start + length)
            scaled = self.scratch(values.dtype, len(values[part]))[0]
            np.multiply(values[part], 1 - momentum, out=scaled)
            average[part] *= momentum
            average[part] += scaled
        frequency = self.ema_overwrite_frequency
        if frequency is not None and (updates + 1) % frequency == 0:
            for run in runs:
                values[run] = average[run]

    def finalize(self, parameters: Parameters) -> None:
        """Let the average of the weights take the place of the trainable weights, if there is one.

        `fit` calls this at its end.
        """
        if self.use_ema and self.iterations:
            self.build(parameters)
            values, average = parameters.values, self.slots["weight_average"]
            for run in parameters.trainable_runs():
                values[run] = average[run]

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


def _item(value: Any) -> Any:
    """Return the number in an array of one number; other values unchanged."""
    return value.item() if isinstance(value, np.ndarray) and value.size == 1 else value


def _clip_scale(gradients: list[Array], limit: float) -> float:
    """Return the factor that reduces the norm of the gradients to at most `limit`."""
    norm = math.sqrt(sum(map(_core.sum_squares, gradients)))
    return limit / norm if norm > limit else 1.0
