"""Attributes that are set take effect or are refused, for all classes but layers.

An argument that may be set gives the same results as an object made with the new value.
"""

import abc
import copy
import pickle

import numpy as np
import pytest
from attribute_cases import MODULES, OTHER_CASES, arguments_of, other_value, refusal, same, trained
from attribute_layer_cases import LAYER_CASES, ROWS

import gru_c
import gru_c.interop.keras
from gru_c import (
    GRU,
    Dense,
    Dropout,
    History,
    Sequential,
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from gru_c.common.attributes import Guarded
from gru_c.forecast import Forecaster
from gru_c.layers import CELLS, LAYERS
from gru_c.layers.base.merging_layer import MergingLayer
from gru_c.layers.elementwise_merging import ElementwiseMerging


def test_all_classes_of_the_package_are_tried():
    public = {
        value
        for module in MODULES
        for value in (getattr(module, name) for name in dir(module))
        if isinstance(value, type) and issubclass(value, Guarded)
    }
    public |= set(LAYERS.values())  # some of which the package does not import at once
    bases = {
        "Configurable",
        "Optimizer",
        "Schedule",
        "Loss",
        "Metric",
        "Regularizer",
        "Constraint",
        "Initializer",
        *CELLS,  # tests/layers/test_rnn_cells.py
    }
    merging = set(MergingLayer.__subclasses__()) | set(ElementwiseMerging.__subclasses__())
    merging |= {layers.Minimum, layers.Average}  # tests/layers/test_merging.py
    known = {*LAYER_CASES, *OTHER_CASES, Sequential, History, gru_c.Stream, gru_c.Model}
    known |= merging - {ElementwiseMerging}
    # Layers of several inputs, which the cases cannot call: tests/layers/test_attention.py.
    known |= {LAYERS[f"{kind}Attention"] for kind in ("", "Additive", "MultiHead")}
    assert {cls for cls in public if cls.__name__ not in bases and cls.__name__[0] != "_"} == known
    assert set(LAYERS.values()) <= known


# ---- everything but layers: equal to an object made with the new value ---------------------------

EVERY_ARGUMENT = [(cls, name) for cls in OTHER_CASES for name in arguments_of(cls)]


def plain(value):
    """Return attributes in a form that can be compared."""
    if isinstance(value, Guarded):
        return type(value), {k: plain(v) for k, v in vars(value).items()}
    return value.tolist() if isinstance(value, np.ndarray) else value


@pytest.mark.parametrize(("cls", "name"), EVERY_ARGUMENT)
def test_an_argument_that_is_set_gives_the_object_made_with_it(cls, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made_with, value = OTHER_CASES[cls][0], other_value(cls, name)
    obj, fresh = cls(**made_with), cls(**{**made_with, name: value})
    before = plain(obj)
    words = refusal(obj, name, value)
    if words is None:
        assert plain(obj) == plain(fresh) != before
        if not isinstance(obj, (losses.FunctionLoss, metrics.FunctionMetric)) and hasattr(
            obj, "get_config"
        ):
            assert obj.get_config() == fresh.get_config()
    else:
        assert words.startswith(f"{cls.__name__}.{name} ") or isinstance(obj, schedules.Schedule)
        assert plain(obj) == before


@pytest.mark.parametrize(
    ("obj", "name", "value"),
    [
        (callbacks.EarlyStopping(), "patience", -1),
        (callbacks.ReduceLROnPlateau(), "factor", 2.0),
        (losses.Huber(), "delta", 0),
        (optimizers.SGD(), "momentum", 1.5),
        (optimizers.Adam(clipnorm=1.0), "clipvalue", 1.0),
        (schedules.CosineDecay(0.1, 10), "decay_steps", 0),
        (schedules.PiecewiseConstantDecay([1], [1, 2]), "values", [1, 2, 3]),
        (constraints.MaxNorm(), "axis", "rows"),
        (regularizers.L2(), "l2", -1),
        (initializers.RandomUniform(), "minval", 5),
        (Dropout(0.5), "rate", 1.0),
        (GRU(3), "zoneout", 2),
        (GRU(3, dtype="float64"), "inference_weights", "int8"),
        (Dense(3), "name", "a/b"),
        (optimizers.Adam(), "iterations", -1),
        (optimizers.Adam(), "iterations", 0.5),
        (optimizers.Adam(), "learning_rate", float("nan")),
        (Sequential(), "optimizer", "adamm"),
    ],
)
def test_a_value_is_checked_as_in_the_constructor_and_nothing_changes(obj, name, value):
    before = plain(obj) if not isinstance(obj, GRU) else repr(obj)
    with pytest.raises((ValueError, TypeError)):
        setattr(obj, name, value)
    assert (plain(obj) if not isinstance(obj, GRU) else repr(obj)) == before


@pytest.mark.parametrize("after_steps", [False, True])
@pytest.mark.parametrize(
    ("cls", "name"), [p for p in EVERY_ARGUMENT if issubclass(p[0], optimizers.Optimizer)]
)
def test_an_optimizers_setting_changes_the_next_step(cls, name, after_steps):
    """The step equals that of an optimizer made with the value, with the same state."""
    value = other_value(cls, name)
    made_with = {"momentum": 0.9} if name == "nesterov" else {}
    if name.startswith("ema_"):
        made_with = {"use_ema": True, "ema_overwrite_frequency": 2}
    if name == "initial_accumulator_value" and after_steps:
        pytest.skip("it is for the first step")
    old = trained(cls(**made_with))
    changed, expected = copy.deepcopy(old), copy.deepcopy(old)
    if not after_steps:
        for model in (old, changed):
            model.optimizer = cls(**made_with)
    words = refusal(changed.optimizer, name, value)
    if words is not None:  # the state has been made for another setting
        assert "compile with a new optimizer" in words
        assert after_steps
        assert name in ("momentum", "centered", "amsgrad", "use_ema", "gradient_accumulation_steps")
        return
    expected.optimizer = cls(**{**made_with, name: value})
    if after_steps:
        expected.optimizer.build(expected.parameters)
        expected.optimizer.iterations = old.optimizer.iterations
        for slot, flat in old.optimizer.slots.items():
            expected.optimizer.slots[slot][:] = flat
    for model in (old, changed, expected):
        for _ in range(2):
            model.train_on_batch(ROWS, ROWS[:, :1])
    assert same(changed.get_weights(), expected.get_weights())
    # These show later than in two steps, or not in the weights; signs of gradients may stay.
    late = ("name", "use_ema", "amsgrad", "ema_overwrite_frequency")
    if name not in late and cls is not optimizers.Lion:
        assert not same(changed.get_weights(), old.get_weights())


# ---- models and the rest -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("layers", [], r"call add\(layer\)"),
        ("dtype", "float64", "make a new Sequential"),
        ("seed", 3, "give fit a seed"),
        ("rng", None, "seed"),
        ("loss", "mae", "call compile"),
        ("metrics", ["mae"], "call compile"),
        ("parameters", None, "follows from other attributes"),
        ("output_shape", (1,), "cannot be set"),
        ("run_eagerly", True, "leave it out"),
        ("jit_compile", True, "leave it out"),
    ],
)
def test_attributes_of_a_model_that_cannot_be_set(name, value, words):
    model = trained("sgd")
    with pytest.raises(AttributeError, match=f"Sequential.{name} .*{words}"):
        setattr(model, name, value)


def test_attributes_of_a_model_that_can_be_set():
    model = trained("sgd")
    model.optimizer = "adam"
    assert isinstance(model.optimizer, optimizers.Adam)
    model.name, model.stop_training, model.history = "other", True, History()
    model.train_on_batch(ROWS, ROWS[:, :1])
    assert model.optimizer.iterations == 1
    assert repr(model).startswith("<Sequential 'other'")


def test_a_stream_stays_as_it_was_made():
    stream = Sequential([GRU(2, input_shape=(None, 2))]).stream()
    for name in ("batch_size", "dtype", "model"):
        with pytest.raises(AttributeError, match=f"Stream.{name} cannot change"):
            setattr(stream, name, 2)
    stream.state = [np.ones((1, 2))]
    assert stream.state[0].tolist() == [[1, 1]]


def test_a_forecaster_keeps_what_its_model_was_made_for():
    series = np.arange(60.0)
    forecaster = Forecaster(8, 2, hidden_units=2, epochs=1, seed=0)
    forecaster.horizon = 3
    assert forecaster.fit(series).predict().shape == (3,)
    with pytest.raises(AttributeError, match=r"horizon cannot change after fit: make a new Forec"):
        forecaster.horizon = 4
    with pytest.raises(ValueError, match="learning_rate"):
        forecaster.learning_rate = -1
    forecaster.epochs, forecaster.dropout = 2, 0.5
    expected = Forecaster(8, 3, hidden_units=2, epochs=2, dropout=0.5, seed=0).fit(series)
    assert forecaster.fit(series).history_ == expected.history_
    with pytest.raises(AttributeError, match="did you mean 'patience'"):
        forecaster.patence = 3


def test_callbacks_that_are_changed_between_runs():
    model = trained("sgd")
    stop = callbacks.EarlyStopping("loss", min_delta=1e9, patience=1)
    assert len(model.fit(ROWS, ROWS[:, :1], epochs=9, verbose=0, callbacks=stop).epoch) == 2
    stop.patience = 3
    assert len(model.fit(ROWS, ROWS[:, :1], epochs=9, verbose=0, callbacks=stop).epoch) == 4


# ---- classes of the user's -----------------------------------------------------------------------


class Losses(callbacks.Callback):
    """A callback as in Keras's guide, with attributes whose names are similar to known ones."""

    def on_train_begin(self, logs=None):
        self.losses, self.param, self.history = [], 0, "mine"

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])


def test_the_methods_of_a_users_class_set_what_they_like():
    model, seen = trained("sgd"), Losses()
    model.fit(ROWS, ROWS[:, :1], verbose=0, callbacks=seen)
    assert len(seen.losses) == 1
    seen.param = 3

    class Scaled(gru_c.layers.Layer):
        def __init__(self, units, activaton, **options):
            super().__init__(**options)
            self.units, self.activaton = units, activaton

        def build(self, input_shape, rng=None):
            super().build(input_shape, rng)
            self.built = True
            self.kernel = np.ones(3)

        def forward(self, x, *, training=False):
            self.states = x
            return x * self.units

    layer = Scaled(2, "mine", name="scaled")
    assert layer(np.ones((1, 2))).tolist() == [[2, 2]]
    layer.units = 3
    assert layer(np.ones((1, 2))).tolist() == [[3, 3]]
    with pytest.raises(TypeError, match="did you mean 'name'"):
        Scaled(2, "mine", nam="scaled")
    with pytest.raises(AttributeError, match="did you mean 'input_shape'"):
        layer.inputshape = 3


def test_users_classes_with_other_bases():
    class Keeps:
        def __init__(self):
            self.kept = 1

        def __setattr__(self, name, value):
            super().__setattr__(name, value + 1 if name == "kept" else value)

    class Both(callbacks.Callback, Keeps, abc.ABC):
        pass

    both = Both()
    assert both.kept == 2
    both.kept = 4
    assert both.kept == 5


def test_copies_are_looked_at_like_the_original():
    for obj, slip in ((GRU(3), "unit"), (optimizers.Adam(), "beta1"), (losses.Huber(), "deltaa")):
        for other in (copy.deepcopy(obj), pickle.loads(pickle.dumps(obj))):
            with pytest.raises(AttributeError, match="did you mean"):
                setattr(other, slip, 3)
