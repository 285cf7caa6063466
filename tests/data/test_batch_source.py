"""Batches from lists, objects, iterables and generators, in fit, evaluate and predict."""

import numpy as np
import pytest

from gru_c import (
    GRU,
    Dense,
    Dropout,
    Embedding,
    Sequential,
    callbacks,
    optimizers,
    timeseries_dataset,
)
from gru_c.data.batch_source import is_source

RNG = np.random.default_rng(91)
X = RNG.standard_normal((40, 6, 4)).astype(np.float32)
Y = RNG.standard_normal(40)
BATCHES = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 40, 8)]


def compiled(*layers, metrics=None, seed=0, optimizer="adam"):
    model = Sequential([*(layers or [GRU(5, input_shape=(None, 4)), Dense(1)])], seed=seed)
    model.compile(optimizer, "mse", metrics)
    return model


def trained(*data, **arguments):
    """Weights and history after a fit."""
    model = compiled(Dropout(0.2, input_shape=(None, 4)), GRU(5), Dense(1))
    history = model.fit(*data, **{"verbose": 0, **arguments}).history
    return np.concatenate([weight.ravel() for weight in model.get_weights()]), history


class Numbered:
    """Batches by number, which counts what it is asked."""

    def __init__(self, batches):
        self.batches, self.asked, self.ends = batches, [], 0

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        self.asked.append(index)
        return self.batches[index]

    def on_epoch_end(self):
        self.ends += 1


class Iterable:
    """Batches in their order."""

    def __init__(self, batches):
        self.batches, self.begun = batches, 0

    def __iter__(self):
        self.begun += 1
        return iter(self.batches)


def endless(batches):
    while True:
        yield from batches


# ---- what is a source ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (X, False),
        ([X[0], X[1][:3]], False),
        ((X, np.arange(40)), False),
        (BATCHES, False),  # by itself; without y it is one
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
def test_what_is_a_source(x, expected):
    assert is_source(x) == expected


def test_arrays_of_other_libraries_are_data():
    torch, pandas = pytest.importorskip("torch"), pytest.importorskip("pandas")
    for x in (torch.zeros(3, 4), pandas.DataFrame({"a": [1.0]}), pandas.Series([1.0])):
        assert not is_source(x)


# ---- fit ----------------------------------------------------------------------------------------


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


def test_a_generator_goes_on_over_epochs():
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
        first, second = source.asked[1:6], source.asked[6:]  # the very first: to look at
        assert sorted(first) == sorted(second) == list(range(5))
        assert all(type(index) is int for index in source.asked)
        orders.append((first, second))
    assert orders[0] == orders[1] != orders[2]
    assert orders[0][0] != orders[0][1]
    assert orders[3] == (list(range(5)), list(range(5)))


def test_an_iterable_is_begun_once_an_epoch():
    source, validation = Iterable(BATCHES), Iterable(BATCHES[:2])
    compiled().fit(source, epochs=3, validation_data=validation, verbose=0)
    assert source.begun == validation.begun == 3


def test_steps_of_an_epoch_go_on_and_round():
    for made in (Numbered, Iterable):
        seen = []

        class Spy(GRU):
            def forward(self, x, seen=seen, **arguments):
                seen.append(int(np.flatnonzero((x[0] == X).all(axis=(1, 2)))[0]) // 8)
                return super().forward(x, **arguments)

        model = compiled(Spy(5, input_shape=(6, 4)), Dense(1))
        model.fit(made(BATCHES), epochs=3, steps_per_epoch=3, shuffle=False, verbose=0)
        assert seen == [0, 1, 2, 3, 4, 0, 1, 2, 3]


def test_validation_steps_begin_at_the_beginning_but_go_on_in_a_generator():
    model = compiled(optimizer=optimizers.SGD(0.0))
    arguments = {"epochs": 2, "validation_steps": 2, "verbose": 0}
    first = model.evaluate(X[:16], Y[:16], verbose=0)
    second = model.evaluate(X[16:32], Y[16:32], verbose=0)
    history = model.fit(X, Y, validation_data=Iterable(BATCHES), **arguments).history
    assert history["val_loss"] == pytest.approx([first, first])
    history = model.fit(X, Y, validation_data=endless(BATCHES), **arguments).history
    assert history["val_loss"] == pytest.approx([first, second])


def test_a_generator_that_ends_early_is_said_and_ends_the_training():
    model = compiled()
    with pytest.warns(UserWarning, match="ended after 1 of an epoch, where 2 were asked for"):
        history = model.fit(iter(BATCHES), epochs=9, steps_per_epoch=2, verbose=0)
    assert history.epoch == [0, 1, 2]
    with pytest.warns(UserWarning, match="ended after 0 of an epoch, where 5 were asked for"):
        history = model.fit(iter(BATCHES), epochs=9, steps_per_epoch=5, verbose=0)
    assert history.epoch == [0]


def test_an_iterable_that_can_only_be_begun_once_ends_the_training():
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


# ---- evaluate, predict --------------------------------------------------------------------------


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
    found = model.predict(iter([X[:2], X[2:5, :3], [X[5], X[6, :1]]]), verbose=0)
    assert [len(y) for y in found] == [6, 6, 3, 3, 3, 6, 1]
    for y, whole in zip(found, expected, strict=False):
        np.testing.assert_array_equal(y, whole[: len(y)])
    assert model.predict(iter([X[:2], X[2:5]]), verbose=0).shape == (5, 6, 2)


def test_a_source_that_ends_before_its_steps_is_said():
    model = compiled()
    with pytest.warns(UserWarning, match="ended after 5 of an epoch, where 7 were asked for"):
        found = model.evaluate(BATCHES, steps=7, verbose=0)
    assert found == pytest.approx(model.evaluate(X, Y, verbose=0))


# ---- other libraries' ---------------------------------------------------------------------------


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


@pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own
def test_a_dataset_of_keras():
    from keras_peer import keras

    class Dataset(keras.utils.PyDataset):
        def __len__(self):
            return len(BATCHES)

        def __getitem__(self, index):
            return BATCHES[index]

    expected = trained(X, Y, batch_size=8, epochs=2, shuffle=False)[0]
    np.testing.assert_array_equal(trained(Dataset(), epochs=2, shuffle=False)[0], expected)


# ---- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ((X[:8, :, :3], Y[:8]), r": x must have shape \(samples, any, 4\), got \(8, 6, 3\)"),
        ((X[:8], Y[:7]), r": x has 8 samples, y has shape \(7,\)"),
        ((X[:8],), r"must be \(x, y\) or \(x, y, sample_weight\), got tuple of 1"),
        (X[:8], r"must be \(x, y\) or \(x, y, sample_weight\), got ndarray"),
        ({"x": X[:8]}, "must be .*, got dict"),
        ((X[:8], Y[:8], Y[:8], Y[:8]), "got tuple of 4"),
        ((X[:8].astype(complex), Y[:8]), "x must hold real numbers"),
        ((X[:0], Y[:0]), "x has no samples"),
        ((X[:8], Y[:8], np.full(8, np.nan)), "sample_weight nan of sample 0 is not finite"),
        ((None, Y[:8]), "x must be an array of real numbers, got None"),
    ],
)
@pytest.mark.parametrize("made", [Numbered, Iterable])
def test_a_wrong_batch_is_named_and_its_epoch_undone(batch, message, made):
    batches = [*BATCHES, batch]
    name = r"batch \[5\] of the source" if made is Numbered else "batch 6 of the source"
    model = compiled()
    model.fit(X, Y, verbose=0)
    before, steps = model.get_weights(), model.optimizer.iterations
    with pytest.raises((ValueError, TypeError), match=f"{name}.*{message}"):
        model.fit(made(batches), shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.optimizer.iterations == steps
    model.fit(X, Y, verbose=0)


def test_the_first_batch_is_looked_at_before_anything_is_changed():
    model = compiled(GRU(5), Dense(1))
    with pytest.raises(ValueError, match=r"batch 1 of the source: .* expects y of shape"):
        model.fit(iter([(X, np.zeros((40, 2)))]), verbose=0)
    with pytest.raises(ValueError, match="batch 1 of the source: x has 40 samples, y has"):
        model.fit(X, Y, validation_data=iter([(X, Y[:3])]), verbose=0)
    assert not model.built


def test_an_exception_of_the_source_passes_and_the_epoch_is_undone():
    def failing():
        yield from BATCHES
        raise OSError("the disk is gone")

    model = compiled()
    before = model.get_weights()
    with pytest.raises(OSError, match="the disk is gone"):
        model.fit(failing(), verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    assert model.optimizer.iterations == 0


def test_a_loss_that_is_not_finite_names_the_batch_by_its_number():
    bad = X[:8].copy()
    bad[2, 3, 1] = np.nan
    source = [*BATCHES[:3], (bad, Y[:8])]
    with pytest.raises(FloatingPointError, match=r"batch \d of epoch 1 \(batch \[3\] .*x\[2, 3, 1"):
        compiled().fit(source, verbose=0)


def test_a_stateful_layer_wants_batches_of_one_size():
    model = compiled(GRU(5, stateful=True, input_shape=(None, 4)), Dense(1))
    model.fit(BATCHES, shuffle=False, epochs=2, verbose=0)
    state = model.layers[0].state
    with pytest.raises(ValueError, match=r"batch \[1\] .*holds the states of 8 sequences, got"):
        model.fit([BATCHES[0], (X[:3], Y[:3])], shuffle=False, verbose=0)
    np.testing.assert_array_equal(model.layers[0].state, state)


def test_bptt_refuses_a_later_batch_with_lengths():
    source = [(X, Y), ((X, np.arange(40) % 6), Y)]
    with pytest.raises(ValueError, match=r"batch \[1\] .*bptt_steps is for sequences all of whose"):
        compiled().fit(source, shuffle=False, bptt_steps=2, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": Y}, "y goes with arrays"),
        ({"batch_size": 8}, "batch_size goes with arrays"),
        ({"sample_weight": Y}, "sample_weight goes with arrays"),
        ({"lengths": np.ones(40, int)}, "lengths goes with arrays"),
        ({"bucket": True}, "bucket goes with arrays"),
        ({"validation_split": 0.1}, "validation_split goes with arrays"),
        ({"steps_per_epoch": 0}, "steps_per_epoch must be an integer of at least 1 or None, got 0"),
        ({"validation_steps": 1}, "validation_steps is for a source of batches"),
        ({"epochs": 2}, "say with steps_per_epoch how many of them are one of the 2 epochs"),
        (
            {"epochs": 2, "steps_per_epoch": 1, "validation_data": iter(BATCHES)},
            "say with validation_steps how many",
        ),
        ({"validation_data": 3}, "validation_data must be .* or a source of such batches, got int"),
        ({"x": iter([])}, "the source of batches gave none"),
        ({"x": {}}, "x must hold real numbers"),
        ({"x": X, "y": Y, "steps_per_epoch": 3}, "steps_per_epoch is for a source of batches"),
        ({"x": X, "y": None}, "y must be an array of real numbers, got None"),
    ],
)
def test_arguments_that_do_not_go_with_a_source(arguments, message):
    model = compiled()
    before = model.get_weights()
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(**{"x": iter(BATCHES), "verbose": 0, **arguments})
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    assert model.optimizer.iterations == 0


def test_steps_are_for_sources_in_evaluate_and_predict_too():
    model = compiled()
    for call in (lambda: model.evaluate(X, Y, steps=1), lambda: model.predict(X, steps=1)):
        with pytest.raises(ValueError, match="steps is for a source of batches"):
            call()
    for name, value in (("batch_size", 8), ("lengths", [1]), ("bucket", True)):
        with pytest.raises(ValueError, match=f"{name} goes with arrays"):
            model.predict(iter([X]), **{name: value})


def test_a_source_needs_a_loss():
    model = Sequential([GRU(5, input_shape=(6, 4))])
    with pytest.raises(ValueError, match="call compile"):
        model.fit(iter(BATCHES))


# ---- callbacks, and runs that go on --------------------------------------------------------------


class Ended(Exception):  # noqa: N818
    """What ends a run somewhere."""


def ending(batches):
    """A callback that ends a run after so many batches."""
    seen = []

    def count(number, logs):
        seen.append(number)
        if len(seen) == batches:
            raise Ended

    return callbacks.LambdaCallback(on_train_batch_end=count)


def test_callbacks_see_the_batches_of_a_source():
    seen = []
    model = compiled()
    watch = callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: seen.append(batch),
        on_test_batch_end=lambda batch, logs: seen.append(f"test {batch}"),
        on_predict_batch_end=lambda batch, logs: seen.append(logs["outputs"].shape),
    )
    model.fit(iter(BATCHES[:3]), validation_data=BATCHES[:2], callbacks=watch, verbose=0)
    model.predict(iter([X[:3], X[:2]]), callbacks=watch, verbose=0)
    assert seen == [0, 1, 2, "test 0", "test 1", (3, 1), (2, 1)]


def windows():
    """A source that draws its own order, too."""
    series = X.reshape(-1, 4)
    return timeseries_dataset(series, series[:, 0], 6, batch_size=40, shuffle=True, seed=4)


@pytest.mark.parametrize("made", [lambda: Numbered(BATCHES), windows], ids=["numbered", "windows"])
@pytest.mark.parametrize("batches", [2, 7, 11])
def test_a_run_on_a_source_by_number_goes_on_to_the_bit(made, batches, tmp_path):
    def run(**arguments):
        source = made()
        return trained(source, epochs=3, validation_data=Iterable(BATCHES), **arguments)

    file = {"checkpoint": tmp_path / "run.safetensors", "checkpoint_interval": 0}
    with pytest.raises(Ended):
        run(**file, callbacks=ending(batches))
    weights, history = run(**file, resume=True)
    expected, expected_history = run()
    np.testing.assert_array_equal(weights, expected)
    assert history == expected_history
    with pytest.raises(ValueError, match=r"another run: .*data.source.batches was \d, is 4"):
        trained(Numbered(BATCHES[:4]), epochs=3, validation_data=BATCHES, **file, resume=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": Iterable(BATCHES)}, "checkpoint= is for arrays, and for a source with __len__"),
        ({"x": BATCHES, "steps_per_epoch": 2}, "without steps_per_epoch"),
        ({"x": BATCHES, "validation_data": iter(BATCHES)}, "not for a validation on a generator"),
    ],
)
def test_what_cannot_be_begun_in_the_middle_has_no_checkpoint(arguments, message, tmp_path):
    path = tmp_path / "run.safetensors"
    with pytest.raises(ValueError, match=message):
        compiled().fit(**arguments, checkpoint=path, verbose=0)
    assert not path.exists()
