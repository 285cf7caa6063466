"""Warnings of doubtful losses and metrics; models that are not doubtful are silent."""

import re

import numpy as np
import pytest
from doubtful_models import RNG, X, Y, compiled, warnings_of

import gru_c
from gru_c import GRU, Activation, Dense, Dropout, Sequential, losses, metrics

BITS = (Y > 0).astype(float)
LABELS = np.arange(24) % 3
ONE_HOT = np.eye(3)[LABELS]
PAIRS = np.eye(2)[BITS.astype(int)]

BINARY, CATEGORICAL = "binary_crossentropy", "categorical_crossentropy"
SPARSE = "sparse_categorical_crossentropy"
BINARY_LOGITS = losses.BinaryCrossentropy(from_logits=True)
CATEGORICAL_LOGITS = losses.CategoricalCrossentropy(from_logits=True)
SPARSE_LOGITS = losses.SparseCategoricalCrossentropy(from_logits=True)


def fit(model, y, **options):  # here, because warnings point at this file
    return model.fit(X, y, verbose=0, **options)


@pytest.mark.parametrize(
    ("loss", "head", "y", "advice"),
    [
        (BINARY, [Dense(1)], BITS, r"activation='sigmoid', or Binary.*\(from_logits=True\)$"),
        (BINARY, [Dense(1, "tanh")], BITS, "write activation='sigmoid'$"),
        (BINARY, [Dense(1, "relu")], BITS, "'dense' gives what its activation 'relu' does"),
        (BINARY, [Dense(1, "sigmoid"), Activation("relu")], BITS, "'activation' gives"),
        (BINARY, [], PAIRS.repeat(2, axis=1), "'gru' gives what its activation 'tanh'"),
        (BINARY, [Dense(2, "softmax")], PAIRS, "exclude each other write .*categorical"),
        (BINARY_LOGITS, [Dense(1, "sigmoid")], BITS, "'linear', or leave from_logits out"),
        (BINARY_LOGITS, [Dense(1, "relu")], BITS, "below 0 for class 0.*'linear'"),
        (CATEGORICAL, [Dense(3)], ONE_HOT, r"'softmax', or CategoricalC.*\(from_logits=True\)"),
        (CATEGORICAL, [Dense(3, "sigmoid")], ONE_HOT, "'softmax', or loss='binary_cross"),
        (CATEGORICAL_LOGITS, [Dense(3, "softmax")], ONE_HOT, "leave from_logits out"),
        (SPARSE, [Dense(3), Dropout(0.1)], LABELS, "'softmax', or SparseCategoricalCross"),
        (SPARSE, [Dense(3, "tanh")], LABELS, "write activation='softmax'$"),
        (SPARSE_LOGITS, [Dense(3, "softmax")], LABELS, "leave from_logits out"),
        (CATEGORICAL, [Dense(3, "softmax")], 1 - ONE_HOT, "24 rows .* has 2: for several classes"),
    ],
)
def test_a_loss_that_does_not_fit_warns_once_at_the_users_line(loss, head, y, advice):
    model = compiled(head, loss)

    def train():
        fit(model, y)
        fit(model, y)
        model.train_on_batch(X, y)
        model.evaluate(X, y, verbose=0)

    (warning,) = warnings_of(train)
    assert warning.filename == __file__
    assert re.search(advice, str(warning.message))


class Named(Dense):
    """A layer that computes the same as `Dense`."""

    def __init__(self, units):
        super().__init__(units, name="outputs")

    def describe(self):
        return f"{self.units} outputs"


class Squashed(Dense):
    """A layer whose outputs differ from those of `Dense`."""

    def forward(self, x, *, training=False):
        return 1 / (1 + np.exp(-super().forward(x, training=training)))


class Renamed(losses.BinaryCrossentropy):
    """A cross-entropy that computes the same as the base class."""


class Share(metrics.BinaryAccuracy):
    """A metric that computes the same as the base class."""


class Rounded(metrics.BinaryAccuracy):
    """An accuracy of soft labels."""

    def values(self, y_true, y_pred):
        return super().values(np.round(y_true), y_pred)


@pytest.mark.parametrize(
    ("loss", "head", "count"),
    [(BINARY, Named(1), 1), (BINARY, Squashed(1), 0), (Renamed(), Dense(1), 1)],
)
def test_a_subclass_is_what_it_computes(loss, head, count):
    assert len(warnings_of(lambda: fit(compiled([head], loss), BITS))) == count


@pytest.mark.parametrize(("metric", "count"), [(Share(), 1), (Rounded(), 0)])
def test_a_metric_of_a_users_class_is_what_it_computes(metric, count):
    y = np.where(BITS, 0.9, 0.1)
    assert len(warnings_of(lambda: fit(compiled([Dense(1)], "mse", [metric]), y))) == count


class Halves(losses.BinaryCrossentropy):
    """A user's cross-entropy for outputs in [-1, 1]."""

    def per_sample(self, y_true, y_pred):
        return super().per_sample(y_true, (y_pred + 1) / 2)


@pytest.mark.parametrize(
    ("loss", "head", "y", "names"),
    [
        (BINARY, [Dense(1, "sigmoid")], BITS, ["accuracy", "mae", BINARY]),
        (BINARY, [Dense(1), Activation("hard_sigmoid")], BITS, ["binary_accuracy"]),
        (BINARY, [Dense(3, "sigmoid"), Dropout(0.1)], ONE_HOT, ["accuracy"]),
        (BINARY, [Dense(1, gru_c.activations.Activation("mine", np.abs, np.multiply))], BITS, []),
        (BINARY_LOGITS, [Dense(1)], BITS, ["accuracy", metrics.BinaryAccuracy(0.0)]),
        (CATEGORICAL, [Dense(3, "softmax")], 0.9 * ONE_HOT + 0.1 / 3, ["accuracy"]),
        (CATEGORICAL, [Dense(3), Activation("softmax")], ONE_HOT * BITS[:, None], []),
        (CATEGORICAL, [Dense(3, "exponential")], ONE_HOT, []),
        (CATEGORICAL_LOGITS, [Dense(3)], ONE_HOT, ["categorical_accuracy"]),
        (SPARSE, [Dense(3, "softmax")], LABELS, ["acc", "sparse_categorical_accuracy"]),
        (SPARSE_LOGITS, [Dense(3), Activation("linear")], LABELS, ["accuracy"]),
        ("mse", [Dense(1, "sigmoid")], BITS, ["accuracy"]),
        ("mse", [Dense(3, "softmax")], ONE_HOT, ["accuracy"]),
        ("mse", [Dense(3, "tanh")], 2 * ONE_HOT - 1, ["accuracy"]),
        ("mae", [Dense(1)], Y, ["mse", "rmse"]),
        (losses.QuantileLoss((0.1, 0.9)), [Dense(2)], Y, []),
        (Halves(), [Dense(1, "tanh")], BITS, []),
    ],
)
def test_a_loss_that_fits_is_silent(loss, head, y, names):
    assert not warnings_of(lambda: fit(compiled(head, loss, names), y))


@pytest.mark.parametrize(
    ("loss", "outputs", "y", "name", "advice"),
    [
        ("mse", 1, Y, "accuracy", r"holds 0 and 1, but it holds .*\['mae'\] or \['rmse'\]"),
        ("huber", 1, Y, "binary_accuracy", "metric 'binary_accuracy' counts right classes"),
        ("mae", 3, RNG.normal(size=(24, 3)), "acc", "1 for the class of a sample and 0"),
        ("mse", 1, 2 * BITS - 1, "accuracy", r"holds -1, too.* give it \(y \+ 1\) / 2"),
        ("mse", 1, 2 * BITS - 1, metrics.BinaryAccuracy(0.0), "or write a function"),
        (BINARY_LOGITS, 1, 0.1 + 0.8 * BITS, "accuracy", r"soft labels .*\(p > 0\)\).mean"),
        (BINARY_LOGITS, 1, BITS, metrics.BinaryAccuracy(name="accuracy"), "as Keras's 'accuracy'"),
        (losses.QuantileLoss((0.1, 0.9)), 2, Y, "accuracy", "holds numbers of classes"),
        ("mse", 1, BITS, "categorical_accuracy", "one output has one class"),
        ("mse", 1, Y, metrics.Accuracy(), "equal y exactly: write metrics="),
        ("mse", 1, BITS, BINARY, "metric 'binary_crossentropy' takes probabilities"),
        (BINARY_LOGITS, 1, BITS, "binary_accuracy", r"BinaryAccuracy\(threshold=0\)"),
    ],
)
def test_a_metric_that_means_nothing_warns(loss, outputs, y, name, advice):
    with pytest.warns(UserWarning, match=advice) as caught:
        fit(compiled([Dense(outputs)], loss, [name]), y)
    assert len(caught) == 1


@pytest.mark.parametrize("lengths", [None, np.full(24, 3)])
def test_steps_that_do_not_count_are_not_checked(lengths):
    y = np.tile([0.0, 1.0, 1.0, 0.3, 0.4], (24, 1))
    model = compiled([Dense(1)], "mse", ["accuracy"], GRU(4, return_sequences=True))
    caught = warnings_of(lambda: fit(model, y, lengths=lengths))
    assert len(caught) == (lengths is None)


@pytest.mark.parametrize("kind", ["list", "source", "memmap"])
def test_all_kinds_of_data_are_checked(kind, tmp_path):
    y = np.repeat(Y[:, None], 5, axis=1)
    model = compiled([Dense(1)], "mse", ["accuracy"], GRU(4, return_sequences=True))
    data = {"list": (list(X), list(y)), "source": ([(X, y)] * 2,)}.get(kind)
    if kind == "memmap":
        for name, array in (("x", X), ("y", y)):
            np.save(tmp_path / name, array)
        data = tuple(np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy")
    with pytest.warns(UserWarning, match="'accuracy' counts right classes") as caught:
        model.fit(*data, verbose=0)
    assert len(caught) == 1


def stored(path, name, array):
    np.save(path / name, array)
    return np.load(path / f"{name}.npy", mmap_mode="r")


def later_calls(model, path):
    x, y = np.concatenate([X, X]), np.concatenate([BITS, Y])
    return {
        "source": lambda: model.fit([(X, BITS), (X, Y), (X, Y)], verbose=0),
        "generator": lambda: model.fit(iter([(X, BITS), (X, Y)]), verbose=0),
        "stored": lambda: model.fit(
            stored(path, "x", x), stored(path, "y", y), verbose=0, shuffle=False
        ),
        "validation": lambda: fit(model, BITS, validation_data=(X, Y), epochs=2),
        "validation source": lambda: fit(model, BITS, validation_data=[(X, BITS), (X, Y)]),
        "evaluate": lambda: fit(model, BITS) and model.evaluate(X, Y, verbose=0),
        "evaluate a source": lambda: (
            fit(model, BITS) and model.evaluate([(X, BITS), (X, Y)], verbose=0)
        ),
        "train_on_batch": lambda: [model.train_on_batch(X, y) for y in (BITS, Y, Y)],
    }


@pytest.mark.parametrize("kind", list(later_calls(None, None)))
def test_later_targets_are_checked(kind, tmp_path):
    model = compiled([Dense(1)], "mse", ["accuracy"])
    call = later_calls(model, tmp_path)[kind]
    (warning,) = warnings_of(call)
    assert "'accuracy' counts right classes" in str(warning.message)
    assert warning.filename == __file__


def test_compiling_again_warns_again():
    model = compiled([Dense(1)], "mse", ["accuracy"])
    for _ in range(2):
        with pytest.warns(UserWarning, match="'accuracy' counts right classes"):
            model.evaluate(X, Y, verbose=0) if model.built else fit(model, Y)
        model.compile("sgd", "mse", ["accuracy"])


@pytest.mark.parametrize(
    "layers",
    [
        [Dense(1, "softmax")],
        [Dense(1), Activation("softmax")],
        [Dense(1, gru_c.activations.softmax), Dense(3)],
        [GRU(1), Activation("softmax")],
    ],
)
def test_a_softmax_over_one_number_warns(layers):
    first = GRU(4, input_shape=(5, 3), return_sequences=True)
    with pytest.warns(UserWarning, match="always 1: write activation='sigmoid'") as caught:
        Sequential([first, *layers])
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_the_warning_is_the_only_one_in_fit():
    model = compiled([Dense(1, "softmax")], BINARY)
    (warning,) = warnings_of(lambda: fit(model, BITS))
    assert "softmax of one number" in str(warning.message)


def test_a_softmax_over_several_numbers_is_silent():
    layers = [Dense(3, "softmax"), Dense(1), Activation("sigmoid")]
    assert not warnings_of(lambda: Sequential([GRU(4, input_shape=(5, 3)), *layers]))
