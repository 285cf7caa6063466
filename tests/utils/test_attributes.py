"""What is set from outside takes effect, or is refused: all classes, all arguments of constructors.

An argument that may be set is proved to work against an object that was made with the new value.
"""

import abc
import copy
import inspect
import pickle
import re

import numpy as np
import pytest

import gru_c
import gru_c.interop.keras
from gru_c import (
    GRU,
    Activation,
    AveragePooling1D,
    Bidirectional,
    Conv1D,
    Cropping1D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    History,
    Input,
    LayerNormalization,
    Masking,
    MaxPooling1D,
    RepeatVector,
    Sequential,
    UpSampling1D,
    ZeroPadding1D,
    callbacks,
    constraints,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from gru_c.forecast import Forecaster
from gru_c.layers import LAYERS
from gru_c.utils.attributes import Guarded

MODULES = [callbacks, constraints, initializers, losses, metrics, optimizers]
MODULES += [regularizers, schedules, gru_c]
SEQUENCES = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32)
INDICES = np.array([[0, 3, 1], [2, 2, 0]])
ROWS = np.random.default_rng(1).normal(size=(8, 2)).astype(np.float32)


def arguments_of(cls):
    return [name for name in inspect.signature(cls).parameters if name != "hooks"]


# ---- each class: the arguments that it is made with, and another value of each argument ----------

LAYER = {"name": "other", "dtype": "float64", "input_shape": (9, 9), "trainable": False}
GRU_KINDS = {"activation": "relu", "recurrent_activation": "hard_sigmoid", "units": 5}
WEIGHTS = {
    f"{weight}_{kind}": {
        "initializer": initializers.Constant(0.5),
        "regularizer": "l2",
        "constraint": "non_neg",
    }[kind]
    for weight in ("kernel", "recurrent", "bias", "embeddings", "beta", "gamma")
    for kind in ("initializer", "regularizer", "constraint")
}
POOLING = {"pool_size": 3, "strides": 1, "padding": "same", "data_format": "channels_first"}
GLOBAL_POOLING = {"data_format": "channels_first", "keepdims": True}
LAYER_CASES = {
    GRU: (
        {"units": 4, "seed": 3},
        {
            **GRU_KINDS,
            "use_bias": False,
            "return_sequences": True,
            "return_state": True,
            "go_backwards": True,
            "zero_output_for_mask": True,
            "stateful": True,
            "time_major": True,
            "reset_after": False,
            "dropout": 0.5,
            "recurrent_dropout": 0.5,
            "zoneout": 0.5,
            "clip": 0.01,
            "checkpoint_every": 2,
            "seed": 7,
            "inference_weights": "int8",
        },
    ),
    Bidirectional: (
        {"layer": GRU(2), "seed": 3},
        {"layer": GRU(3), "merge_mode": "sum", "backward_layer": GRU(2), "seed": 7},
    ),
    Dense: ({"units": 4}, {"units": 5, "activation": "relu", "use_bias": False}),
    Dropout: ({"rate": 0.25, "seed": 3}, {"rate": 0.75, "seed": 7}),
    Embedding: (
        {"input_dim": 4, "output_dim": 2},
        {"input_dim": 5, "output_dim": 3, "mask_zero": True, "weights": np.ones((4, 2))},
    ),
    LayerNormalization: ({}, {"axis": -2, "epsilon": 0.5, "center": False, "scale": False}),
    Activation: ({"activation": "relu"}, {"activation": "tanh"}),
    RepeatVector: ({"n": 2}, {"n": 3}),
    Flatten: ({}, {}),
    Masking: ({}, {"mask_value": float(SEQUENCES[0, 0, 0])}),
    Input: ({"shape": (3, 2)}, {"shape": (4, 2)}),
    Conv1D: (
        {"filters": 4, "kernel_size": 2},
        {
            "filters": 2,
            "kernel_size": 3,
            "strides": 2,
            "padding": "causal",
            "data_format": "channels_first",
            "dilation_rate": 2,
            "groups": 2,
            "activation": "relu",
            "use_bias": False,
        },
    ),
    MaxPooling1D: ({}, POOLING),
    AveragePooling1D: ({}, POOLING),
    GlobalMaxPooling1D: ({}, GLOBAL_POOLING),
    GlobalAveragePooling1D: ({}, GLOBAL_POOLING),
    ZeroPadding1D: ({}, {"padding": (2, 0), "data_format": "channels_first"}),
    Cropping1D: ({}, {"cropping": (1, 0)}),
    UpSampling1D: ({}, {"size": 3}),
}
OPTIMIZER = {
    "learning_rate": 0.5,
    "weight_decay": 0.25,
    "clipnorm": 0.125,
    "global_clipnorm": 0.125,
    "clipvalue": 0.125,
    "momentum": 0.5,
    "nesterov": True,
    "rho": 0.5,
    "epsilon": 0.125,
    "centered": True,
    "beta_1": 0.5,
    "beta_2": 0.5,
}
RATES = {"initial_learning_rate": 0.5, "decay_steps": 5, "decay_rate": 0.25, "alpha": 0.25}
STAIRS = {**RATES, "staircase": True}
MONITOR = {
    "monitor": "loss",
    "mode": "max",
    "min_delta": 0.5,
    "patience": 5,
    "verbose": 1,
}
START = {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}


def three_arguments(y, p):
    return 1.0, p


def two_arguments(y, p):
    return 2.0


OTHER_CASES = {
    optimizers.SGD: ({}, OPTIMIZER),
    optimizers.RMSprop: ({}, OPTIMIZER),
    optimizers.Adam: ({}, OPTIMIZER),
    optimizers.AdamW: ({}, OPTIMIZER),
    schedules.ExponentialDecay: (START, STAIRS),
    schedules.InverseTimeDecay: (START, STAIRS),
    schedules.CosineDecay: (
        {"initial_learning_rate": 0.1, "decay_steps": 10},
        {**RATES, "warmup_target": 0.5, "warmup_steps": 3},
    ),
    schedules.CosineDecayRestarts: (
        {"initial_learning_rate": 0.1, "first_decay_steps": 2},
        {**RATES, "first_decay_steps": 3, "t_mul": 1.0, "m_mul": 0.5},
    ),
    schedules.PiecewiseConstantDecay: (
        {"boundaries": [2], "values": [0.1, 0.2]},
        {"boundaries": [4], "values": [0.3, 0.4]},
    ),
    schedules.PolynomialDecay: (
        {"initial_learning_rate": 0.1, "decay_steps": 4},
        {**RATES, "end_learning_rate": 0.01, "power": 2.0, "cycle": True},
    ),
    losses.MeanSquaredError: ({}, {}),
    losses.MeanAbsoluteError: ({}, {}),
    losses.Huber: ({}, {"delta": 0.25}),
    losses.QuantileLoss: ({}, {"quantiles": 0.9}),
    losses.BinaryCrossentropy: ({}, {"from_logits": True}),
    losses.CategoricalCrossentropy: ({}, {"from_logits": True}),
    losses.SparseCategoricalCrossentropy: ({}, {"from_logits": True}),
    losses.FunctionLoss: ({"function": lambda y, p: (0.0, p)}, {"function": three_arguments}),
    metrics.MeanSquaredError: ({}, {"name": "other"}),
    metrics.RootMeanSquaredError: ({}, {"name": "other"}),
    metrics.MeanAbsoluteError: ({}, {"name": "other"}),
    metrics.BinaryAccuracy: ({}, {"name": "other", "threshold": 0.25}),
    metrics.CategoricalAccuracy: ({}, {"name": "other"}),
    metrics.SparseCategoricalAccuracy: ({}, {"name": "other"}),
    metrics.Accuracy: ({}, {"name": "other"}),
    metrics.AccuracyOfLoss: ({}, {"name": "other", "loss": "binary_crossentropy"}),
    metrics.MeanOfLoss: ({"loss": "mse"}, {"name": "other", "loss": "mae"}),
    metrics.FunctionMetric: (
        {"function": lambda y, p: 1.0},
        {"name": "other", "function": two_arguments},
    ),
    callbacks.EarlyStopping: (
        {},
        {**MONITOR, "baseline": 0.5, "restore_best_weights": True, "start_from_epoch": 2},
    ),
    callbacks.ModelCheckpoint: (
        {"filepath": "one.safetensors"},
        {
            **MONITOR,
            "filepath": "other.safetensors",
            "save_best_only": True,
            "save_weights_only": True,
            "save_freq": 3,
            "initial_value_threshold": 0.5,
        },
    ),
    callbacks.ReduceLROnPlateau: ({}, {**MONITOR, "factor": 0.5, "cooldown": 2, "min_lr": 0.01}),
    callbacks.LearningRateScheduler: (
        {"schedule": lambda epoch, rate: rate},
        {"schedule": lambda epoch: 0.5, "verbose": 1},
    ),
    callbacks.CSVLogger: (
        {"filename": "one.csv"},
        {"filename": "other.csv", "separator": ";", "append": True},
    ),
    callbacks.TensorBoard: ({}, {"log_dir": "other", "update_freq": "batch"}),
    callbacks.TerminateOnNaN: ({}, {"raise_error": True}),
    callbacks.LambdaCallback: ({}, {}),
    callbacks.Callback: ({}, {}),
    regularizers.L1: ({}, {"l1": 0.5}),
    regularizers.L2: ({}, {"l2": 0.5}),
    regularizers.L1L2: ({}, {"l1": 0.5, "l2": 0.5}),
    constraints.MaxNorm: ({}, {"max_value": 0.5, "axis": 1}),
    constraints.UnitNorm: ({}, {"axis": 1}),
    constraints.NonNeg: ({}, {}),
    **{
        cls: ({}, {"seed": 5, "gain": 2.0, "value": 3.0, "mean": 1.0, "stddev": 0.5, "minval": -1})
        for cls in set(initializers.INITIALIZERS.values())
    },
}
OTHER_CASES[initializers.RandomUniform][1]["maxval"] = 2.0


def other_value(cls, name):
    table = {**OTHER_CASES, **LAYER_CASES}[cls][1]
    return {**LAYER, **WEIGHTS, **table}[name]


def refusal(obj, name, value):
    """Set an attribute; the words with which it was refused, None where it was accepted."""
    try:
        setattr(obj, name, value)
    except (AttributeError, ValueError) as error:
        return str(error)
    return None


def test_all_classes_of_the_package_are_tried():
    public = {
        value
        for module in MODULES
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Guarded)
    }
    bases = {
        "Configurable",
        "Optimizer",
        "Schedule",
        "Loss",
        "Metric",
        "Regularizer",
        "Constraint",
        "Initializer",
    }
    known = {*LAYER_CASES, *OTHER_CASES, Sequential, History, gru_c.Stream}
    assert {cls for cls in public if cls.__name__ not in bases and cls.__name__[0] != "_"} == known
    assert set(LAYERS.values()) <= known


# ---- everything but layers: equal to an object made with the new value ---------------------------

EVERY_ARGUMENT = [(cls, name) for cls in OTHER_CASES for name in arguments_of(cls)]


def plain(value):
    """Attributes in a form that can be compared."""
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


def trained(optimizer):
    model = Sequential([Dense(2, input_shape=(2,)), Dense(1)], seed=0)
    model.compile(optimizer, "mse")
    for _ in range(3):
        model.train_on_batch(ROWS, ROWS[:, :1])
    return model


@pytest.mark.parametrize("after_steps", [False, True])
@pytest.mark.parametrize(
    ("cls", "name"), [p for p in EVERY_ARGUMENT if issubclass(p[0], optimizers.Optimizer)]
)
def test_an_optimizers_setting_changes_the_next_step(cls, name, after_steps):
    """Against an optimizer that was made with it and given the state."""
    value = other_value(cls, name)
    made_with = {"momentum": 0.9} if name == "nesterov" else {}
    old = trained(cls(**made_with))
    changed, expected = copy.deepcopy(old), copy.deepcopy(old)
    if not after_steps:
        for model in (old, changed):
            model.optimizer = cls(**made_with)
    words = refusal(changed.optimizer, name, value)
    if words is not None:  # the state has been made for another setting
        assert "compile with a new optimizer" in words
        assert after_steps
        assert name in ("momentum", "centered")
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
    assert not same(changed.get_weights(), old.get_weights())


def same(a, b):
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


# ---- flags ---------------------------------------------------------------------------------------

NO_FLAGS = ["no", "False", "", None, 2, -1, 0.0, 1.0, [], np.array(True), np.float32(1)]
KINDS_OF_TRUE = [True, np.bool_(True), 1, np.int64(1)]
KINDS_OF_FALSE = [False, np.bool_(False), 0, np.uint8(0)]


def flags_of(function):
    parameters = inspect.signature(function).parameters.values()
    return [one.name for one in parameters if isinstance(one.default, bool)]


MADE_WITH = {cls: made_with for cls, (made_with, _) in {**OTHER_CASES, **LAYER_CASES}.items()}
MADE_WITH |= {Sequential: {}, Forecaster: {"window": 4, "horizon": 1}}
FLAGS = [(cls, name) for cls in MADE_WITH for name in flags_of(cls)]


@pytest.mark.parametrize(("cls", "name"), FLAGS)
def test_a_flag_of_a_constructor_is_true_or_false(cls, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made_with = MADE_WITH[cls]
    obj = cls(**made_with)
    for value in NO_FLAGS:
        words = rf"^{name} must be True or False, got {re.escape(repr(value))}$"
        with pytest.raises(TypeError, match=words):
            cls(**{**made_with, name: value})
        before = getattr(obj, name)
        with pytest.raises((TypeError, AttributeError)):
            setattr(obj, name, value)
        assert getattr(obj, name) is before
    if name == "nesterov":
        made_with = {"momentum": 0.5}
    for value in (*KINDS_OF_TRUE, *KINDS_OF_FALSE):
        assert getattr(cls(**{**made_with, name: value}), name) is bool(value)


def verbs():
    """Functions and methods with the arguments that they need besides flags."""
    model = trained("sgd")
    yield model.fit, {"x": ROWS, "y": ROWS[:, :1], "verbose": 0}
    yield model.predict, {"x": ROWS, "verbose": 0}
    yield model.evaluate, {"x": ROWS, "y": ROWS[:, :1], "verbose": 0}
    yield model.train_on_batch, {"x": ROWS, "y": ROWS[:, :1]}
    yield model.profile, {"x": ROWS}
    yield model.save, {"path": "model.safetensors"}
    yield model.__call__, {"x": ROWS}
    for cls, (made_with, _) in LAYER_CASES.items():
        layer = cls(**made_with)
        x = example_of(layer)
        layer(x)
        yield layer.__call__, {"x": x}
        yield layer.forward, {"x": x}
        if cls is not Input:
            yield layer.backward, {"d_output": layer.forward(x, training=True)}
    arrays = {"kernel": np.ones((2, 12)), "recurrent_kernel": np.ones((4, 12))}
    yield gru_c.gru_forward, {"x": SEQUENCES, **arrays}
    yield gru_c.gru_step, {"x_t": ROWS, "state": np.zeros((8, 4)), **arrays}
    tape = gru_c.gru_forward(SEQUENCES, **arrays, training=True).tape
    yield gru_c.gru_backward, {"tape": tape}
    yield gru_c.timeseries_dataset, {"data": ROWS, "targets": None, "sequence_length": 2}
    forecaster = Forecaster(4, 1, hidden_units=1, epochs=1).fit(np.arange(30.0))
    yield forecaster.backtest, {"series": np.arange(40.0), "folds": 2}


def test_a_flag_of_a_function_is_true_or_false(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tried = 0
    for verb, arguments in verbs():
        for name in flags_of(verb):
            for value in ("no", "False", None, 2):
                words = f"^{name} must be True or False, got {value!r}$"
                with pytest.raises(TypeError, match=words):
                    verb(**arguments, **{name: value})
            tried += 1
    assert tried > 50
    assert not list(tmp_path.iterdir())


def test_flags_of_numpy_and_numbers_give_the_bits_of_true_and_false():
    arrays = {"x": SEQUENCES, "kernel": np.ones((2, 12)), "recurrent_kernel": np.ones((4, 12))}
    for name in flags_of(gru_c.gru_forward):
        for kinds in (KINDS_OF_TRUE, KINDS_OF_FALSE):
            for kind in kinds:
                result = gru_c.gru_forward(**arrays, **{name: kind})
                expected = gru_c.gru_forward(**arrays, **{name: kinds[0]})
                assert same([result.output], [expected.output])
                assert (result.tape is None) == (expected.tape is None)
    for kinds in (KINDS_OF_TRUE, KINDS_OF_FALSE):
        models = [trained("sgd") for _ in kinds]
        for model, kind in zip(models, kinds, strict=True):
            model.fit(ROWS, ROWS[:, :1], 2, shuffle=kind, seed=3, verbose=0)
            assert same(model.get_weights(), models[0].get_weights())
            logs = model.evaluate(ROWS, ROWS[:, :1], verbose=0, return_dict=kind)
            assert isinstance(logs, dict) == bool(kind)


@pytest.mark.parametrize("cls", [cls for cls in MADE_WITH if "verbose" in arguments_of(cls)])
def test_verbose_is_a_number_up_to_two(cls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    obj = cls(**MADE_WITH[cls])
    for value in ("no", 3, -1, None, [1]):
        with pytest.raises(ValueError, match=r"verbose must be .*0, 1 or 2, got"):
            cls(**MADE_WITH[cls], verbose=value)
        with pytest.raises(ValueError, match=r"verbose must be .*0, 1 or 2, got"):
            obj.verbose = value
    for value in (True, np.int64(1), 2, 0):
        obj.verbose = value
        assert obj.verbose == value


# ---- layers: equal to a layer made with the new value, of the same weights -----------------------


def example_of(layer):
    if isinstance(layer, Embedding):
        return INDICES
    return ROWS if isinstance(layer, RepeatVector) else SEQUENCES


def results(layer):
    """All that passes give: with a mask where one is taken, from the same random numbers."""
    x, found = example_of(layer), []
    if hasattr(layer, "rng"):
        layer.set_seed(11)
    shape = x.shape[1::-1] if getattr(layer, "time_major", False) else x.shape[:2]
    shape = x.shape[::2] if getattr(layer, "data_format", "")[9:] == "first" else shape
    mask = {"mask": np.arange(shape[1]) < np.ones((shape[0], 1))} if layer.takes_mask else {}
    for options in ({}, mask):
        for training in (False, True):
            found += flat(layer.forward(x, training=training, **options))
    if isinstance(layer, Input):
        return found
    output = flat(layer.forward(x, training=True))
    gradient = output[0] if getattr(layer, "merge_mode", "") is not None else output
    found += flat(layer.backward(gradient))
    found += [item.gradient.copy() for item in layer.parameters]
    return [*found, np.array(layer.compute_mask(x) is None)]


def flat(value):
    return [
        np.array(part)
        for part in (value if isinstance(value, tuple) else (value,))
        if part is not None
    ]


def remade(layer, name, value):
    """A layer that was made with a value, of the same weights."""
    config = {**layer.get_config(), name: value}
    config["dtype"] = value if name == "dtype" else None
    fresh = type(layer)(**config)
    if layer.built:
        fresh.build(layer.built_shape)
        fresh.set_weights(layer.get_weights())
    return fresh


@pytest.mark.filterwarnings("ignore:training will change nothing")  # of layers without weights
@pytest.mark.parametrize("stage", ["made", "built", "in a model", "trained"])
@pytest.mark.parametrize(
    ("cls", "name"), [(cls, name) for cls in LAYER_CASES for name in arguments_of(cls)]
)
def test_a_layers_argument_is_refused_or_gives_the_layer_made_with_it(cls, name, stage):
    layer, value = cls(**LAYER_CASES[cls][0]), other_value(cls, name)
    model = None
    if stage == "built":
        layer.build(layer.open_shape(example_of(layer).shape), rng=0)
    elif stage != "made" and cls is not Input:
        model = Sequential([Input(example_of(layer).shape[1:]), layer], seed=0)
        if stage == "trained":
            model.compile("sgd", "mse")
            model.train_on_batch(example_of(layer), model.predict(example_of(layer), verbose=0) + 1)
    before = layer.get_config()
    words = refusal(layer, name, value)
    if words is not None:
        assert words.startswith(f"{cls.__name__}.{name} ") or "axis must be -1" in words
        assert layer.get_config() == before
        return
    fresh = remade(layer, name, value)
    expected = {**fresh.get_config(), "dtype": layer.dtype}
    assert layer.get_config() == expected != before
    for part in (layer, fresh):
        if not part.built:
            part.build(part.open_shape(example_of(part).shape), rng=0)
    assert same(results(layer), results(fresh))
    if model is not None:
        model.reset_states()
        if getattr(fresh, "stateful", False):
            fresh.reset_states()
        assert same([model.predict(example_of(layer), verbose=0)], flat(fresh(example_of(layer))))


def test_settings_that_say_what_weights_there_are_count_until_they_are_made():
    layer = GRU(4)
    layer.units, layer.use_bias, layer.kernel_regularizer = 6, False, "l2"
    assert [w.shape for w in (layer.build((None, 3, 2)), layer.get_weights())[1]] == [
        (2, 18),
        (6, 18),
    ]
    assert layer.penalty() > 0
    with pytest.raises(
        AttributeError, match=r"GRU.units cannot change after the weights were made"
    ):
        layer.units = 7


def test_a_layer_within_another_has_its_settings_from_there():
    layer = GRU(4)
    both = Bidirectional(layer)
    for part in (layer, both.forward_layer, both.backward_layer):
        for name, value in (("dropout", 0.5), ("return_sequences", True), ("units", 3)):
            with pytest.raises(AttributeError, match="is part of a Bidirectional"):
                setattr(part, name, value)


def test_what_a_chain_cannot_pass_on_is_refused_when_it_is_built():
    layer = GRU(4)
    model = Sequential([layer, Dense(1)])
    layer.return_state = True
    with pytest.raises(ValueError, match="return_state=True gives two outputs"):
        model.predict_on_batch(SEQUENCES) if model.built else model.build((None, 3, 2))


def test_two_layers_of_one_name_are_not_saved(tmp_path):
    model = trained("sgd")
    model.layers[0].name = model.layers[1].name
    with pytest.raises(ValueError, match="2 layers have the name"):
        model.save(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="2 layers have the name"):
        gru_c.interop.keras.save(model, tmp_path / "model.keras")
    model.layers[0].name = "first"
    model.save(tmp_path / "model.safetensors", include_optimizer=True)
    again = gru_c.load_model(tmp_path / "model.safetensors")
    assert again.layers[0].name == "first"
    assert same(again.get_weights(), model.get_weights())


def test_layers_that_are_exchanged_in_place_are_trained_or_refused(tmp_path):
    model, new = trained("sgd"), Dense(1)
    new.build((None, 2), rng=5)
    model.layers[1] = new
    with pytest.raises(ValueError, match="a layer has no name: put it into the model with add"):
        model.save(tmp_path / "model.safetensors")
    before = new.get_weights()
    model.train_on_batch(ROWS, ROWS[:, :1])
    assert not same(new.get_weights(), before)
    other = trained("adam")
    other.layers[1] = Dense(1)
    with pytest.raises(ValueError, match="of this one with other layers"):
        other.train_on_batch(ROWS, ROWS[:, :1])


def test_a_setting_that_changes_within_predict_counts_from_the_next_batch():
    model = Sequential([GRU(16, input_shape=(3, 2))], seed=0)
    expected = model.predict(SEQUENCES, batch_size=2, verbose=0)
    layer = model.layers[0]

    def change(batch, logs):
        layer.inference_weights, layer.zoneout = "int8", 0.25

    hook = callbacks.LambdaCallback(on_predict_batch_end=change)
    found = model.predict(SEQUENCES, batch_size=2, verbose=0, callbacks=hook)
    assert same([found[:2]], [expected[:2]])
    assert same([found[2:]], [model.predict(SEQUENCES[2:], verbose=0)])
    assert not same([found[2:]], [expected[2:]])


def test_a_setting_is_in_the_file(tmp_path):
    model = Sequential([GRU(4, input_shape=(3, 2)), Dropout(0.5), Dense(1)], seed=0)
    model.compile("adam", "huber")
    model.layers[0].zoneout, model.layers[1].rate = 0.25, 0.125
    model.optimizer.beta_1, model.loss.delta = 0.5, 3.0
    model.save(tmp_path / "model.safetensors")
    again = gru_c.load_model(tmp_path / "model.safetensors")
    assert (again.layers[0].zoneout, again.layers[1].rate) == (0.25, 0.125)
    assert (again.optimizer.beta_1, again.loss.delta) == (0.5, 3.0)
    assert same([again.predict(SEQUENCES, verbose=0)], [model.predict(SEQUENCES, verbose=0)])


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


# ---- names ---------------------------------------------------------------------------------------


def slips_of(name):
    middle = len(name) // 2
    yield name + name[-1]
    yield name[:middle] + name[middle + 1 :]
    yield name.replace("_", "") if "_" in name else name.upper()
    if name[middle - 1] != name[middle]:
        yield name[: middle - 1] + name[middle] + name[middle - 1] + name[middle + 1 :]


@pytest.mark.parametrize("cls", [*LAYER_CASES, *OTHER_CASES])
def test_a_slip_in_the_name_of_an_argument_is_refused(cls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made_with = {**OTHER_CASES, **LAYER_CASES}[cls][0]
    obj = cls(**made_with)
    known = arguments_of(cls)
    for name in known:
        for slip in slips_of(name) if len(name) > 3 else ():
            if slip in known:
                continue
            with pytest.raises(AttributeError, match=f"{cls.__name__}.*{slip}"):
                setattr(obj, slip, 1)
            with pytest.raises(TypeError, match=slip):
                cls(**made_with, **{slip: 1})


OWN_NAMES = [
    "my_note",
    "note",
    "tag",
    "comment",
    "history_of_mine",
    "history2",
    "description",
    "author",
    "version",
    "created",
    "feature_names",
    "user_data",
    "kind",
    "role",
    "type",
    "group",
    "stage",
    "index",
    "color",
    "title",
    "info",
    "index_of_mine",
    "my_layers",
    "histories",
    "return_sequences_of_mine",
    "old_loss",
    "best_metrics",
    "my_rate",
    "extra",
    "parent",
    "experiment",
    "run_id",
    "notes",
]


@pytest.mark.parametrize("cls", [*LAYER_CASES, *OTHER_CASES, Sequential, History])
def test_names_that_are_the_users_own_are_accepted(cls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    obj = cls(**{**OTHER_CASES, **LAYER_CASES}.get(cls, [{}])[0])
    slips = {"group"} if cls is Conv1D else set()  # which has groups
    for name in {*OWN_NAMES} - slips:
        for value in (1, 2):
            setattr(obj, name, value)
        assert getattr(obj, name) == 2
        delattr(obj, name)
        assert not hasattr(obj, name)


def test_the_right_name_is_in_the_message():
    for obj, slip, right in (
        (optimizers.Adam(), "learning_rat", "learning_rate"),
        (optimizers.Adam(), "beta1", "beta_1"),
        (optimizers.Adam(), "learn_rate", "learning_rate"),
        (GRU(3), "return_sequencess", "return_sequences"),
        (Sequential(), "optimiser", "optimizer"),
        (Sequential(), "metric", "metrics"),
        (callbacks.EarlyStopping(), "patients", "patience"),
        (callbacks.EarlyStopping(), "best_weight", "best_weights"),
        (History(), "histroy", "history"),
    ):
        with pytest.raises(AttributeError, match=f"no attribute '{slip}'; did you mean '{right}'"):
            setattr(obj, slip, None)
    with pytest.raises(AttributeError, match="did you mean 'on_epoch_end'"):
        callbacks.Callback().on_epoch_endd = print
    Sequential().scaler = optimizers.Adam().my_learning_rate = 3
    optimizers.Adam().steps = 3  # near a method, but it is no function
    with pytest.raises(TypeError, match="did you mean 'units'"):
        GRU(unit=3)


def test_names_of_keras_that_mean_nothing_here():
    for obj, name, words in (
        (Dense(1), "activity_regularizer", "kernel_regularizer"),
        (GRU(1), "unroll", "leave it out"),
        (GRU(1), "bias", "set_weights"),
        (GRU(1), "kernel", r"layer.value\(name\)\[...\] = array"),
        (GRU(1), "dtype_policy", "dtype="),
        (GRU(1), "state", "reset_states"),
        (Dropout(0.5), "seed", "set_seed"),
        (optimizers.Adam(), "use_ema", "leave it out"),
        (losses.Huber(), "reduction", "mean"),
        (metrics.MeanSquaredError(), "dtype", "float64"),
        (callbacks.CSVLogger("log.csv"), "sep", "separator"),
        (callbacks.EarlyStopping(), "stop_training", "callback.model.stop_training"),
        (regularizers.L1(), "l2", "no such argument"),
        (initializers.Ones(), "value", "no such argument"),
    ):
        with pytest.raises(AttributeError, match=f"{type(obj).__name__}.{name} .*{words}"):
            setattr(obj, name, None)
    for make, words in (
        (lambda: GRU(8, implementation=2), "implementation.*leave it out"),
        (lambda: Dense(1, activity_regularizer="l2"), "activity_regularizer.*kernel_regularizer"),
        (lambda: optimizers.Adam(decay=0.1), "InverseTimeDecay"),
        (lambda: losses.MeanSquaredError(reduction="sum"), "reduction.*mean"),
        (lambda: optimizers.get({"class_name": "Adam", "config": {"b": 1}}), "arguments are"),
    ):
        with pytest.raises(TypeError, match=words):
            make()


KINDS = [
    [cls for cls in MADE_WITH if issubclass(cls, base)]
    for base in (
        gru_c.layers.Layer,
        optimizers.Optimizer,
        schedules.Schedule,
        losses.Loss,
        metrics.Metric,
        callbacks.Callback,
        regularizers.Regularizer,
        constraints.Constraint,
        initializers.Initializer,
    )
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[0].__mro__[-3].__name__)
def test_an_argument_of_another_class_of_the_kind_is_refused(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for cls in kind:
        if cls is callbacks.Callback:
            continue
        others = {name for other in kind for name in arguments_of(other)} - {*arguments_of(cls)}
        for name in others - {"trainable"}:  # which all layers have
            obj = cls(**MADE_WITH[cls])
            with pytest.raises(AttributeError, match=f"{cls.__name__}.{name} "):
                setattr(obj, name, 1)
            assert vars(obj).get(name, "nothing") == vars(cls(**MADE_WITH[cls])).get(
                name, "nothing"
            )


def test_names_of_other_libraries_are_refused_with_those_of_this_one():
    for obj, names, words in (
        (optimizers.Adam(), "eps", "epsilon"),
        (optimizers.Adam(), "betas", "beta_1 and beta_2"),
        (optimizers.SGD(), "lrate l_rate", "learning_rate"),
        (optimizers.RMSprop(), "alpha", "rho"),
        (optimizers.SGD(), "maximize dampening foreach", "leave it out"),
        (GRU(1), "hidden_size", "units"),
        (GRU(1), "engine", "gru_forward"),
        (GRU(1), "num_threads", "set_num_threads"),
        (GRU(1), "mask lengths initial_state", "argument of the layer's forward"),
        (GRU(1), "batch_first", "time_major"),
        (Dropout(0.5), "p", "rate"),
        (Sequential(), "lr learning_rate momentum clipnorm", "optimizer"),
        (Sequential(), "epochs callbacks shuffle verbose", "argument of fit"),
        (losses.MeanSquaredError(), "size_average", "mean over the samples"),
        (schedules.CosineDecay(0.1, 10), "learning_rate", "initial_learning_rate"),
        (optimizers.Adam(), "momentum", "no such argument .RMSprop, SGD have it"),
        (losses.Huber(), "from_logits", "BinaryCrossentropy, .* have it"),
        (initializers.GlorotUniform(), "gain", "Orthogonal has it"),
    ):
        for name in names.split():
            with pytest.raises(AttributeError, match=f"{type(obj).__name__}.{name} .*{words}"):
                setattr(obj, name, 0.5)
    with pytest.raises(TypeError, match="'eps': here it is epsilon"):
        optimizers.Adam(eps=0.5)


def test_a_users_class_has_arguments_of_other_classes_as_its_names():
    class Rate(callbacks.Callback):
        pass

    class Plain(gru_c.layers.Layer):
        pass

    for obj in (Rate(), Plain(), callbacks.Callback()):
        obj.patience = obj.rate = 3
        assert (obj.patience, obj.rate) == (3, 3)

    class Mine(optimizers.Adam):
        def __init__(self, rho):
            super().__init__()
            self.rho = rho

    mine = Mine(0.5)
    mine.rho = 0.25
    assert mine.rho == 0.25
    with pytest.raises(AttributeError, match=r"Mine.momentum .*has no such argument"):
        mine.momentum = 0.5


@pytest.mark.parametrize("built", [False, True])
def test_settings_of_both_directions_are_refused_with_what_to_do(built):
    both = Bidirectional(GRU(2, stateful=True))
    if built:
        both.build((None, 3, 2))
    before = both.get_config()
    for name in {*arguments_of(GRU)} - {*arguments_of(Bidirectional)}:
        words = rf"Bidirectional.{name} .*make a new Bidirectional\(GRU\(..., {name}=...\)"
        with pytest.raises(AttributeError, match=words):
            setattr(both, name, other_value(GRU, name))
    for name, words in (("cell", "make a new Bidirectional"), ("state", "reset_states")):
        with pytest.raises(AttributeError, match=words):
            setattr(both, name, None)
    assert both.get_config() == before
    both.trainable = False
    if not built:
        both.merge_mode = "sum"
        assert both.get_config()["merge_mode"] == "sum"


@pytest.mark.parametrize("cls", [*MADE_WITH, History])
def test_a_method_gives_way_to_a_function_alone(cls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    obj = cls(**MADE_WITH.get(cls, {}))
    methods = [n for n in dir(cls) if n[0] != "_" and inspect.isroutine(getattr(cls, n))]
    for name in methods:
        for value in ("exp-17", 3, None):
            with pytest.raises(AttributeError, match=f"{cls.__name__}.{name} is a method"):
                setattr(obj, name, value)
        setattr(obj, name, print)
        assert getattr(obj, name) is print
        delattr(obj, name)
        assert getattr(obj, name) is not print


@pytest.mark.parametrize("cls", LAYER_CASES)
def test_what_a_layer_keeps_for_itself_is_refused(cls):
    layer = cls(**MADE_WITH[cls])
    for name in ("prefix", "owned", "part_of", "takes_mask", "makes_mask", "not_kept"):
        with pytest.raises(AttributeError, match=f"{cls.__name__}.{name} .*take another name"):
            setattr(layer, name, "enc")
    if hasattr(layer, "rng"):
        with pytest.raises(TypeError, match=r"rng must be a numpy.random.Generator, got 'enc'"):
            layer.rng = "enc"
    layer(example_of(layer))


def test_words_of_users_that_are_near_to_known_names():
    for obj, names in (
        (Sequential(), "seeds history_ layer names metrics_ parameter labels"),
        (GRU(1), "seeds names labels units_"),
        (callbacks.Callback(), "mode models"),
        (callbacks.CSVLogger("log.csv"), "models"),
        (Forecaster(4, 1), "seeds models windows"),
    ):
        for name in names.split():
            setattr(obj, name, "mine")
            assert getattr(obj, name) == "mine"
    stop = callbacks.EarlyStopping()
    stop.models = []
    with pytest.raises(AttributeError, match="mode cannot change"):
        stop.mode = "max"


def test_what_one_object_has_says_nothing_of_others():
    class Fresh(optimizers.Adam):
        pass

    with_it, other = Fresh(), Fresh()
    vars(with_it)["learning_rat"] = 1  # as from an old pickle
    with_it.learning_rat = 2
    with pytest.raises(AttributeError, match="did you mean 'learning_rate'"):
        other.learning_rat = 3
    with_it.learning_rat = 4
    assert vars(with_it)["learning_rat"] == 4

    class Hooked(callbacks.Callback):
        pass

    first, second = Hooked(), Hooked()
    first.on_epoch_endd = 3
    for _ in range(2):
        with pytest.raises(AttributeError, match="did you mean 'on_epoch_end'"):
            second.on_epoch_endd = print
        second.on_epoch_ende = 3
        del second.on_epoch_ende
    first.on_epoch_endd = print  # which it has


def test_decay_of_old_keras_is_the_schedule_that_is_named():
    rate = schedules.InverseTimeDecay(0.1, decay_steps=1, decay_rate=0.5)
    assert [rate(step) for step in range(4)] == [0.1 / (1 + 0.5 * step) for step in range(4)]


@pytest.mark.parametrize("cls", optimizers.OPTIMIZERS.values())
def test_lr_is_the_old_name_of_learning_rate(cls):
    optimizer = cls()
    with pytest.warns(FutureWarning, match="lr is the old name of learning_rate") as seen:
        optimizer.lr = 0.5
    assert seen[0].filename == __file__
    with pytest.warns(FutureWarning, match="old name") as seen:
        optimizer.lr *= 0.5
    assert {one.filename for one in seen} == {__file__}
    assert optimizer.learning_rate == 0.25
    assert "lr" not in vars(optimizer)
    with pytest.warns(FutureWarning, match="old name") as seen:
        assert cls(lr=0.125).learning_rate == 0.125
    assert seen[0].filename == __file__
    with pytest.warns(FutureWarning, match="old name"):
        made = optimizers.get({"class_name": cls.__name__, "config": {"lr": 0.125}})
    assert made.learning_rate == 0.125
    with pytest.raises(TypeError, match="give one of them"):
        cls(lr=0.1, learning_rate=0.1)
    with pytest.warns(FutureWarning), pytest.raises(ValueError, match="learning rate"):
        optimizer.lr = -1


def test_what_belongs_to_an_object_cannot_be_deleted():
    layer = GRU(3)
    for name in ("units", "built", "kernel"):
        with pytest.raises(AttributeError):
            delattr(layer, name)
    layer.forward = lambda *_: 1  # in place of the method, as for a test
    assert layer.forward(2) == 1
    del layer.forward
    assert layer.units == 3


# ---- classes of the user's -----------------------------------------------------------------------


class Losses(callbacks.Callback):
    """Keeps what Keras's guide keeps, under names that are near to others."""

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
