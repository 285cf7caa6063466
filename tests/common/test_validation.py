"""Checks of arguments; every argument that is a number goes through one of them."""

import math
import pickle
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import gru_c
from gru_c import (
    GRU,
    Dense,
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
from gru_c.common import validation as v
from gru_c.data.timeseries import timeseries_dataset
from gru_c.forecast import Forecaster
from gru_c.runtime.threads import use_threads
from gru_c.sklearn import GRURegressor

LARGEST = (2 - 2**-23) * 2.0**127  # of float32


class Indexed:
    def __repr__(self):
        return "Indexed()"

    """An object that stands for an integer."""

    def __index__(self):
        return 7


@pytest.mark.parametrize(
    "value",
    [7, np.int8(7), np.uint64(7), np.array(7), np.array(7, "u1"), Indexed()],
    ids=repr,
)
def test_an_integer_of_any_library_becomes_an_int(value):
    integer = v.check_integer("n", value)
    assert type(integer) is int
    assert integer == 7


@pytest.mark.parametrize(
    "value",
    [
        True,
        np.True_,
        np.array(True),
        7.0,
        np.float64(7),
        "7",
        None,
        [7],
        np.array([7]),
        Fraction(7),
    ],
    ids=repr,
)
def test_what_is_not_an_integer_is_refused(value):
    with pytest.raises(TypeError, match="n must be an integer of at least 0, got"):
        v.check_integer("n", value)
    with pytest.raises(ValueError, match="n must be an integer of at least 0, got"):
        v.check_integer("n", value)


@pytest.mark.parametrize(
    ("value", "bounds", "message"),
    [
        (-1, {}, "n must be an integer of at least 0, got -1"),
        (np.int64(0), {"low": 1}, "n must be an integer of at least 1, got 0"),
        (11, {"low": 1, "high": 10}, "n must be an integer from 1 to 10, got 11"),
        (0, {"low": 1, "high": 10}, "n must be an integer from 1 to 10, got 0"),
        (-2, {"optional": True}, "n must be an integer of at least 0 or None, got -2"),
        (-2, {"also": " or 'all'"}, "n must be an integer of at least 0 or 'all', got -2"),
    ],
)
def test_an_integer_out_of_bounds_is_refused(value, bounds, message):
    with pytest.raises(ValueError, match=f"^{message}$") as caught:
        v.check_integer("n", value, **bounds)
    assert type(caught.value) is ValueError


def test_the_bounds_of_an_integer_belong_to_it():
    assert [v.check_integer("n", n, 1, 3) for n in (1, 2, 3)] == [1, 2, 3]
    assert v.check_integer("n", -(10**400), None) == -(10**400)
    assert v.check_integer("n", None, optional=True) is None


IN_AND_OUT = {
    "finite": ([-1.5, 0, 1e308], [math.inf, -math.inf, math.nan, 10**400]),
    ">= 0": ([0, 0.0, 5], [-1e-300, math.inf, math.nan, 10**400]),
    "> 0": ([1e-300, 5], [0, -0.0, -1, math.inf, math.nan]),
    "[0, 1]": ([0, 0.5, 1], [-1e-300, np.nextafter(1, 2), math.inf, math.nan, 10**400]),
    "[0, 1)": ([0, 0.5, np.nextafter(1, 0)], [-1e-300, 1, math.inf, math.nan, 10**400]),
    "(0, 1)": ([1e-300, 0.5], [0, 1, 1.0, math.nan]),
    "(0, inf]": ([1e-300, 3, math.inf], [0, -1, -math.inf, math.nan, 10**400]),
    "float32": ([0, -LARGEST, LARGEST], [1e39, -1e39, math.inf, math.nan, 10**400]),
}


@pytest.mark.parametrize("within", IN_AND_OUT)
def test_the_ranges_of_real_numbers(within):
    inside, outside = IN_AND_OUT[within]
    for value in inside:
        plain = Fraction(value) if math.isfinite(value) else value
        for number in (value, plain, np.float64(value), np.array(value)):
            real = v.check_real("x", number, within)
            assert type(real) is float
            assert real == value
    for value in outside:
        with pytest.raises(ValueError, match=r"x must be a .*number.*, got") as caught:
            v.check_real("x", value, within)
        assert type(caught.value) is ValueError


def test_every_range_has_a_test():
    assert list(IN_AND_OUT) == list(v._RANGES)


@pytest.mark.parametrize(
    "value",
    [True, np.False_, np.array(True), "0.5", None, [0.5], np.array([0.5]), 0.5j, Decimal("0.5")],
    ids=repr,
)
@pytest.mark.parametrize("within", IN_AND_OUT)
def test_what_is_not_a_real_number_is_refused(value, within):
    for kind in (TypeError, ValueError):
        with pytest.raises(kind, match=r"x must be a .*number.*, got"):
            v.check_real("x", value, within)


def test_an_integer_stays_an_int_on_request():
    assert type(v.check_real("x", np.int16(3), keep_int=True)) is int
    assert type(v.check_real("x", 3.0, keep_int=True)) is float
    assert v.check_real("x", None, optional=True) is None
    with pytest.raises(ValueError, match=r"x must be a number in \[0, 1\) or None, got 2"):
        v.check_real("x", 2, "[0, 1)", optional=True)


def test_a_wrong_type_survives_a_pickle():
    error = pickle.loads(pickle.dumps(v.WrongTypeError("n must be an integer, got 'a'")))
    assert isinstance(error, TypeError)
    assert isinstance(error, ValueError)
    assert str(error) == "n must be an integer, got 'a'"


@pytest.mark.parametrize("value", [True, False, np.True_, np.False_, 0, 1, np.int8(1)])
def test_flags(value):
    assert v.check_flag("f", value) is bool(value)
    v.check_flags(f=value)


@pytest.mark.parametrize("value", ["False", None, 2, 1.0, [], np.array(True)], ids=repr)
def test_what_is_not_a_flag_is_refused(value):
    with pytest.raises(TypeError, match="f must be True or False, got"):
        v.check_flag("f", value)
    with pytest.raises(TypeError, match="f must be True or False, got"):
        v.check_flags(e=True, f=value)


@pytest.mark.parametrize("value", ["float32", np.float32, np.dtype("f4"), "f4"])
def test_dtypes(value):
    assert v.check_dtype(value) == np.float32


@pytest.mark.parametrize(
    ("value", "kind"),
    [("float16", ValueError), (int, ValueError), ("float33", TypeError), (3, TypeError)],
)
def test_another_dtype_is_refused(value, kind):
    with pytest.raises(kind, match="dtype must be 'float32' or 'float64', got"):
        v.check_dtype(value)


def test_shapes():
    assert v.check_sample_shape([np.int64(10), None]) == (10, None)
    assert v.check_sizes("shape", ()) == ()
    for shape in (3, None, 2.5):
        with pytest.raises(TypeError, match=r"input_shape must be a tuple such as \(10, 8\)"):
            v.check_sample_shape(shape)
    for shape, kind in [((3, 0), ValueError), ((3, True), TypeError), ("ab", TypeError)]:
        with pytest.raises(kind, match=r"every size of shape .* must be an integer of at least 1"):
            v.check_sizes("shape", shape)


def test_seeds():
    assert v.make_rng(3).random() == v.make_rng(np.int64(3)).random()
    assert v.make_rng(None).random() != v.make_rng(None).random()
    for seed, kind in [(-1, ValueError), (1.5, TypeError), ("a", TypeError), (True, TypeError)]:
        with pytest.raises(kind, match="seed must be a non-negative integer or None, got"):
            v.make_rng(seed)


# ---- everything that takes a number --------------------------------------------------------------


def fit(**arguments):
    model = Sequential([GRU(2, input_shape=(3, 1)), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    return model.fit(np.ones((4, 3, 1)), np.ones((4, 1)), verbose=0, **arguments)


def regressor(**arguments):
    return GRURegressor(**arguments).fit(np.ones((6, 3, 1)), np.arange(6.0))


def forecaster(**arguments):
    return Forecaster(**{"window": 4, "horizon": 2, **arguments})


def threads(n):
    with use_threads(n):
        pass


def windows(**arguments):
    return timeseries_dataset(np.arange(9.0), None, **{"sequence_length": 2, **arguments})


def rate(**arguments):
    return schedules.CosineDecay(**{"initial_learning_rate": 0.1, "decay_steps": 5, **arguments})


def pieces(**arguments):
    x, w, u = np.ones((1, 3, 1), "f4"), np.ones((1, 3), "f4"), np.ones((1, 3), "f4")
    return gru_c.gru_forward(x, w, u, **arguments)


# The function that takes the number, the argument, an accepted number, one out of range.
INTEGERS = [
    (GRU, "units", 2, 0),
    (lambda **a: GRU(2, **a), "checkpoint_every", 2, 0),
    (lambda **a: GRU(2, **a), "seed", 2, -1),
    (Dense, "units", 2, -1),
    (layers.RepeatVector, "n", 2, 0),
    (lambda **a: layers.Embedding(output_dim=2, **a), "input_dim", 2, 0),
    (lambda **a: layers.Embedding(input_dim=2, **a), "output_dim", 2, 0),
    (initializers.GlorotUniform, "seed", 2, -1),
    (Sequential, "seed", 2, -1),
    (constraints.UnitNorm, "axis", 1, None),
    (lambda axis: constraints.UnitNorm([axis]), "axis", 1, None),
    (callbacks.EarlyStopping, "patience", 2, -1),
    (callbacks.EarlyStopping, "start_from_epoch", 2, -1),
    (callbacks.ReduceLROnPlateau, "patience", 2, -1),
    (callbacks.ReduceLROnPlateau, "cooldown", 2, -1),
    (lambda **a: callbacks.ModelCheckpoint("a.safetensors", **a), "save_freq", 2, 0),
    (callbacks.TensorBoard, "update_freq", 2, 0),
    (lambda **a: setattr(optimizers.SGD(), *a.popitem()), "iterations", 2, -1),
    (fit, "epochs", 1, -1),
    (fit, "initial_epoch", 0, -1),
    (fit, "batch_size", 2, 0),
    (fit, "bptt_steps", 2, 0),
    (windows, "sequence_length", 2, 0),
    (windows, "sequence_stride", 2, 9),
    (windows, "sampling_rate", 2, 0),
    (windows, "start_index", 2, 9),
    (windows, "end_index", 8, 0),
    (windows, "batch_size", 2, 0),
    (pieces, "checkpoint_every", 2, 0),
    (pieces, "num_threads", 2, 0),
    (threads, "n", 1, 0),
    (regressor, "hidden_units", 2, 0),
    (regressor, "batch_size", 2, 0),
    (regressor, "epochs", 1, 0),
    (regressor, "n_iter_no_change", 2, 0),
    (regressor, "num_threads", 1, 0),
    (forecaster, "window", 2, 0),
    (forecaster, "horizon", 2, 0),
    (forecaster, "hidden_units", 2, 0),
    (forecaster, "season", 2, -1),
    (forecaster, "batch_size", 2, 0),
    (forecaster, "epochs", 2, 0),
    (forecaster, "patience", 2, 0),
    (forecaster, "seed", 2, -1),
    (forecaster, "num_threads", 2, 0),
]
REALS = [
    (lambda **a: GRU(2, **a), "dropout", 0.5, 1),
    (lambda **a: GRU(2, **a), "recurrent_dropout", 0.5, -0.5),
    (lambda **a: GRU(2, **a), "zoneout", 0.5, 1),
    (lambda **a: GRU(2, **a), "clip", 0.5, 0),
    (lambda alpha: GRU(2, activation=("elu", alpha)), "alpha", 0.5, 1e39),
    (layers.Dropout, "rate", 0.5, 1),
    (layers.LayerNormalization, "epsilon", 0.5, 0),
    (layers.Masking, "mask_value", 0.5, math.inf),
    (losses.Huber, "delta", 0.5, 0),
    (losses.QuantileLoss, "quantiles", 0.5, 1),
    (metrics.BinaryAccuracy, "threshold", 0.5, math.nan),
    (regularizers.L1, "l1", 0.5, -1),
    (regularizers.L2, "l2", 0.5, math.inf),
    (constraints.MaxNorm, "max_value", 0.5, -1),
    (initializers.Constant, "value", 0.5, math.nan),
    (initializers.RandomNormal, "mean", 0.5, math.inf),
    (initializers.RandomNormal, "stddev", 0.5, -1),
    (lambda **a: initializers.RandomUniform(**{"maxval": 2.0, **a}), "minval", 0.5, math.nan),
    (initializers.RandomUniform, "maxval", 0.5, math.nan),
    (initializers.Orthogonal, "gain", 0.5, math.inf),
    (optimizers.SGD, "momentum", 0.5, 1),
    (optimizers.SGD, "weight_decay", 0.5, -1),
    (optimizers.SGD, "clipnorm", 0.5, 0),
    (optimizers.SGD, "global_clipnorm", 0.5, 0),
    (optimizers.SGD, "clipvalue", 0.5, math.inf),
    (optimizers.RMSprop, "rho", 0.5, 1),
    (optimizers.RMSprop, "momentum", 0.5, 1),
    (optimizers.RMSprop, "epsilon", 0.5, -1),
    (optimizers.Adam, "beta_1", 0.5, 1),
    (optimizers.Adam, "beta_2", 0.5, -1),
    (optimizers.Adam, "epsilon", 0.5, math.nan),
    (rate, "initial_learning_rate", 0.5, -1),
    (rate, "decay_steps", 0.5, 0),
    (rate, "alpha", 0.5, -1),
    (rate, "warmup_target", 0.5, -1),
    (rate, "warmup_steps", 0.5, -1),
    (callbacks.EarlyStopping, "min_delta", 0.5, math.nan),
    (callbacks.EarlyStopping, "baseline", 0.5, math.inf),
    (callbacks.ReduceLROnPlateau, "factor", 0.5, 1),
    (callbacks.ReduceLROnPlateau, "min_lr", 0.5, -1),
    (
        lambda **a: callbacks.ModelCheckpoint("a.safetensors", **a),
        "initial_value_threshold",
        0.5,
        math.nan,
    ),
    (fit, "validation_split", 0.5, 1),
    (regressor, "learning_rate", 0.5, 0),
    (regressor, "tol", 0.5, -1),
    (regressor, "dropout", 0.5, 1),
    (regressor, "validation_fraction", 0.5, 1),
    (forecaster, "dropout", 0.5, 1),
    (forecaster, "learning_rate", 0.5, 0),
    (forecaster, "validation_fraction", 0.5, 1),
]


@pytest.mark.parametrize(
    ("make", "name", "good", "bad", "types"),
    [(*case, (np.int16, np.uint64)) for case in INTEGERS]
    + [(*case, (np.float32, np.float64)) for case in REALS],
)
def test_numbers_of_numpy_are_taken_and_bools_are_not(make, name, good, bad, types):
    for kind in types:
        make(**{name: kind(good)})
    for value in (True, np.True_, "x"):
        with pytest.raises(TypeError, match=r" must be .*, got "):
            make(**{name: value})
    if bad is not None:
        with pytest.raises(ValueError, match=re.escape(f"{bad}")):
            make(**{name: bad})


def test_a_choice_is_returned_in_the_spelling_of_the_table():
    assert v.check_choice("curve", "roc", ("ROC", "PR")) == "ROC"
    with pytest.raises(ValueError, match=r"^curve must be one of 'ROC', 'PR', got 'auc'$"):
        v.check_choice("curve", "auc", ("ROC", "PR"))
    with pytest.raises(TypeError, match=r"^curve must be one of 'ROC', 'PR', got 3$"):
        v.check_choice("curve", 3, ("ROC", "PR"))
