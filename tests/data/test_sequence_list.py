"""Sequences of different length in fit, evaluate and predict: lengths, lists, buckets."""

import numpy as np
import pytest
from ragged_models import LENGTHS, LIST, RNG, STEPS, WEIGHTS, I, N, T, X, Y, model_of, padded
from tools import assert_same_bits

from gru_c import GRU, Dense, Embedding, Masking, Sequential


def trained(x, y, per_step, **options):
    """Return history, weights and evaluation after a short training."""
    model = model_of(per_step)
    options = {"epochs": 2, "batch_size": 5, "verbose": 0, "seed": 4, **options}
    history = model.fit(x, y, **options).history
    lengths, weight = options.get("lengths"), options.get("sample_weight")
    scores = model.evaluate(x, y, verbose=0, lengths=lengths, sample_weight=weight)
    return [*history.values(), scores], model.get_weights(), model


# ---- the same in three forms ---------------------------------------------------------------------


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("weights", ["none", "sample", "step"])
@pytest.mark.parametrize("split", [0.0, 0.25])
def test_lists_lengths_and_pairs_train_alike(per_step, weights, split):
    if weights == "step" and not per_step:
        return
    weight = {"none": None, "sample": RNG.uniform(size=N), "step": WEIGHTS}[weights]
    options = {"sample_weight": weight, "validation_split": split}
    as_list = trained(LIST, STEPS if per_step else Y, per_step, **options)
    y = padded(STEPS, np.nan) if per_step else Y
    if weights == "step":
        options["sample_weight"] = padded(WEIGHTS)
    as_array = trained(X, y, per_step, lengths=LENGTHS, **options)
    for actual, expected in zip(as_array[0], as_list[0], strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-6)
    for actual, expected in zip(as_array[1], as_list[1], strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-6)
    as_pair = trained((X, LENGTHS), y, per_step, **options)
    for actual, expected in zip(as_pair[1], as_array[1], strict=True):
        assert_same_bits(actual, expected)


def test_a_masking_layer_trains_alike():
    layers = [Masking(-9.0), GRU(5, return_sequences=True), Dense(2)]
    model, plain = Sequential(layers), Sequential([GRU(5, return_sequences=True), Dense(2)])
    for each in (model, plain):
        each.compile("sgd", "mse")
        each.build((None, None, I))
    plain.set_weights(model.get_weights())
    y = padded(STEPS)
    histories = [
        model.fit(padded(LIST, -9.0), y, epochs=2, verbose=0, shuffle=False).history,
        plain.fit(LIST, STEPS, epochs=2, verbose=0, shuffle=False).history,
    ]
    np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=1e-6)


def test_the_loss_is_the_mean_over_the_steps_that_count():
    model = model_of(True)
    model.fit(LIST, STEPS, verbose=0)
    outputs = model.predict(LIST, verbose=0)
    squares = np.concatenate([(p - y) ** 2 for p, y in zip(outputs, STEPS, strict=True)])
    scores = model.evaluate(LIST, STEPS, batch_size=N, verbose=0, return_dict=True)
    assert scores["loss"] == pytest.approx(squares.mean(), rel=1e-6)
    once = model.train_on_batch(LIST, STEPS, return_dict=True)
    assert once["loss"] == pytest.approx(squares.mean(), rel=1e-6)


# ---- predicting ----------------------------------------------------------------------------------


@pytest.mark.parametrize("bucket", [False, True])
@pytest.mark.parametrize("batch_size", [1, 5, 50])
def test_predictions_are_those_of_each_sequence_alone(bucket, batch_size):
    steps, ends = model_of(True), model_of(False)
    for model in (steps, ends):
        model.build((None, None, I))
    options = {"batch_size": batch_size, "bucket": bucket, "verbose": 0}
    lists, last = steps.predict(LIST, **options), ends.predict(LIST, **options)
    assert isinstance(lists, list)
    assert last.shape == (N, 1)
    for i, sequence in enumerate(LIST):
        assert_same_bits(lists[i], steps.predict(sequence[None], verbose=0)[0])
        assert_same_bits(last[i], ends.predict(sequence[None], verbose=0)[0])
    array = steps.predict(X, lengths=LENGTHS, **options)
    assert array.shape == (N, T, 2)
    for row, output, n in zip(array, lists, LENGTHS, strict=True):
        assert_same_bits(row[:n], output)
    assert_same_bits(ends.predict((X, LENGTHS), **options), last)
    assert_same_bits(ends.predict_on_batch(LIST), last)
    assert_same_bits(ends.predict_on_batch(X, lengths=LENGTHS), last)


def test_words():
    words = [RNG.integers(1, 9, n) for n in LENGTHS]
    model = Sequential([Embedding(9, 3), GRU(4), Dense(1)], seed=0)
    model.compile("adam", "mse")
    model.fit(words, Y, epochs=2, verbose=0)
    expected = [model.predict(word[None], verbose=0)[0] for word in words]
    np.testing.assert_array_equal(model.predict(words, verbose=0), expected)
    with pytest.raises(ValueError, match="index 9"):
        model.predict([*words, np.array([9])])


def test_a_list_of_one_length_is_a_list_all_the_same():
    model = model_of(True)
    model.build((None, None, I))
    outputs = model.predict(list(X[3:5, :4]), verbose=0)
    assert isinstance(outputs, list)
    assert isinstance(model.predict(X[3:4, :4].tolist(), verbose=0), np.ndarray)


@pytest.mark.parametrize("per_step", [False, True])
def test_buckets_of_lists_and_of_arrays_train_alike(per_step):
    y, target = (STEPS, padded(STEPS, np.nan)) if per_step else (Y, Y)
    a = trained(LIST, y, per_step, bucket=True)
    b = trained(X, target, per_step, bucket=True, lengths=LENGTHS)
    for actual, expected in zip(a[1], b[1], strict=True):
        assert_same_bits(actual, expected)
    c = trained(LIST, y, per_step, bucket=True, seed=5)
    assert any((p != q).any() for p, q in zip(a[1], c[1], strict=True))


def test_buckets_do_not_go_with_states_that_stay():
    model = Sequential([GRU(3, stateful=True, input_shape=(None, I)), Dense(1)])
    model.compile("adam", "mse")
    for call in (lambda **o: model.fit(LIST, Y, **o), lambda **o: model.predict(LIST, **o)):
        with pytest.raises(ValueError, match="layer 'gru' is stateful"):
            call(batch_size=4, bucket=True, verbose=0)
