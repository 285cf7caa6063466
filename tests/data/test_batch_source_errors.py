"""Batch sources that are refused, wrong batches, and callbacks and checkpoints of sources."""

import numpy as np
import pytest
from batch_sources import BATCHES, Iterable, Numbered, X, Y, compiled, trained

from gru_c import GRU, Dense, Sequential, callbacks, timeseries_dataset

# ---- bad input -----------------------------------------------------------------------------------


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


def test_the_first_batch_is_checked_before_anything_is_changed():
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
        ({"x": iter([])}, "the source of batches gave no batch"),
        ({"x": {}}, "x must hold real numbers"),
        (
            {"x": X, "y": Y, "steps_per_epoch": 3, "batch_size": 1},
            r"steps_per_epoch=3, but .* samples in batches of 1 are .* batches, all of which",
        ),
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


def test_steps_of_arrays_are_their_first_batches():
    model = compiled()
    assert model.predict(X, batch_size=2, steps=2, verbose=0).shape[0] == 4
    part = model.evaluate(X[:4], Y[:4], verbose=0)
    assert model.evaluate(X, Y, batch_size=2, steps=2, verbose=0) == pytest.approx(part)
    history = model.fit(X, Y, batch_size=2, validation_data=(X, Y), validation_steps=2, verbose=0)
    after = model.evaluate(X[:4], Y[:4], batch_size=2, verbose=0)
    assert history.history["val_loss"] == [pytest.approx(after)]
    with pytest.raises(ValueError, match="steps must be an integer of at least 1, got 0"):
        model.predict(X, steps=0)


def test_arguments_for_arrays_do_not_go_with_a_source_in_predict():
    model = compiled()
    for name, value in (("batch_size", 8), ("lengths", [1]), ("bucket", True)):
        with pytest.raises(ValueError, match=f"{name} goes with arrays"):
            model.predict(iter([X]), **{name: value})


def test_a_source_needs_a_loss():
    model = Sequential([GRU(5, input_shape=(6, 4))])
    with pytest.raises(ValueError, match="call compile"):
        model.fit(iter(BATCHES))


# ---- callbacks, and runs that are resumed --------------------------------------------------------


class Ended(Exception):  # noqa: N818
    """Ends a run."""


def ending(batches):
    """Return a callback that ends a run after so many batches."""
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
    """Return a source that also draws an order itself."""
    series = X.reshape(-1, 4)
    return timeseries_dataset(series, series[:, 0], 6, batch_size=40, shuffle=True, seed=4)


@pytest.mark.parametrize("made", [lambda: Numbered(BATCHES), windows], ids=["numbered", "windows"])
@pytest.mark.parametrize("batches", [2, 7, 11])
def test_a_resumed_run_on_an_indexed_source_has_the_same_bits(made, batches, tmp_path):
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
def test_a_source_that_cannot_start_in_the_middle_has_no_checkpoint(arguments, message, tmp_path):
    path = tmp_path / "run.safetensors"
    with pytest.raises(ValueError, match=message):
        compiled().fit(**arguments, checkpoint=path, verbose=0)
    assert not path.exists()
