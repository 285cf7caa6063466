"""Warnings of NaN and infinities in samples and targets."""

import re

import numpy as np
import pytest
from doubtful_models import X, Y, compiled, warnings_of

from gru_c import GRU, Dense, Dropout, Sequential, losses


def fit(model, y, **options):  # here, because warnings point at this file
    return model.fit(X, y, verbose=0, **options)


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
