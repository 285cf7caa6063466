"""Optimizers, with Keras's names, defaults and formulas.

A step of SGD, RMSprop, Adam and AdamW is one call into the core.
"""

from __future__ import annotations

from gru_c import _core, schedules
from gru_c.common.missing_names import explain_missing
from gru_c.common.registry import Registry
from gru_c.common.registry import serialize as serialize
from gru_c.optimizers.adam import Adam, AdamW
from gru_c.optimizers.adaptive import Adadelta, Adagrad, Adamax, Lion, Nadam
from gru_c.optimizers.base import Optimizer
from gru_c.optimizers.rmsprop import RMSprop
from gru_c.optimizers.sgd import SGD
from gru_c.parameters import Parameters

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "adamax": Adamax,
    "nadam": Nadam,
    "lion": Lion,
}
_REGISTRY = Registry("optimizer", OPTIMIZERS, Optimizer)

# Far from the largest float32, even where the two are multiplied and divided by the third.
_MODERATE_NORM, _MODERATE_RATE, _MODERATE_EPSILON = 1e12, 1e6, 1e-12


def get(identifier: object) -> Optimizer:
    """Return the optimizer that a name or a dict stands for.

    Parameters
    ----------
    identifier : str, dict or Optimizer
        A name such as ``"adam"``, the dict of `serialize`, or an instance.

    Raises
    ------
    ValueError, TypeError
        If the name is unknown, or `identifier` is something else.

    Examples
    --------
    >>> from gru_c import optimizers
    >>> optimizers.get("adam").beta_2
    0.999
    """
    return _REGISTRY.get(identifier)


deserialize = get


def may_overflow(optimizer: Optimizer, parameters: Parameters) -> bool:
    """Return False if a quick check shows that a step keeps finite weights finite."""
    rate, decay = optimizer.rate_or_schedule, optimizer.weight_decay or 0.0
    moderate = (
        type(optimizer) in OPTIMIZERS.values()
        and isinstance(rate, float)
        and max(rate, rate * decay) <= _MODERATE_RATE
        and getattr(optimizer, "epsilon", 1.0) >= _MODERATE_EPSILON
        and not getattr(optimizer, "centered", False)  # the root of a difference
        and not parameters.constrained
    )
    limit = _MODERATE_NORM**2
    return not (
        moderate
        and _core.sum_squares(parameters.gradients) <= limit
        and _core.sum_squares(parameters.flat) <= limit
    )


__getattr__ = explain_missing(__name__, __all__)
