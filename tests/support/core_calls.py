"""Calls of the core with every argument by its name in messages; its records are made here.

`wrap` may replace each record, after it is made.
"""

from types import SimpleNamespace

from gru_c import _core
from gru_c.optimizers.base import StepSettings
from gru_c.recurrence.memory import BorrowedMemory
from gru_c.recurrence.options import PassOptions
from gru_c.recurrence.plain import GRUTape
from gru_c.recurrence.weights import Gradients, Weights


def unchanged(record):
    return record


def taken(given, *names):
    """Take those of the named arguments that are given away."""
    return {name: given.pop(name) for name in names if name in given}


def weights_of(given, wrap):
    names = ("kernel", "recurrent_kernel", "bias")
    return wrap(Weights(**dict.fromkeys(names) | taken(given, *names)))


def options_of(given, wrap):
    names = ("cell", "weights_format", "packed", "state_mask", "draws")
    return wrap(PassOptions(**taken(given, *names)))


def pack(wrap=unchanged, **given):
    return _core.pack(weights_of(given, wrap), **given)


def forward(wrap=unchanged, **given):
    weights, options = weights_of(given, wrap), options_of(given, wrap)
    arrays = dict.fromkeys(("state", "output", "memory")) | given
    return _core.forward(weights=weights, options=options, **arrays)


def backward(wrap=unchanged, **given):
    weights, options = weights_of(given, wrap), options_of(given, wrap)
    tape = GRUTape(given.pop("x"), weights, options, BorrowedMemory(None), given.pop("engine"))
    names = ("d_kernel", "d_recurrent_kernel", "d_bias", "d_initial_state", "d_hidden")
    fields = taken(given, *names, "accumulate")
    gradients = Gradients(**{name.removeprefix("d_"): value for name, value in fields.items()})
    return _core.backward(tape=wrap(tape), gradients=wrap(gradients), **given)


def step_of(function, *numbers):
    """Return a call of an optimizer step with the numbers of the method and of all methods."""

    def step(wrap=unchanged, **given):
        method = wrap(SimpleNamespace(**taken(given, *numbers)))
        settings = wrap(StepSettings(**taken(given, *StepSettings._fields)))
        return function(method=method, settings=settings, **given)

    return step


adam = step_of(_core.adam, "beta_1", "beta_2", "epsilon")
sgd = step_of(_core.sgd, "momentum", "nesterov")
rmsprop = step_of(_core.rmsprop, "rho", "epsilon", "momentum")
