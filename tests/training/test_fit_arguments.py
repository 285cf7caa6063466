"""Arguments of `fit` and `compile`: weights of classes and of the loss, validations, old names."""

import warnings

import numpy as np
import pytest
from batch_sources import Numbered

from gru_c import GRU, Dense, Input, Masking, Sequential, callbacks
from gru_c.metrics import Metric

RNG = np.random.default_rng(5)
X = RNG.standard_normal((12, 4, 3)).astype(np.float32)
Y = (X[:, :, 0].mean(1) > 0).astype(int)
WEIGHTS = {0: 0.5, 1: 3.0}
BY_SAMPLE = np.where(Y == 1, 3.0, 0.5)


def compiled(outputs=1, loss="binary_crossentropy", sequences=False, **options):
    activation = "softmax" if outputs > 1 else "sigmoid"
    layers = [Input((None, 3)), GRU(2, return_sequences=sequences), Dense(outputs, activation)]
    model = Sequential(layers, seed=0, dtype="float64")
    model.compile("sgd", loss, **options)
    return model


def weights_after(model, x, y, **options):
    model.fit(x, y, batch_size=5, epochs=2, shuffle=False, verbose=0, **options)
    return np.concatenate([weight.ravel() for weight in model.get_weights()])


# ---- class_weight --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outputs", "loss", "y"),
    [
        (1, "binary_crossentropy", Y),
        (1, "binary_crossentropy", Y[:, None].astype(float)),
        (2, "sparse_categorical_crossentropy", Y),
        (2, "sparse_categorical_crossentropy", Y[:, None]),
        (2, "categorical_crossentropy", np.eye(2)[Y]),
    ],
)
def test_the_weight_of_a_class_is_that_of_its_samples(outputs, loss, y):
    by_class = weights_after(compiled(outputs, loss), X, y, class_weight=WEIGHTS)
    by_sample = weights_after(compiled(outputs, loss), X, y, sample_weight=BY_SAMPLE)
    np.testing.assert_array_equal(by_class, by_sample)
    assert not np.array_equal(by_class, weights_after(compiled(outputs, loss), X, y))


def test_a_class_without_a_weight_has_the_weight_1():
    only = weights_after(compiled(), X, Y, class_weight={1.0: 3.0, 7: 5.0})
    both = weights_after(compiled(), X, Y, class_weight={np.int64(0): 1, 1: np.float32(3)})
    np.testing.assert_array_equal(only, both)


@pytest.mark.parametrize("one_hot", [False, True])
def test_each_time_step_has_the_weight_of_its_class(one_hot):
    labels = (X[..., 0] > 0).astype(int)
    loss = "categorical_crossentropy" if one_hot else "sparse_categorical_crossentropy"
    y = np.eye(2)[labels] if one_hot else labels
    weight = np.where(labels == 1, 3.0, 0.5)
    lengths = RNG.integers(1, 5, 12)

    def trained(x=X, y=y, **options):
        return weights_after(compiled(2, loss, sequences=True), x, y, **options)

    by_class = trained(class_weight=WEIGHTS)
    np.testing.assert_array_equal(by_class, trained(sample_weight=weight))
    padded = trained(class_weight=WEIGHTS, lengths=lengths)
    np.testing.assert_array_equal(padded, trained(sample_weight=weight, lengths=lengths))
    lists = [list_of(array, lengths) for array in (X, y)]
    np.testing.assert_allclose(trained(*lists, class_weight=WEIGHTS), padded, rtol=1e-12)


def list_of(array, lengths):
    return [row[:length] for row, length in zip(array, lengths, strict=True)]


def test_weights_of_classes_go_with_sources_and_files(tmp_path):
    expected = weights_after(compiled(), X, Y, sample_weight=BY_SAMPLE)
    model = compiled()
    batches = [(X[i : i + 5], Y[i : i + 5]) for i in (0, 5, 10)]
    for source in (Numbered(batches), batches):
        model = compiled()
        model.fit(source, epochs=2, shuffle=False, verbose=0, class_weight=WEIGHTS)
        actual = np.concatenate([weight.ravel() for weight in model.get_weights()])
        np.testing.assert_array_equal(actual, expected)
    arrays = []
    for name, array in (("x", X), ("y", Y)):
        np.save(tmp_path / f"{name}.npy", array)
        arrays.append(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
    for y in (arrays[1], Y):
        actual = weights_after(compiled(), arrays[0], y, class_weight=WEIGHTS)
        np.testing.assert_array_equal(actual, expected)


def test_weights_of_classes_are_not_for_the_validation():
    plain, weighted = compiled(), compiled()
    weighted.fit(X, Y, verbose=0, class_weight=WEIGHTS, validation_split=0.25, epochs=1)
    plain.fit(X[:9], Y[:9], verbose=0, sample_weight=BY_SAMPLE[:9])
    last = weighted.history.history["val_loss"][0]
    assert last == pytest.approx(weighted.evaluate(X[9:], Y[9:], verbose=0))


def test_weights_of_classes_for_one_batch():
    model, other = compiled(), compiled()
    loss = model.train_on_batch(X, Y, class_weight=WEIGHTS)
    assert loss == other.train_on_batch(X, Y, BY_SAMPLE)
    assert loss == compiled().train_on_batch(X, Y, None, WEIGHTS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_weight": [1, 2]}, r"a dict of class numbers and weights such as .*\[1, 2\]"),
        ({"class_weight": "balanced"}, "a dict of class numbers and weights"),
        ({"class_weight": {"a": 1}}, "a class in class_weight must be an integer"),
        ({"class_weight": {0.5: 1}}, "a class in class_weight must be an integer"),
        ({"class_weight": {0: "1"}}, r"class_weight\[0\] must be"),
        ({"class_weight": {0: np.inf}}, r"class_weight\[0\] must be"),
        ({"class_weight": WEIGHTS, "sample_weight": BY_SAMPLE}, "cannot be given together"),
        ({"class_weight": WEIGHTS, "y": np.full(12, np.nan)}, "y has NaN"),
    ],
)
def test_weights_of_classes_that_do_not_fit(options, message):
    model = compiled(loss="mse")
    before = model.get_weights()
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(**{"x": X, "y": Y, "verbose": 0, **options})
    for weight, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, now)


def test_targets_of_several_classes_have_no_weight():
    y = np.eye(3)[Y]
    y[4] = [1, 1, 0]
    model = compiled(3, "mse")
    with pytest.raises(ValueError, match=r"one class for each target, and y\[4\] is \[1.0, 1.0, 0"):
        model.fit(X, y, class_weight=WEIGHTS, verbose=0)


def test_a_run_is_not_resumed_with_other_weights_of_classes(tmp_path):
    options = {"checkpoint": tmp_path / "run.safetensors", "verbose": 0, "resume": True}
    compiled().fit(X, Y, class_weight=WEIGHTS, **options)
    with pytest.raises(ValueError, match=r"class_weight.1 was 3.0, is 4.0"):
        compiled().fit(X, Y, class_weight={**WEIGHTS, 1: 4.0}, epochs=2, **options)


# ---- sample_weight -------------------------------------------------------------------------------


def test_weights_of_samples_may_have_another_axis():
    expected = weights_after(compiled(), X, Y, sample_weight=BY_SAMPLE)
    actual = weights_after(compiled(), X, Y, sample_weight=BY_SAMPLE[:, None])
    np.testing.assert_array_equal(actual, expected)
    steps = RNG.random((12, 4))
    y = (X[..., 0] > 0).astype(int)
    for weight, wide in ((steps, steps[..., None]), (BY_SAMPLE, BY_SAMPLE[:, None])):
        expected = weights_after(compiled(sequences=True), X, y, sample_weight=weight)
        actual = weights_after(compiled(sequences=True), X, y, sample_weight=wide)
        np.testing.assert_array_equal(actual, expected)
    with pytest.raises(ValueError, match=r"expects sample_weight of shape \(12,\)"):
        compiled().fit(X, Y, sample_weight=np.ones((12, 2)), verbose=0)


# ---- validations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frequency", "epochs"), [(1, [0, 1, 2, 3, 4]), (2, [1, 3]), ([1, 5, 9], [0, 4]), ((6,), [])]
)
def test_validations_follow_some_epochs(frequency, epochs):
    model, seen = compiled(), []
    note = callbacks.LambdaCallback(on_test_begin=lambda logs: seen.append(len(history.epoch)))
    history = model.history
    note = callbacks.LambdaCallback(
        on_test_begin=lambda logs: seen.append(len(model.history.epoch))
    )
    history = model.fit(
        X, Y, epochs=5, verbose=0, validation_data=(X, Y), validation_freq=frequency, callbacks=note
    )
    assert seen == epochs
    assert len(history.history.get("val_loss", [])) == len(epochs)
    assert len(history.history["loss"]) == 5


def test_callbacks_wait_for_the_next_validation(tmp_path):
    stop = callbacks.EarlyStopping(patience=2, min_delta=100)
    reduce = callbacks.ReduceLROnPlateau(patience=2, min_delta=100, factor=0.5)
    save = callbacks.ModelCheckpoint(tmp_path / "{epoch}.safetensors", save_best_only=True)
    model = compiled()
    history = model.fit(
        *(X, Y),
        epochs=30,
        verbose=0,
        validation_split=0.25,
        validation_freq=3,
        callbacks=[save, reduce, stop],
    )
    assert stop.stopped_epoch == 8  # the third validation
    assert len(history.history["val_loss"]) == 3
    assert model.optimizer.learning_rate == 0.005
    assert sorted(path.name for path in tmp_path.iterdir())[0] == "3.safetensors"


def test_validations_are_plotted_where_they_were():
    pytest.importorskip("matplotlib")
    history = compiled().fit(X, Y, epochs=5, verbose=0, validation_split=0.5, validation_freq=2)
    lines = history.plot().axes[0].lines
    assert list(lines[0].get_xdata()) == [1, 2, 3, 4, 5]
    assert list(lines[1].get_xdata()) == [2, 4]


def test_a_resumed_run_remembers_the_epochs_of_validations(tmp_path):
    pytest.importorskip("matplotlib")
    options = {"validation_split": 0.5, "validation_freq": 2, "verbose": 0, "seed": 1}
    options.update(checkpoint=tmp_path / "run.safetensors", resume=True)
    compiled().fit(X, Y, epochs=3, **options)
    history = compiled().fit(X, Y, epochs=5, **options)
    assert list(history.plot().axes[0].lines[1].get_xdata()) == [2, 4]
    with pytest.raises(ValueError, match="validation_freq was 2, is absent"):
        compiled().fit(X, Y, epochs=6, **{**options, "validation_freq": 1})


def test_the_validation_has_batches_of_its_own():
    sizes = []
    note = callbacks.LambdaCallback(on_test_batch_end=lambda batch, logs: sizes.append(batch))
    model = compiled()
    model.fit(
        *(X, Y),
        batch_size=12,
        verbose=0,
        validation_data=(X, Y),
        validation_batch_size=5,
        callbacks=note,
    )
    assert sizes == [0, 1, 2]
    expected = model.evaluate(X, Y, verbose=0)
    assert model.history.history["val_loss"] == [pytest.approx(expected, rel=1e-12)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation_freq": 0}, "validation_freq must be an integer of at least 1 or a list"),
        ({"validation_freq": "2"}, "validation_freq must be an integer"),
        ({"validation_freq": [0]}, "an epoch in validation_freq must be an integer of at least 1"),
        ({"validation_batch_size": 0}, "validation_batch_size must be an integer of at least 1"),
        ({"validation_batch_size": 3, "validation_split": 0}, "needs validation_data or valid"),
        (
            {"validation_batch_size": 3, "validation_data": [(X, Y)], "validation_split": 0},
            "validation_batch_size goes with arrays",
        ),
    ],
)
def test_arguments_of_the_validation_that_do_not_fit(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        compiled().fit(X, Y, **{"verbose": 0, "validation_split": 0.5, **options})


# ---- loss_weights and weighted_metrics -----------------------------------------------------------


@pytest.mark.parametrize("weights", [2.0, [2.0], {"dense": 2}, (np.float32(2),)])
def test_the_loss_has_a_factor(weights):
    model = compiled(loss_weights=weights)
    expected = weights_after(compiled(), X, Y, sample_weight=np.full(12, 2.0))
    before = model.evaluate(X, Y, verbose=0)
    assert before == pytest.approx(2 * compiled().evaluate(X, Y, verbose=0))
    assert model.test_on_batch(X, Y) == pytest.approx(before)
    np.testing.assert_allclose(weights_after(model, X, Y), expected, rtol=1e-12)


def test_a_penalty_does_not_have_the_factor_of_the_loss():
    def made(weight):
        layer = Dense(1, "sigmoid", kernel_regularizer="l2", input_shape=(3,), name="a")
        model = Sequential([layer], seed=0)
        model.compile("sgd", "mse", loss_weights=weight)
        return model.evaluate(X[:, 0], Y, verbose=0)

    penalty = 2 * made(1.0) - made(2.0)
    assert penalty == pytest.approx(made(0.0), rel=1e-5)
    assert penalty > 0


@pytest.mark.parametrize("specs", [[["mae"]], ("mae",), {"dense": ["mae"]}, {"dense": "mae"}])
def test_metrics_may_be_nested(specs):
    model = compiled(metrics=specs, weighted_metrics=specs)
    assert model.metrics_names == ["loss", "mae", "weighted_mae"]
    assert model.evaluate(X, Y, verbose=0, return_dict=True).keys() == set(model.metrics_names)


@pytest.mark.parametrize("loss", [["mse"], {"dense": "mse"}, ("mse",)])
def test_the_loss_may_be_nested(loss):
    assert compiled(loss=loss).loss.name == "mse"


def test_samples_count_with_their_weights_in_weighted_metrics():
    model = compiled(metrics=["mae"], weighted_metrics=["mae", "accuracy"])
    error = np.abs(model.predict(X, verbose=0)[:, 0] - Y)
    expected = np.average(error, weights=BY_SAMPLE)
    for batch_size in (12, 5):
        values = model.evaluate(
            X, Y, batch_size, verbose=0, sample_weight=BY_SAMPLE, return_dict=True
        )
        assert values["mae"] == pytest.approx(error.mean())
        assert values["weighted_mae"] == pytest.approx(expected)
    plain = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert plain["weighted_mae"] == pytest.approx(error.mean())
    on_batch = model.train_on_batch(X, Y, class_weight=WEIGHTS, return_dict=True)
    assert on_batch["weighted_mae"] == pytest.approx(expected)
    history = model.fit(X, Y, verbose=0, class_weight=WEIGHTS).history
    assert set(history) == {"loss", "mae", "weighted_mae", "accuracy"}
    assert history["weighted_mae"] != history["mae"]


def test_steps_that_count_have_weights_in_weighted_metrics():
    layers = [Input((4, 3)), Masking(), GRU(2, return_sequences=True), Dense(1)]
    model = Sequential(layers, seed=0, dtype="float64")
    model.compile("sgd", "mse", weighted_metrics=["mae"])
    x, weight = X.copy(), RNG.random((12, 4))
    x[:, 3] = 0
    y = X[..., 0]
    error = np.abs(model.predict(x, verbose=0)[..., 0] - y)[:, :3]
    value = model.evaluate(x, y, verbose=0, sample_weight=weight)[1]
    assert value == pytest.approx(np.average(error, weights=weight[:, :3]))


class OfTheUser(Metric):
    def update(self, y_true, y_pred, mask=None):
        super().update(y_true, y_pred, mask)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss_weights": [1, 2]}, "loss_weights: the model has one output, got 2 items"),
        ({"loss_weights": "a"}, "loss_weights must be"),
        ({"metrics": "mae"}, r"metrics must be a list such as \['mae'\]"),
        ({"weighted_metrics": "mae"}, r"weighted_metrics must be a list such as \['mae'\]"),
        ({"weighted_metrics": [OfTheUser()]}, "update has no argument sample_weight"),
        ({"weighted_metrics": ["mae", "mae", "mae"]}, "must have different names"),
        ({"loss": ["mse", "mae"]}, "loss: the model has one output, got 2 items"),
    ],
)
def test_settings_of_compile_that_do_not_fit(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        compiled(**options)


def test_a_metric_is_weighted_or_not():
    metric = OfTheUser()
    with pytest.raises(ValueError, match="both in metrics and in weighted_metrics"):
        compiled(metrics=[metric], weighted_metrics=[metric])
    with pytest.raises(AttributeError, match="call compile with the new one"):
        compiled().loss_weights = 2


@pytest.mark.parametrize("suffix", [".safetensors", ".keras", ".h5"])
def test_files_hold_the_settings_of_compile(tmp_path, suffix):
    pytest.importorskip("h5py")
    model = compiled(loss_weights=0.5, metrics=["mse"], weighted_metrics=["mse", "mae"])
    path = tmp_path / f"model{suffix}"
    model.save(path)
    from gru_c import load_model

    again = load_model(path)
    assert again.loss_weight == 0.5
    assert again.metrics_names == ["loss", "mse", "weighted_mse", "mae"]
    assert [metric.name for metric in again.weighted_metrics] == ["weighted_mse", "mae"]
    values = [m.evaluate(X, Y, verbose=0, sample_weight=BY_SAMPLE) for m in (model, again)]
    assert values[0] == pytest.approx(values[1], rel=1e-6)


# ---- one batch, and names of Keras 2 -------------------------------------------------------------


def test_one_batch_is_evaluated():
    model = compiled(metrics=["mae"])
    values = model.test_on_batch(X, Y, BY_SAMPLE, return_dict=True)
    assert values == model.evaluate(
        X, Y, verbose=0, sample_weight=BY_SAMPLE, batch_size=12, return_dict=True
    )
    assert model.test_on_batch(X, Y) == list(model.test_on_batch(X, Y, return_dict=True).values())
    with pytest.raises(ValueError, match="test_on_batch is not possible"):
        Sequential([GRU(2)]).test_on_batch(X, Y)
    with pytest.raises(ValueError, match="x has no samples"):
        model.test_on_batch(X[:0], Y[:0])


def generator():
    while True:
        for i in (0, 5, 10):
            yield X[i : i + 5], Y[i : i + 5]


def test_the_methods_for_generators_are_those_for_arrays():
    model, other = compiled(), compiled()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = model.fit_generator(
            generator(),
            steps_per_epoch=3,
            epochs=4,
            verbose=0,
            validation_data=generator(),
            validation_steps=2,
            validation_freq=2,
            class_weight=WEIGHTS,
            workers=4,
            use_multiprocessing=True,
            max_queue_size=1,
        )
        evaluated = model.evaluate_generator(generator(), steps=3, workers=1)
        predicted = model.predict_generator(generator(), 3)
    other.fit(X, Y, 5, 4, verbose=0, shuffle=False, sample_weight=BY_SAMPLE)
    assert history.history["loss"] == other.history.history["loss"]
    assert len(history.history["val_loss"]) == 2
    assert evaluated == pytest.approx(model.evaluate(X, Y, verbose=0))
    np.testing.assert_array_equal(predicted, model.predict(X, verbose=0))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("predict_classes", r"predict_classes': model.predict\(x\) returns the probabilities; .*>"),
        ("predict_proba", "returns the probabilities"),
        ("train_step", "train_on_batch"),
        ("inputs", "input_shape is the shape"),
        ("no_such_name", "object has no attribute 'no_such_name'$"),
    ],
)
def test_a_method_that_is_not_there_says_what_to_do(name, message):
    model = compiled()
    assert not hasattr(model, name)
    with pytest.raises(AttributeError, match=message):
        getattr(model, name)
