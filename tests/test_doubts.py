"""Warnings of what is allowed and seldom meant, and that all else is silent."""

import re
import warnings

import numpy as np
import pytest

import gru_c
from gru_c import GRU, Activation, Bidirectional, Dense, Dropout, Sequential, losses, metrics

RNG = np.random.default_rng(5)
X = RNG.normal(size=(24, 5, 3))
Y = RNG.normal(size=24)
BITS = (Y > 0).astype(float)
LABELS = np.arange(24) % 3
ONE_HOT = np.eye(3)[LABELS]
PAIRS = np.eye(2)[BITS.astype(int)]

BINARY, CATEGORICAL = "binary_crossentropy", "categorical_crossentropy"
SPARSE = "sparse_categorical_crossentropy"
BINARY_LOGITS = losses.BinaryCrossentropy(from_logits=True)
CATEGORICAL_LOGITS = losses.CategoricalCrossentropy(from_logits=True)
SPARSE_LOGITS = losses.SparseCategoricalCrossentropy(from_logits=True)


def compiled(head, loss, names=(), first=None):
    model = Sequential([first or GRU(4), *head], seed=0)
    model.compile("sgd", loss, list(names))
    return model


def warnings_of(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return caught


def fit(model, y, **options):
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


class Halves(losses.BinaryCrossentropy):
    """A cross-entropy of a user's own, for outputs in [-1, 1]."""

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
def test_what_fits_is_silent(loss, head, y, names):
    assert not warnings_of(lambda: fit(compiled(head, loss, names), y))


@pytest.mark.parametrize("merge_mode", ["concat", "ave", "mul"])
def test_both_directions_may_end_in_a_sigmoid(merge_mode):
    y = PAIRS if merge_mode == "concat" else PAIRS[:, :1]
    for activation, count in (("sigmoid", 0), ("tanh", 1)):
        both = Bidirectional(GRU(1, activation), merge_mode=merge_mode)
        model = compiled([], BINARY, first=both)
        assert len(warnings_of(lambda: fit(model, y))) == count  # noqa: B023


@pytest.mark.parametrize("loss", [CATEGORICAL, SPARSE])
def test_a_categorical_loss_of_one_output_is_refused(loss):
    model = compiled([Dense(1, "sigmoid")], loss)
    with pytest.raises(
        ValueError, match=r"one output knows one class; two .*Dense\(1, activation='s"
    ):
        fit(model, 0 * LABELS)
    assert not model.built


@pytest.mark.parametrize(
    ("loss", "outputs", "y", "name", "advice"),
    [
        ("mse", 1, Y, "accuracy", r"holds 0 and 1, but it holds .*\['mae'\] or \['rmse'\]"),
        ("huber", 1, Y, "binary_accuracy", "metric 'binary_accuracy' counts right classes"),
        ("mae", 3, RNG.normal(size=(24, 3)), "acc", "1 for the class of a sample and 0"),
        ("mse", 1, 2 * BITS - 1, "accuracy", "holds 0 and 1, but it holds -1, too"),
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
def test_steps_that_do_not_count_are_not_looked_at(lengths):
    y = np.tile([0.0, 1.0, 1.0, 0.3, 0.4], (24, 1))
    model = compiled([Dense(1)], "mse", ["accuracy"], GRU(4, return_sequences=True))
    caught = warnings_of(lambda: fit(model, y, lengths=lengths))
    assert len(caught) == (lengths is None)


@pytest.mark.parametrize("kind", ["list", "source", "memmap"])
def test_all_kinds_of_data_are_looked_at(kind, tmp_path):
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


def test_compiling_again_warns_again():
    model = compiled([Dense(1)], "mse", ["accuracy"])
    for _ in range(2):
        with pytest.warns(UserWarning, match="'accuracy' counts right classes"):
            model.evaluate(X, Y, verbose=0) if model.built else fit(model, Y)
        model.compile("sgd", "mse", ["accuracy"])


# ---- a softmax over one number ------------------------------------------------------------------


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


# ---- values that are missing --------------------------------------------------------------------


def with_gaps(value):
    x = X.copy()
    x[17, 2, 1] = value
    x[20] = value
    return x


def calls(model):
    return {
        "predict": lambda x, **o: model.predict(x, batch_size=8, verbose=0, **o),
        "list": lambda x, **o: model.predict(list(x), batch_size=8, verbose=0),
        "bucket": lambda x, **o: model.predict(x, lengths=np.full(24, 5), bucket=True, verbose=0),
        "source": lambda x, **o: model.predict(iter([x[:9], x[9:]]), verbose=0),
        "evaluate": lambda x, **o: model.evaluate(x, Y, batch_size=8, verbose=0, **o),
        "validation": lambda x, **o: fit(model, Y, validation_data=(x, Y), epochs=3),
    }


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("kind", list(calls(None)))
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_missing_values_warn_once_and_say_where(value, kind, activation):
    model = compiled([Dense(1)], "mse", first=GRU(4, activation))
    fit(model, Y)
    (warning,) = warnings_of(lambda: calls(model)[kind](with_gaps(value)))
    assert warning.filename == __file__
    expected = rf"2 samples hold NaN or infinities (x[17, 2, 1] is {value}): "
    assert str(warning.message).startswith(expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4", int])
def test_finite_values_are_silent(dtype):
    model = compiled([Dense(1)], "mse", first=GRU(4))
    fit(model, Y)
    huge = 6e4 if dtype in (np.float16, int) else 1e38
    for x in (np.full((3, 5, 3), huge).astype(dtype), X[:, ::2].astype(dtype)):
        assert not warnings_of(lambda: model.predict(x, verbose=0))  # noqa: B023


def test_gaps_in_steps_that_do_not_count_are_silent():
    model = compiled([Dense(1)], "mse", first=GRU(4))
    fit(model, Y)
    lengths = np.full(24, 2)
    lengths[20] = 0
    x = with_gaps(np.nan)
    assert not warnings_of(lambda: model.predict(x, lengths=lengths, verbose=0))
    assert not warnings_of(lambda: model.evaluate(x, Y, lengths=lengths, verbose=0))


def test_samples_without_gaps_keep_their_bits():
    model = compiled([Dense(1)], "mse", first=GRU(4))
    fit(model, Y)
    with pytest.warns(UserWarning, match="2 samples hold NaN"):
        outputs = model.predict(with_gaps(np.nan), verbose=0)
    whole = np.delete(np.arange(24), [17, 20])
    np.testing.assert_array_equal(outputs[whole], model.predict(X, verbose=0)[whole])
    assert np.isnan(outputs[[17, 20]]).all()
