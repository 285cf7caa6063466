"""Sequences of different length in fit, evaluate and predict: lengths, lists, batches by length."""

from itertools import pairwise

import numpy as np
import pytest
from tools import assert_same_bits

from gru_c import GRU, Dense, Embedding, Flatten, Masking, Sequential
from gru_c.data.samples import Samples
from gru_c.data.sequence_list import SequenceList

RNG = np.random.default_rng(23)
LENGTHS = np.array([7, 1, 4, 12, 5, 9, 3, 11, 2, 8, 6, 10])
N, T, I = len(LENGTHS), 12, 3
LIST = [RNG.normal(size=(n, I)).astype(np.float32) for n in LENGTHS]
Y = RNG.normal(size=(N, 1)).astype(np.float32)
STEPS = [RNG.normal(size=(n, 2)).astype(np.float32) for n in LENGTHS]
WEIGHTS = [RNG.uniform(size=n) for n in LENGTHS]


def padded(values, fill=0.0):
    array = np.full((len(values), T, *values[0].shape[1:]), fill, values[0].dtype)
    for row, value in zip(array, values, strict=True):
        row[: len(value)] = value
    return array


X = padded(LIST, np.nan)


def model_of(per_step, loss="mse", seed=0):
    layers = [GRU(5, return_sequences=True), GRU(4, return_sequences=per_step), Dense(2)]
    model = Sequential(layers if per_step else [*layers, Dense(1)], seed=seed)
    model.compile(optimizer="adam", loss=loss, metrics=["mae"])
    return model


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


def test_a_model_of_a_fixed_time():
    model = Sequential([GRU(4, return_sequences=True, input_shape=(T, I)), Flatten(), Dense(1)])
    model.compile("adam", "mse")
    model.fit(LIST[:3], Y[:3], verbose=0)
    assert model.predict(LIST, verbose=0).shape == (N, 1)
    with pytest.raises(ValueError, match=r"x\[1\] has 13 time steps, the model takes 12"):
        model.predict([LIST[0], np.zeros((13, I))])


def test_a_list_of_one_length_is_a_list_all_the_same():
    model = model_of(True)
    model.build((None, None, I))
    outputs = model.predict(list(X[3:5, :4]), verbose=0)
    assert isinstance(outputs, list)
    assert isinstance(model.predict(X[3:4, :4].tolist(), verbose=0), np.ndarray)


# ---- batches by length ---------------------------------------------------------------------------


def plan(batch_size, seed, bucket=True):
    samples = Samples(SequenceList.checked("x", LIST), LENGTHS)
    rng = None if seed is None else np.random.default_rng(seed)
    return samples.plan(batch_size, rng, bucket=bucket)


@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize("batch_size", [1, 4, 5, 20])
def test_batches_are_of_similar_length_and_take_each_sample_once(seed, batch_size):
    batches = plan(batch_size, seed)
    assert sorted(np.concatenate(batches)) == list(range(N))
    ranges = sorted((LENGTHS[b].min(), LENGTHS[b].max()) for b in batches)
    assert all(a[1] <= b[0] for a, b in pairwise(ranges))
    assert [len(b) for b in batches].count(batch_size) == N // batch_size


def test_the_order_of_the_batches_is_drawn():
    orders = {tuple(np.concatenate(plan(3, seed))) for seed in range(8)}
    assert len(orders) > 4
    assert plan(3, 1)[0].tolist() == plan(3, 1)[0].tolist()


def test_a_batch_is_no_longer_than_its_longest_sequence():
    seen = []

    class Spy(GRU):
        def forward(self, x, **options):
            seen.append(np.shape(x)[1])
            return super().forward(x, **options)

    for x, lengths in ((LIST, None), (X, LENGTHS)):
        model = Sequential([Spy(3), Dense(1)], seed=0)
        model.compile("adam", "mse")
        seen.clear()
        model.fit(x, Y, batch_size=3, bucket=True, verbose=0, lengths=lengths)
        assert sorted(seen) == [3, 6, 9, 12]


@pytest.mark.parametrize("per_step", [False, True])
def test_buckets_of_lists_and_of_arrays_train_alike(per_step):
    y, target = (STEPS, padded(STEPS, np.nan)) if per_step else (Y, Y)
    a = trained(LIST, y, per_step, bucket=True)
    b = trained(X, target, per_step, bucket=True, lengths=LENGTHS)
    for actual, expected in zip(a[1], b[1], strict=True):
        assert_same_bits(actual, expected)
    c = trained(LIST, y, per_step, bucket=True, seed=5)
    assert any((p != q).any() for p, q in zip(a[1], c[1], strict=True))


# ---- bad input -----------------------------------------------------------------------------------


def other(i, value):
    return [*LIST[:i], value, *LIST[i + 1 :]]


@pytest.mark.parametrize(
    ("x", "y", "options", "message"),
    [
        (other(2, np.zeros((4, 5))), Y, {}, r"x\[0\] has shape \(7, 3\), x\[2\] \(4, 5\)"),
        (LIST, Y, {"lengths": LENGTHS}, "sequences in a list have their own"),
        (LIST, Y[:-1], {}, r"x has 12 samples, y has shape \(11, 1\)"),
        ([np.zeros((4, 5)), np.zeros((2, 5))], Y[:2], {}, r"x must have shape"),
        ([np.zeros(4), np.zeros(2)], Y[:2], {}, "a list of arrays"),
        (X, Y, {"lengths": LENGTHS[:-1]}, r"lengths must have shape \(B,\) = \(12,\)"),
        (X, Y, {"lengths": LENGTHS + 1}, r"lengths\[3\] is 13; .* T = 12"),
        (padded(LIST), Y, {"bucket": True}, "give lengths, or x as a list"),
        (LIST, Y, {"bptt_steps": 3}, "all of whose steps count"),
    ],
    ids=str,
)
def test_bad_input_of_a_value_for_each_sequence(x, y, options, message):
    model = model_of(False)
    model.build((None, None, I))
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        model.fit(x, y, verbose=0, **options)
    for actual, expected in zip(model.get_weights(), before, strict=True):
        assert_same_bits(actual, expected)


@pytest.mark.parametrize(
    ("y", "weight", "message"),
    [
        (padded(STEPS), None, r"y must be a list of 12 arrays, .* shape \(12, 12, 2\)"),
        (STEPS[:-1], None, "got 11 of them"),
        ([STEPS[1], *STEPS[1:]], None, r"x\[0\] has 7 time steps, y\[0\] 1"),
        ([y[:, :1] for y in STEPS], None, r"expects y of shape .* of all sequences in a row"),
        (STEPS, WEIGHTS[:-1], "sample_weight must be a list"),
        (STEPS, np.ones((N, T)), r"sample_weight must have shape \(12,\)"),
        (STEPS, [np.full(n, np.inf) for n in LENGTHS], "sample_weight inf"),
    ],
    ids=["array", "fewer", "short", "outputs", "weights", "weight-array", "infinite"],
)
def test_bad_input_of_a_value_for_each_step(y, weight, message):
    with pytest.raises(ValueError, match=message):
        model_of(True).fit(LIST, y, sample_weight=weight, verbose=0)


def test_buckets_do_not_go_with_states_that_stay():
    model = Sequential([GRU(3, stateful=True, input_shape=(None, I)), Dense(1)])
    model.compile("adam", "mse")
    for call in (lambda **o: model.fit(LIST, Y, **o), lambda **o: model.predict(LIST, **o)):
        with pytest.raises(ValueError, match="layer 'gru' is stateful"):
            call(batch_size=4, bucket=True, verbose=0)


def test_masks_of_layers_do_not_go_with_bptt():
    model = Sequential([Masking(), GRU(3), Dense(1)])
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="all of whose steps count"):
        model.fit(padded(LIST), Y, bptt_steps=3, verbose=0)


def test_a_value_that_is_not_finite_is_named_where_it_counts():
    x, model = X.copy(), model_of(False)
    x[3, 2, 1] = np.inf
    with pytest.raises(FloatingPointError, match=r"1 values of x .* x\[3, 2, 1\]"):
        model.fit(x, Y, lengths=LENGTHS, verbose=0, batch_size=50, bucket=True)
