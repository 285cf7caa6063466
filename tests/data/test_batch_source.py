"""Batches from lists, objects, iterables and generators, in fit, evaluate and predict."""

import numpy as np
import pytest
from batch_sources import BATCHES, Iterable, Numbered, X, Y, compiled, endless, trained

from gru_c import GRU, Dense, Embedding, optimizers
from gru_c.data.batch_source import is_source

# ---- recognising a source ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (X, False),
        ([X[0], X[1][:3]], False),
        ((X, np.arange(40)), False),
        (BATCHES, False),  # a source only where y is None
        ({"x": X}, False),
        ("text", False),
        (3.0, False),
        (memoryview(X), False),
        (iter(BATCHES), True),
        (Numbered(BATCHES), True),
        (Iterable(BATCHES), True),
        (zip(X, Y, strict=True), True),
    ],
)
def test_sources_are_recognised(x, expected):
    assert is_source(x) == expected


def test_arrays_of_other_libraries_are_data():
    torch, pandas = pytest.importorskip("torch"), pytest.importorskip("pandas")
    for x in (torch.zeros(3, 4), pandas.DataFrame({"a": [1.0]}), pandas.Series([1.0])):
        assert not is_source(x)


# ---- fit -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        lambda: BATCHES,
        lambda: Numbered(BATCHES),
        lambda: Iterable(BATCHES),
        lambda: Iterable([list(batch) for batch in BATCHES]),
    ],
    ids=["list", "numbered", "iterable", "of lists"],
)
def test_fit_of_a_source_is_fit_of_its_arrays(source):
    expected = trained(X, Y, batch_size=8, epochs=3, shuffle=False, validation_data=(X, Y))
    weights, history = trained(source(), epochs=3, shuffle=False, validation_data=source())
    np.testing.assert_array_equal(weights, expected[0])
    for name, values in expected[1].items():
        assert history[name] == pytest.approx(values)


def test_a_generator_continues_over_epochs():
    expected = trained(X, Y, batch_size=8, epochs=3, shuffle=False)
    weights, history = trained(endless(BATCHES), epochs=3, steps_per_epoch=5)
    np.testing.assert_array_equal(weights, expected[0])
    assert history["loss"] == pytest.approx(expected[1]["loss"])
    generator = endless(BATCHES)
    trained(generator, epochs=2, steps_per_epoch=3)
    np.testing.assert_array_equal(next(generator)[0], X[8:16])  # six were taken, none is lost


def test_one_epoch_of_a_generator_goes_to_its_end():
    expected = trained(X, Y, batch_size=8, shuffle=False)[0]
    np.testing.assert_array_equal(trained(iter(BATCHES))[0], expected)


def test_sample_weights_and_lists_and_lengths():
    lengths = np.arange(40) % 6 + 1
    lists = [x[:length] for x, length in zip(X, lengths, strict=True)]
    weight = np.linspace(0, 2, 40)
    expected = trained(X, Y, batch_size=8, shuffle=False, lengths=lengths, sample_weight=weight)
    cuts = [slice(i, i + 8) for i in range(0, 40, 8)]
    padded = [((X[cut], lengths[cut]), Y[cut], weight[cut]) for cut in cuts]
    ragged = [(lists[cut], Y[cut], weight[cut]) for cut in cuts]
    for source in (padded, ragged):
        weights, history = trained(source, shuffle=False)
        np.testing.assert_allclose(weights, expected[0], rtol=1e-5, atol=1e-6)
        assert history["loss"] == pytest.approx(expected[1]["loss"], rel=1e-5)


def test_batches_of_other_sizes_and_lengths_weigh_by_their_size():
    model = compiled(optimizer=optimizers.SGD(0.0), metrics=["mae"])
    source = [(X[:3, :4], Y[:3]), (X[3:20], Y[3:20]), (X[20:21, :2], Y[20:21])]
    history = model.fit(source, shuffle=False, validation_data=source, verbose=0).history
    errors = [model.predict(x, verbose=0)[:, 0] - y for x, y in source]
    errors = np.concatenate(errors)
    for before in ("", "val_"):
        assert history[before + "loss"][0] == pytest.approx((errors**2).mean(), rel=1e-5)
        assert history[before + "mae"][0] == pytest.approx(np.abs(errors).mean(), rel=1e-5)


def test_batches_by_number_are_shuffled_by_the_models_seed():
    orders = []
    for seed, shuffle in ((0, True), (0, True), (1, True), (0, False)):
        source = Numbered(BATCHES)
        compiled(seed=seed).fit(source, epochs=2, shuffle=shuffle, verbose=0)
        assert source.ends == 2
        first, second = (
            source.asked[1:6],
            source.asked[6:],
        )  # [0] is read before the epoch
        assert sorted(first) == sorted(second) == list(range(5))
        assert all(type(index) is int for index in source.asked)
        orders.append((first, second))
    assert orders[0] == orders[1] != orders[2]
    assert orders[0][0] != orders[0][1]
    assert orders[3] == (list(range(5)), list(range(5)))


def test_an_iterable_is_started_once_per_epoch():
    source, validation = Iterable(BATCHES), Iterable(BATCHES[:2])
    compiled().fit(source, epochs=3, validation_data=validation, verbose=0)
    assert source.begun == validation.begun == 3


def test_steps_of_an_epoch_continue_and_wrap_around():
    for made in (Numbered, Iterable):
        seen = []

        class Spy(GRU):
            def forward(self, x, seen=seen, **arguments):
                seen.append(int(np.flatnonzero((x[0] == X).all(axis=(1, 2)))[0]) // 8)
                return super().forward(x, **arguments)

        model = compiled(Spy(5, input_shape=(6, 4)), Dense(1))
        model.fit(made(BATCHES), epochs=3, steps_per_epoch=3, shuffle=False, verbose=0)
        assert seen == [0, 1, 2, 3, 4, 0, 1, 2, 3]


def test_validation_steps_start_at_the_first_batch_but_continue_in_a_generator():
    model = compiled(optimizer=optimizers.SGD(0.0))
    arguments = {"epochs": 2, "validation_steps": 2, "verbose": 0}
    first = model.evaluate(X[:16], Y[:16], verbose=0)
    second = model.evaluate(X[16:32], Y[16:32], verbose=0)
    history = model.fit(X, Y, validation_data=Iterable(BATCHES), **arguments).history
    assert history["val_loss"] == pytest.approx([first, first])
    history = model.fit(X, Y, validation_data=endless(BATCHES), **arguments).history
    assert history["val_loss"] == pytest.approx([first, second])


def test_a_generator_that_ends_early_warns_and_ends_the_training():
    model = compiled()
    with pytest.warns(UserWarning, match="ended after 1 of an epoch, where 2 were asked for"):
        history = model.fit(iter(BATCHES), epochs=9, steps_per_epoch=2, verbose=0)
    assert history.epoch == [0, 1, 2]
    with pytest.warns(UserWarning, match="ended after 0 of an epoch, where 5 were asked for"):
        history = model.fit(iter(BATCHES), epochs=9, steps_per_epoch=5, verbose=0)
    assert history.epoch == [0]


def test_an_iterable_that_can_start_only_once_ends_the_training():
    class Once:
        def __init__(self):
            self.batches = iter(BATCHES)

        def __iter__(self):
            return self.batches

    with pytest.warns(UserWarning, match="ended after 0 of an epoch"):
        assert compiled().fit(Once(), epochs=4, verbose=0).epoch == [0]


def test_a_model_without_a_shape_is_built_from_the_first_batch():
    model = compiled(GRU(5), Dense(1))
    model.fit(Iterable([(X[:, :3], Y), (X, Y)]), verbose=0)
    assert model.input_shape == (None, None, 4)
    model = compiled(Embedding(9, 3), GRU(5), Dense(1))
    model.fit([(np.arange(8).reshape(2, 4), Y[:2])], verbose=0)


def test_truncated_backpropagation_of_a_source():
    expected = trained(X, Y, batch_size=8, shuffle=False, bptt_steps=2)[0]
    np.testing.assert_array_equal(trained(BATCHES, shuffle=False, bptt_steps=2)[0], expected)


# ---- evaluate, predict ---------------------------------------------------------------------------


def test_evaluate_and_predict():
    model = compiled(metrics=["mae"])
    loss, mae = model.evaluate(X, Y, verbose=0)
    for source in (BATCHES, Numbered(BATCHES), Iterable(BATCHES), iter(BATCHES)):
        assert model.evaluate(source, verbose=0) == pytest.approx([loss, mae])
    expected = model.predict(X, verbose=0)
    inputs = [x for x, _ in BATCHES]
    for source in (iter(inputs), Iterable(BATCHES), Numbered([(x,) for x in inputs])):
        np.testing.assert_array_equal(model.predict(source, verbose=0), expected)
    some = model.evaluate(endless(BATCHES), steps=3, return_dict=True, verbose=0)
    assert some["loss"] == pytest.approx(model.evaluate(X[:24], Y[:24], verbose=0)[0])
    np.testing.assert_array_equal(model.predict(endless(inputs), steps=3, verbose=0), expected[:24])


def test_predictions_of_different_length_are_a_list():
    model = compiled(GRU(5, return_sequences=True, input_shape=(None, 4)), Dense(2))
    expected = model.predict(X, verbose=0)
    outputs = model.predict(iter([X[:2], X[2:5, :3], [X[5], X[6, :1]]]), verbose=0)
    assert [len(y) for y in outputs] == [6, 6, 3, 3, 3, 6, 1]
    for y, whole in zip(outputs, expected, strict=False):
        np.testing.assert_array_equal(y, whole[: len(y)])
    assert model.predict(iter([X[:2], X[2:5]]), verbose=0).shape == (5, 6, 2)


def test_a_source_that_ends_before_its_steps_warns():
    model = compiled()
    with pytest.warns(UserWarning, match="ended after 5 of an epoch, where 7 were asked for"):
        loss = model.evaluate(BATCHES, steps=7, verbose=0)
    assert loss == pytest.approx(model.evaluate(X, Y, verbose=0))


# ---- other libraries' ----------------------------------------------------------------------------


def test_a_data_loader_of_pytorch():
    torch = pytest.importorskip("torch")
    from torch.utils.data import DataLoader, TensorDataset

    loader = DataLoader(TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=8)
    expected = trained(X, Y, batch_size=8, epochs=2, shuffle=False)[0]
    np.testing.assert_array_equal(trained(loader, epochs=2)[0], expected)
    model = compiled()
    assert model.evaluate(loader, verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0))
    bad = DataLoader(TensorDataset(torch.tensor(X, requires_grad=True), torch.tensor(Y)))
    with pytest.raises(TypeError, match=r"batch 1 of the source: x is .*tensor\.detach\(\)"):
        model.fit(bad, verbose=0)


@pytest.mark.filterwarnings("ignore")  # of Keras and PyTorch
def test_a_dataset_of_keras():
    from keras_peer import keras

    class Dataset(keras.utils.PyDataset):
        def __len__(self):
            return len(BATCHES)

        def __getitem__(self, index):
            return BATCHES[index]

    expected = trained(X, Y, batch_size=8, epochs=2, shuffle=False)[0]
    np.testing.assert_array_equal(trained(Dataset(), epochs=2, shuffle=False)[0], expected)
