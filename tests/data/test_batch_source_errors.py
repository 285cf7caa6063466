"""Wrong batches of sources, and callbacks and checkpoints of sources."""

import numpy as np
import pytest
from batch_sources import BATCHES, Iterable, Numbered, X, Y, compiled, trained

from gru_c import GRU, Dense, callbacks, timeseries_dataset

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
