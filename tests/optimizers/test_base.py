"""Optimizers against Keras's formulas, written here in NumPy float64."""

import inspect
from functools import partial

import numpy as np
import pytest
from optimizer_formulas import STEPS, Slots, adam, expected, run, two_layers

from gru_c import optimizers, schedules
from gru_c.optimizers import SGD, Adam, AdamW, RMSprop
from gru_c.optimizers.base import OptimizerOptions, SharedOptions


def sgd(rate=0.1, momentum=0.0, nesterov=False):
    m = Slots()

    def update(i, t, g):
        m[i] = momentum * m[i] - rate * g
        return -(momentum * m[i] - rate * g) if nesterov else -m[i]

    return update


def rmsprop(rate=0.1, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
    v, a, m = Slots(), Slots(), Slots()

    def update(i, t, g):
        v[i] = rho * v[i] + (1 - rho) * g**2
        a[i] = rho * a[i] + (1 - rho) * g if centered else 0.0
        m[i] = momentum * m[i] + rate * g / np.sqrt(v[i] - a[i] ** 2 + epsilon)
        return m[i]

    return update


CASES = [
    (SGD(0.1), partial(sgd)),
    (SGD(0.1, momentum=0.9), partial(sgd, momentum=0.9)),
    (SGD(0.1, momentum=0.9, nesterov=True), partial(sgd, momentum=0.9, nesterov=True)),
    (RMSprop(0.1), partial(rmsprop)),
    (RMSprop(0.1, rho=0.8, momentum=0.5), partial(rmsprop, rho=0.8, momentum=0.5)),
    (RMSprop(0.1, centered=True), partial(rmsprop, centered=True)),
    (RMSprop(0.1, momentum=0.5, centered=True), partial(rmsprop, momentum=0.5, centered=True)),
    (Adam(0.1), partial(adam)),
    (Adam(0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3), partial(adam, 0.1, 0.8, 0.9, 1e-3)),
]


def again(optimizer, **changes):
    return type(optimizer)(**{**optimizer.get_config(), **changes})


@pytest.mark.parametrize(
    ("optimizer", "formula"), CASES, ids=lambda case: None if callable(case) else repr(case)[:40]
)
@pytest.mark.parametrize("decay", [None, 0.01])
def test_formula(optimizer, formula, decay):
    weights = run(again(optimizer, weight_decay=decay))
    for weight, wanted in zip(weights, expected(formula(), decay or 0.0), strict=True):
        np.testing.assert_allclose(weight, wanted, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("optimizer", [case[0] for case in CASES], ids=lambda o: repr(o)[:40])
def test_float32_is_float64_rounded(optimizer):
    pairs = zip(run(again(optimizer), "float32"), run(again(optimizer)), strict=True)
    for single, double in pairs:
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-5)


def norm(arrays):
    return np.sqrt(sum(float((array**2).sum()) for array in arrays))


CLIPS = {
    "clipvalue": lambda limit: lambda gs: [np.clip(g, -limit, limit) for g in gs],
    "clipnorm": lambda limit: lambda gs: [g * min(1, limit / norm([g])) for g in gs],
    "global_clipnorm": lambda limit: lambda gs: [g * min(1, limit / norm(gs)) for g in gs],
}


@pytest.mark.parametrize("kind", CLIPS)
@pytest.mark.parametrize("limit", [0.5, 2.0, 1e6])
def test_clipping(kind, limit):
    weights = run(SGD(0.1, **{kind: limit}))
    wanted = expected(sgd(), clip=CLIPS[kind](limit))
    for weight, value in zip(weights, wanted, strict=True):
        np.testing.assert_allclose(weight, value, rtol=1e-12)
    if limit == 0.5:
        assert not np.allclose(weights[0], expected(sgd())[0])


def test_a_schedule_sets_the_rate_of_each_step():
    rates = []

    def rate(step):
        rates.append(0.1 / (step + 1))
        return rates[-1]

    optimizer = SGD(rate)
    weights = run(optimizer)
    assert optimizer.iterations == STEPS
    assert rates == [0.1 / (step + 1) for step in range(STEPS)]
    scheduled = run(SGD(schedules.InverseTimeDecay(0.1, decay_steps=1, decay_rate=1.0)))
    for one, two in zip(weights, scheduled, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-12)


def test_the_rate_can_be_set_on_the_way():
    optimizer = Adam()
    optimizer.learning_rate = 0.5
    assert optimizer.learning_rate == 0.5
    with pytest.raises(ValueError, match="learning rate"):
        optimizer.learning_rate = -1


def test_the_gaps_of_the_flat_vector_stay_zero():
    parameters = two_layers()
    inside = np.zeros(parameters.values.shape, bool)
    for view in parameters.views(inside):
        view[...] = True
    for item in parameters.items:
        item.gradient[...] = 1
    for optimizer in (AdamW(), RMSprop(centered=True, momentum=0.5), SGD(momentum=0.5)):
        optimizer.step(parameters)
        assert not parameters.values[~inside].any()
    assert inside.sum() == 12 + 3 + 6 + 2


def test_keras_defaults():
    assert Adam().get_config()["learning_rate"] == 0.001
    assert (Adam().beta_1, Adam().beta_2, Adam().epsilon) == (0.9, 0.999, 1e-7)
    assert (SGD().learning_rate, SGD().momentum, SGD().nesterov) == (0.01, 0.0, False)
    assert (RMSprop().learning_rate, RMSprop().rho, RMSprop().epsilon) == (0.001, 0.9, 1e-7)
    assert AdamW().weight_decay == 0.004


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Adam(-1), "learning rate.*-1"),
        (lambda: Adam(beta_1=1.0), r"beta_1 must be a number in \[0, 1\), got 1.0"),
        (lambda: Adam(epsilon=-1e-7), "epsilon must be a finite number >= 0"),
        (lambda: SGD(momentum=1.5), r"momentum must be a number in \[0, 1\), got 1.5"),
        (lambda: SGD(clipnorm=0), "clipnorm must be a finite number > 0 or None, got 0"),
        (lambda: SGD(clipvalue="1"), "clipvalue must be a finite number > 0 or None, got '1'"),
        (lambda: SGD(clipnorm=1.0, clipvalue=1.0), "at most one of clipnorm"),
        (lambda: optimizers.get("adamm"), "unknown optimizer 'adamm'; did you mean 'adam'"),
        (lambda: optimizers.get({"class_name": "Adam", "config": {"rate": 1}}), "rate"),
    ],
)
def test_arguments_are_checked(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


@pytest.mark.parametrize("cls", optimizers.OPTIMIZERS.values())
def test_the_options_of_a_constructor_are_those_of_the_base_class(cls):
    options = {*OptimizerOptions.__annotations__, *SharedOptions.__annotations__}
    parameters = inspect.signature(cls).parameters
    assert options <= parameters.keys()
    assert inspect.Parameter.VAR_KEYWORD not in [p.kind for p in parameters.values()]
    chosen = cls(0.5, clipnorm=2.0, weight_decay=0.25)
    assert (chosen.learning_rate, chosen.clipnorm, chosen.weight_decay) == (0.5, 2.0, 0.25)
    assert chosen.get_config().keys() == parameters.keys() - cls._seldom_given
    every = cls(0.5, name="other", use_ema=True, ema_momentum=0.5, gradient_accumulation_steps=2)
    assert parameters.keys() - every.get_config().keys() <= {"amsgrad", "ema_overwrite_frequency"}
    assert repr(chosen).count("clipnorm=2.0") == 1
    with pytest.raises(TypeError, match=r"'clip_norm'; did you mean 'clipnorm'\?"):
        cls(clip_norm=1.0)
    with pytest.raises(TypeError, match="positional arguments"):
        cls(*range(1, 9))


def test_the_options_have_a_type_for_each_argument_of_the_base_class():
    arguments = set(inspect.signature(optimizers.Optimizer).parameters) - {"learning_rate"}
    assert arguments == {*OptimizerOptions.__annotations__, *SharedOptions.__annotations__}


def test_an_optimizer_belongs_to_one_model():
    optimizer = Adam()
    first = two_layers()
    optimizer.step(first)
    with pytest.raises(ValueError, match="has the state of another model"):
        optimizer.step(two_layers())  # of the same sizes
    assert optimizer.iterations == 1
    optimizer.step(first)
    with pytest.raises(ValueError, match="has the state of another model"):
        optimizer.step(two_layers("float32"))
