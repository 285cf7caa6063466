"""Validations of `fit` in runs with callbacks and checkpoints, and numbers of batches."""

import numpy as np
import pytest
from weighted_models import BY_SAMPLE, X, Y, compiled

from gru_c import callbacks


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


def test_one_batch_is_evaluated():
    model = compiled(metrics=["mae"])
    values = model.test_on_batch(X, Y, BY_SAMPLE, return_dict=True)
    assert values == model.evaluate(
        X, Y, verbose=0, sample_weight=BY_SAMPLE, batch_size=12, return_dict=True
    )
    assert model.test_on_batch(X, Y) == list(model.test_on_batch(X, Y, return_dict=True).values())
    with pytest.raises(ValueError, match="x has no samples"):
        model.test_on_batch(X[:0], Y[:0])


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
