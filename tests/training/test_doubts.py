"""Warnings of what is allowed and seldom meant, and that all else is silent."""

import re
import warnings

import numpy as np
import pytest

import gru_c
from gru_c import (
    GRU,
    Activation,
    Bidirectional,
    Dense,
    Dropout,
    Flatten,
    RepeatVector,
    Sequential,
    losses,
    metrics,
)

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


# ---- heads that are almost right -----------------------------------------------------------------


def steps(head):
    return [GRU(4, return_sequences=True), *head]


def both_ways(activation, merge_mode, units=1):
    return [Bidirectional(GRU(units, activation), merge_mode=merge_mode)]


@pytest.mark.parametrize(
    ("loss", "layers", "y", "advice"),
    [
        (SPARSE, steps([Dense(3, "softmax"), Flatten()]), LABELS, "'flatten' puts the results"),
        (
            CATEGORICAL,
            steps([Dense(3), Activation("softmax"), Dropout(0.1), Flatten()]),
            np.eye(15)[LABELS],
            r"'linear' before it, and Activation\('softmax'\) after it",
        ),
        (BINARY, [GRU(4), Dense(1, "sigmoid"), Activation("sigmoid")], BITS, "sigmoid of what 'si"),
        (BINARY, [GRU(1), Activation("hard_sigmoid"), Activation("sigmoid")], BITS, "hard_"),
        (BINARY, [GRU(4), Dense(1, "relu"), Activation("sigmoid")], BITS, "of what 'relu' gives"),
        (CATEGORICAL, [GRU(4), Dense(2, "softmax"), Activation("softmax")], PAIRS, "one activat"),
        (SPARSE, [GRU(4), Dense(3, "sigmoid"), Activation("softmax")], LABELS, "one activation"),
        (BINARY, both_ways("tanh", "sum"), BITS, "the sum of two results .* 'tanh': write act"),
        (BINARY, both_ways("sigmoid", "sum"), BITS, "up to 2: write merge_mode='ave'"),
        (BINARY_LOGITS, both_ways("sigmoid", "sum"), BITS, "leave from_logits out"),
    ],
)
def test_a_head_that_is_almost_right_warns(loss, layers, y, advice):
    model = Sequential(layers, seed=0)
    model.compile("sgd", loss)
    (warning,) = warnings_of(lambda: fit(model, y))
    assert re.search(advice, str(warning.message))


@pytest.mark.parametrize(
    ("loss", "layers", "y"),
    [
        (SPARSE, [GRU(4), Dense(3, "softmax"), Flatten()], LABELS),
        (SPARSE, steps([Dense(3), Flatten(), Activation("softmax")]), LABELS),
        (BINARY, steps([Dense(1, "sigmoid"), Flatten()]), PAIRS[:, :1].repeat(5, axis=1)),
        (SPARSE, [GRU(4), Dense(3, "softmax"), RepeatVector(2)], LABELS[:, None].repeat(2, axis=1)),
        (CATEGORICAL, both_ways("softplus", "sum", 2), PAIRS),
        (BINARY_LOGITS, both_ways("linear", "sum"), BITS),
        (BINARY, [GRU(4), Dense(1, "linear"), Activation("sigmoid"), Activation("linear")], BITS),
        (SPARSE, [GRU(4), Dense(3, "relu"), Activation("softmax")], LABELS),
    ],
)
def test_a_head_that_only_looks_alike_is_silent(loss, layers, y):
    model = Sequential(layers, seed=0)
    model.compile("sgd", loss)
    assert not warnings_of(lambda: fit(model, y))


class Named(Dense):
    """A layer that computes what `Dense` does."""

    def __init__(self, units):
        super().__init__(units, name="outputs")

    def describe(self):
        return f"{self.units} outputs"


class Squashed(Dense):
    """A layer with outputs of its own."""

    def forward(self, x, *, training=False):
        return 1 / (1 + np.exp(-super().forward(x, training=training)))


class Renamed(losses.BinaryCrossentropy):
    """A cross-entropy that computes what the one of the package does."""


class Share(metrics.BinaryAccuracy):
    """A metric that computes what the one of the package does."""


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
def test_targets_that_come_later_are_looked_at(kind, tmp_path):
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
        "fit": lambda x, **o: model.fit(x, Y, epochs=3, batch_size=8, verbose=0, **o),
        "fit a source": lambda x, **o: model.fit(iter([(x[:9], Y[:9]), (x[9:], Y[9:])]), verbose=0),
        "train_on_batch": lambda x, **o: model.train_on_batch(x, Y, **o),
    }


class Filled(Dropout):
    """A first layer that fills gaps, so that a model can be trained on them."""

    def forward(self, x, *, training=False):
        return np.where(np.abs(x) < 1e3, x, 0.0)

    def backward(self, d_output, **options):
        return d_output


TRAINING = ("fit", "fit a source", "train_on_batch")


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize(
    ("kind", "activation"),
    [
        (kind, activation)
        for kind in calls(None)
        for activation in (["tanh"] if kind in TRAINING else ["tanh", "relu"])
    ],
)
def test_missing_values_warn_once_and_say_where(value, kind, activation):
    first = [Filled(0.0)] if kind in TRAINING else []  # the loss would not be finite
    model = Sequential([*first, GRU(4, activation), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    fit(model, Y)
    (warning,) = warnings_of(lambda: calls(model)[kind](with_gaps(value)))
    assert warning.filename == __file__
    large = ", too large for float32" if value == 1e300 else ""
    # The order that fit draws decides which is the first.
    places = "17, 2, 1|20, 0, 0" if kind == "fit" else "17, 2, 1"
    expected = (
        rf"2 samples hold NaN or infinities \(x\[({places})\] is {re.escape(str(value))}{large}\): "
    )
    assert re.match(expected, str(warning.message))


@pytest.mark.parametrize("value", [np.inf, -1e300])
@pytest.mark.parametrize("kind", ["fit", "train_on_batch", "source", "list", "pieces"])
def test_frozen_layers_hide_no_infinite_input(value, kind):
    model = compiled([Dense(1)], "mse", first=GRU(4, trainable=False))
    x = X.copy()
    x[9, 4, 0] = value
    train = {
        "fit": lambda: fit_on(model, x, epochs=2),
        "train_on_batch": lambda: model.train_on_batch(x, Y),
        "source": lambda: model.fit(iter([(x, Y)]), verbose=0),
        "list": lambda: model.fit(list(x), Y, verbose=0),
        "pieces": lambda: fit_on(model, x, bptt_steps=2),
    }[kind]
    (warning,) = warnings_of(train)
    assert re.search(
        r"x\[9, 4, 0\] is .*: the model is trained on them as they are", str(warning.message)
    )


def fit_on(model, x, **options):
    return model.fit(x, Y, verbose=0, **options)


def test_a_source_by_number_names_the_batch():
    model = compiled([Dense(1)], "mse", first=GRU(4, trainable=False))
    x = X.copy()
    x[9, 4, 0] = np.inf
    with pytest.warns(UserWarning, match=r"x\[1, 4, 0\] \(batch \[1\] of the source\) is inf"):
        model.fit([(x[:8], Y[:8]), (x[8:], Y[8:])], verbose=0)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize("kind", ["evaluate", "validation", "source", "split"])
def test_a_target_that_spoils_a_result_is_named(value, kind):
    model = compiled([Dense(1)], "mse")
    fit(model, Y)
    y = Y.copy()
    y[20] = value
    call = {
        "evaluate": lambda: model.evaluate(X, y, batch_size=8, verbose=0),
        "validation": lambda: fit(model, Y, validation_data=(X, y), epochs=2),
        "source": lambda: model.evaluate(iter([(X[:9], y[:9]), (X[9:], y[9:])]), verbose=0),
        "split": lambda: model.fit(X, y, validation_split=0.5, verbose=0),
    }[kind]
    (warning,) = warnings_of(call)
    number = 8 if kind == "split" else 20
    assert re.match(rf"(val_)?loss is not finite, as y\[{number}, 0\] is ", str(warning.message))
    assert warning.filename == __file__


class Known(losses.MeanSquaredError):
    """A loss in which targets that are NaN cost nothing."""

    def per_sample(self, y_true, y_pred):
        return super().per_sample(np.where(np.isnan(y_true), y_pred, y_true), y_pred)

    def per_sample_gradient(self, y_true, y_pred):
        return super().per_sample_gradient(np.where(np.isnan(y_true), y_pred, y_true), y_pred)


@pytest.mark.parametrize(("names", "count"), [([], 0), (["mae"], 2)])
def test_gaps_in_targets_are_a_matter_of_the_loss(names, count):
    y = np.where(np.arange(24) == 3, np.nan, Y)
    model = compiled([Dense(1)], Known(), names)
    caught = warnings_of(lambda: fit(model, y, validation_data=(X, y)))
    assert [str(each.message).split()[0] for each in caught] == ["mae", "val_mae"][:count]


def test_gaps_in_targets_that_do_not_count_are_silent():
    y = np.tile([0.5, 1.0, np.nan, np.nan, np.inf], (24, 1))
    model = compiled([Dense(1)], "mse", ["mae"], GRU(4, return_sequences=True))
    lengths = np.full(24, 2)
    assert not warnings_of(lambda: fit(model, y, lengths=lengths))
    assert not warnings_of(lambda: model.evaluate(X, y, lengths=lengths, verbose=0))


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
    for value in (np.nan, 1e300):
        x = with_gaps(value)
        assert not warnings_of(lambda: model.predict(x, lengths=lengths, verbose=0))  # noqa: B023
        assert not warnings_of(lambda: model.evaluate(x, Y, lengths=lengths, verbose=0))  # noqa: B023
        assert not warnings_of(lambda: model.fit(x, Y, lengths=lengths, verbose=0))  # noqa: B023
        assert not warnings_of(lambda: model.train_on_batch(x, Y, lengths=lengths))  # noqa: B023


def test_samples_without_gaps_keep_their_bits():
    model = compiled([Dense(1)], "mse", first=GRU(4))
    fit(model, Y)
    with pytest.warns(UserWarning, match="2 samples hold NaN"):
        outputs = model.predict(with_gaps(np.nan), verbose=0)
    whole = np.delete(np.arange(24), [17, 20])
    np.testing.assert_array_equal(outputs[whole], model.predict(X, verbose=0)[whole])
    assert np.isnan(outputs[[17, 20]]).all()
