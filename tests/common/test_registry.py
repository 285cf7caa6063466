"""Names, lookup, and objects to JSON and back."""

import inspect
import json

import numpy as np
import pytest

import gru_c
from gru_c import constraints, initializers, losses, metrics, optimizers, regularizers, schedules
from gru_c.common import registry


class Gain(registry.Configurable):
    def __init__(self, factor=1.0, inner=None):
        if factor is None:
            raise TypeError("factor is None")
        self.factor = factor
        self.inner = inner


TABLE = {"gain": Gain, "boost": Gain}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("GlorotUniform", "glorot_uniform"),
        ("GRU", "gru"),
        ("GRUCell", "gru_cell"),
        ("Dense2D", "dense2d"),
        ("mse", "mse"),
    ],
)
def test_snake_case(given, wanted):
    assert registry.snake_case(given) == wanted


@pytest.mark.parametrize("name", ["glorot_uniform", "GlorotUniform", "GLOROT_UNIFORM"])
def test_lookup_in_any_case(name):
    assert registry.lookup("initializer", name, {"glorot_uniform": 7}) == 7


def test_lookup_names_the_nearest_and_all():
    with pytest.raises(
        ValueError, match=r"^unknown loss 'msee'; did you mean 'mse'\? Known: huber, mse$"
    ):
        registry.lookup("loss", "msee", {"mse": 1, "huber": 2})


def test_lookup_without_a_near_name():
    with pytest.raises(ValueError, match=r"^unknown loss 'xyzzy'\. Known: mse$"):
        registry.lookup("loss", "xyzzy", {"mse": 1})


def test_lookup_wants_a_string():
    with pytest.raises(TypeError, match="must be a string, got int"):
        registry.lookup("loss", 3, {"mse": 1})


def test_serialize_is_json_and_nests():
    spec = registry.serialize(Gain(np.float32(0.5), inner=[Gain(np.arange(2)), (1, 2)]))
    assert json.loads(json.dumps(spec)) == {
        "class_name": "Gain",
        "config": {
            "factor": 0.5,
            "inner": [{"class_name": "Gain", "config": {"factor": [0, 1], "inner": None}}, [1, 2]],
        },
    }


def test_serialize_refuses_a_function():
    with pytest.raises(TypeError, match="cannot serialize"):
        registry.serialize(len)


@pytest.mark.parametrize(
    "spec",
    [
        "boost",
        "Gain",
        {"class_name": "Gain"},
        {"class_name": "Gain", "config": None},
        {"class_name": "Gain", "config": {"factor": 1.0}, "module": "keras", "build_config": {}},
    ],
)
def test_a_registry_makes_an_object(spec):
    made = registry.Registry("gain", TABLE).get(spec)
    assert type(made) is Gain
    assert made.factor == 1.0


def test_a_registry_returns_instances():
    gain = Gain()
    assert registry.Registry("gain", TABLE).get(gain) is gain


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        (3, TypeError, "gain must be a name, an instance or a dict .* got int"),
        (None, TypeError, "got NoneType"),
        (Gain, TypeError, r"got the class Gain, wanted an instance: Gain\(\.\.\.\)"),
        ({"config": {}}, ValueError, "has the keys 'class_name' and 'config'"),
        ({"class_name": "Gain", "extra": 1}, ValueError, "has the keys 'class_name' and 'config'"),
        ({"class_name": "Gain", "config": [1]}, TypeError, "must be a dict with string keys"),
        ({"class_name": "Gain", "config": {1: 2}}, TypeError, "must be a dict with string keys"),
        ({"class_name": 7}, TypeError, "name of a gain must be a string, got int"),
        ({"class_name": "os.system"}, ValueError, "unknown gain 'os.system'"),
        ({"class_name": "Gain", "config": {"bad": 1}}, TypeError, "gain 'Gain': .*'bad'"),
        ({"class_name": "Gain", "config": {"factor": None}}, TypeError, "^factor is None$"),
    ],
)
def test_a_registry_says_what_is_wrong(spec, error, message):
    with pytest.raises(error, match=message):
        registry.Registry("gain", TABLE).get(spec)


@pytest.mark.parametrize(
    ("module", "obj"),
    [
        *((losses, cls()) for cls in dict.fromkeys(losses.LOSSES.values())),
        (losses, losses.Huber(delta=2.5)),
        (losses, losses.BinaryCrossentropy(from_logits=True)),
        *((initializers, cls()) for cls in initializers.INITIALIZERS.values()),
        (initializers, initializers.Orthogonal(gain=2.0, seed=3)),
        (metrics, metrics.RootMeanSquaredError(name="error")),
        (metrics, metrics.Accuracy("share")),
        (metrics, metrics.AccuracyOfLoss(losses.BinaryCrossentropy(from_logits=True), name="acc")),
        (metrics, metrics.MeanOfLoss(losses.Huber(0.5))),
        (schedules, schedules.CosineDecay(0.1, 10, 0.1, 0.2, 5)),
        (schedules, schedules.PiecewiseConstantDecay([1, 2], [0.3, 0.2, 0.1])),
        (schedules, schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True)),
    ],
    ids=lambda value: value.__name__ if inspect.ismodule(value) else repr(value),
)
def test_every_object_survives_json(module, obj):
    spec = json.loads(json.dumps(module.serialize(obj)))
    again = module.get(spec)
    assert type(again) is type(obj)
    assert again.get_config() == obj.get_config() == spec["config"]


@pytest.mark.parametrize("module", [losses, metrics, initializers, schedules])
def test_a_class_is_not_taken_for_a_function(module):
    with pytest.raises(TypeError, match="got the class Gain"):
        module.get(Gain)


class Half(initializers.Initializer):
    def __init__(self, g):
        self.gain = g

    def __call__(self, shape, dtype, rng):
        return np.full(shape, self.gain / 2, dtype)


class Doubled(gru_c.Dense):
    def __init__(self, units, *rest, **options):
        super().__init__(2 * units, *rest, **options)


def test_the_repr_of_what_does_not_keep_its_arguments():
    assert repr(Half(3)) == "Half(g=...)"
    layer = gru_c.Dense(2, kernel_initializer=Half(3))
    assert "kernel_initializer=Half(g=...)" in repr(layer)
    assert repr(Doubled(2)).startswith("Doubled(units=4, rest=..., activation='linear', ")
    assert repr(gru_c.GRU(2, kernel_regularizer="l2")).startswith("GRU(units=2, activation='tanh'")
    for obj, name in ((Half(3), "g"), (layer, "g"), (Doubled(2), "rest")):
        with pytest.raises(AttributeError, match=f"no attribute '{name}'.*get_config"):
            obj.get_config()


@pytest.mark.parametrize(
    "given",
    [
        gru_c.Bidirectional(gru_c.GRU(3, kernel_regularizer="l2")),
        gru_c.TimeDistributed(gru_c.Dense(3)),
        gru_c.RNN([gru_c.GRUCell(3), gru_c.GRUCell(2)]),
        gru_c.layers.TextVectorization(vocabulary=["a", "b"]),
        gru_c.Lambda(abs),
        losses.Huber(0.5),
        metrics.AUC(num_thresholds=50),
        optimizers.Nadam(schedules.ExponentialDecay(0.1, 10, 0.9)),
        schedules.CosineDecay(0.1, 5),
        initializers.HeNormal(seed=1),
        regularizers.L1L2(0.1, 0.2),
        constraints.MaxNorm(2),
    ],
    ids=lambda given: type(given).__name__,
)
def test_from_config_makes_the_same_object_again(given):
    again = type(given).from_config(given.get_config())
    assert type(again) is type(given)
    assert again is not given
    assert again.get_config() == given.get_config()


def test_from_config_refuses_what_is_no_configuration():
    with pytest.raises(TypeError, match=r"^GRU.from_config: wanted the dict of get_config, got 3$"):
        gru_c.GRU.from_config(3)
    with pytest.raises(TypeError, match="did you mean 'units'"):
        gru_c.GRU.from_config({"unit": 3})


def test_arguments_that_change_nothing_in_keras_are_passed_over_in_a_dict():
    spec = {"class_name": "Adam", "config": {"beta_1": 0.5, "decay": 0.0, "jit_compile": True}}
    assert optimizers.get(spec).get_config() == optimizers.Adam(beta_1=0.5).get_config()
    with pytest.raises(TypeError, match="unexpected keyword argument 'decay'; its arguments are"):
        optimizers.get({**spec, "config": {"decay": 1e-6}})


def test_a_class_that_takes_any_argument_gets_all():
    class Any(registry.Configurable):
        def __init__(self, **settings):
            self.settings = settings

    spec = {"class_name": "any", "config": {"axis": -1, "other": 3}}
    assert registry.Registry("thing", {"any": Any}).get(spec).settings == spec["config"]
