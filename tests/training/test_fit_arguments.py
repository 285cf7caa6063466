"""Arguments of `fit` for validations, single batches, and the method names of Keras 2."""

import warnings

import numpy as np
import pytest
from weighted_models import BY_SAMPLE, WEIGHTS, X, Y, compiled

from gru_c import callbacks

# ---- validations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frequency", "epochs"), [(1, [0, 1, 2, 3, 4]), (2, [1, 3]), ([1, 5, 9], [0, 4]), ((6,), [])]
)
def test_validations_follow_some_epochs(frequency, epochs):
    model, seen = compiled(), []
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


# ---- one batch, and names of Keras 2 -------------------------------------------------------------


def test_one_batch_is_evaluated():
    model = compiled(metrics=["mae"])
    values = model.test_on_batch(X, Y, BY_SAMPLE, return_dict=True)
    assert values == model.evaluate(
        X, Y, verbose=0, sample_weight=BY_SAMPLE, batch_size=12, return_dict=True
    )
    assert model.test_on_batch(X, Y) == list(model.test_on_batch(X, Y, return_dict=True).values())
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


# ---- numbers of batches --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hook", "call", "batches"),
    [
        ("on_train_batch_end", lambda m, o: m.fit(X, Y, steps_per_epoch=4, **o), 4),
        ("on_train_batch_end", lambda m, o: m.fit(X, Y, 5, steps_per_epoch=3, **o), 3),
        ("on_test_batch_end", lambda m, o: m.evaluate(X, Y, steps=5, **o), 4),
        ("on_test_batch_end", lambda m, o: m.evaluate(X, Y, 2, steps=3, **o), 3),
        ("on_predict_batch_end", lambda m, o: m.predict(X, steps=3, **o), 3),
        (
            "on_test_batch_end",
            lambda m, o: m.fit(X, Y, validation_data=(X, Y), validation_steps=2, **o),
            2,
        ),
    ],
)
def test_arrays_are_cut_into_so_many_batches(hook, call, batches):
    numbers = []
    count = callbacks.LambdaCallback(**{hook: lambda batch, logs: numbers.append(batch)})
    call(compiled(), {"callbacks": count, "verbose": 0})
    assert numbers == list(range(batches))


def test_all_samples_are_predicted_in_so_many_batches():
    model, x = compiled(), np.tile(X, (9, 1, 1))
    outputs = model.predict(x, steps=2, verbose=0)
    np.testing.assert_array_equal(outputs, model.predict(x, verbose=0))
    assert len(model.predict(x, batch_size=2, steps=3, verbose=0)) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps_per_epoch": 5}, "steps_per_epoch=5, but 12 samples in batches of 3 are 4"),
        ({"steps_per_epoch": 2, "batch_size": 4}, "12 samples in batches of 4 are 3 batches"),
        ({"steps_per_epoch": 0}, "steps_per_epoch must be"),
    ],
)
def test_an_epoch_of_other_batches_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        compiled().fit(X, Y, verbose=0, **arguments)


# ---- names of older Keras ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "keywords", "message"),
    [
        ("fit", {"nb_epoch": 2}, "'nb_epoch': since Keras 2 it is epochs"),
        ("fit", {"show_accuracy": True}, "give compile metrics"),
        ("fit", {"epoch": 2}, "did you mean 'epochs'"),
        ("compile", {"lr": 0.1}, "give it to the optimizer"),
        ("compile", {"class_mode": "binary"}, "the loss says it"),
        ("save", {"save_format": "h5"}, "the suffix"),
        ("save", {"zipped": False}, "always a zip"),
        ("load_weights", {"by_name": True}, "layer by layer in their order"),
        ("load_weights", {"skip_mismatch": True}, "all weights of a file must fit"),
        ("evaluate", {"show_accuracy": True}, "give compile metrics"),
    ],
)
def test_names_of_older_keras_are_explained(method, keywords, message):
    with pytest.raises(TypeError, match=message):
        getattr(compiled(), method)(**keywords)


def test_arguments_without_effect_are_accepted(tmp_path):
    model, path = compiled(), tmp_path / "model.weights.h5"
    pytest.importorskip("h5py")
    model.save_weights(filepath=path, overwrite=True, max_shard_size=None)
    model.load_weights(filepath=path, skip_mismatch=False, by_name=False)
    model.save(tmp_path / "model.keras", overwrite=True, zipped=True)
    layer = model.pop(rebuild=False)
    model.add(layer, rebuild=False)
    assert model.reset_metrics() is None
