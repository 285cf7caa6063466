"""Shards that differ: uneven, empty, and of more processes than samples."""

import mpi_training
import numpy as np
import pytest
from mpi_runs import assert_close, assert_equal, needs_mpiexec, run

pytest.importorskip("mpi4py")
pytestmark = needs_mpiexec


def test_uneven_and_empty_shards_train_on_every_sample(tmp_path):
    """Shards of 47, 1 and 0 samples make batches of 11 and 1, as in one process."""
    results, _ = run(3, "uneven", tmp_path)
    X, y = mpi_training.arrays(48)
    batches = [(X[0:11], y[0:11]), *[(X[i : i + 11], y[i : i + 11]) for i in range(11, 47, 11)]]
    batches[0] = tuple(np.concatenate([a, b[47:]]) for a, b in zip(batches[0], (X, y), strict=True))
    batches[-1] = (X[44:47], y[44:47])
    model = mpi_training.model_of(mpi_training.GRU(4, input_shape=(6, 3)), mpi_training.Dense(1))
    history = model.fit(batches, epochs=2, verbose=0, shuffle=False)
    assert_close(results[0], {"history": history.history, "weights": model.get_weights()})
    assert_equal(results[2], results[0])


def test_sources_that_end_at_different_times(tmp_path):
    results, _ = run(2, "uneven_sources", tmp_path)
    X, y = mpi_training.arrays(48)
    batches = [(X[i : i + 8], y[i : i + 8]) for i in range(0, 24, 8)] + [(X[24:29], y[24:29])]
    model = mpi_training.model_of(mpi_training.GRU(4, input_shape=(6, 3)), mpi_training.Dense(1))
    history = model.fit(batches, epochs=2, verbose=0, shuffle=False)
    assert_close(results[0], {"history": history.history, "weights": model.get_weights()})
    assert_equal(results[1], results[0])


def test_more_ranks_than_samples_of_a_batch(tmp_path):
    """Nine processes cannot share 8 samples; five share batches of 5, some without a sample."""
    results, _ = run(9, "failing", tmp_path, "nothing")
    assert {result[0] for result in results} == {"ValueError"}  # batch_size=8 of nine shards
    assert "batch_size=8 is that of all processes together, and 9 of them" in results[3][1]
    many, _ = run(5, "same_losses", tmp_path)  # batches of 12, the last one of 5; lists of 8
    for name in ("plain", "lists", "source"):
        assert_close(many[0][name], mpi_training.fit_case(name))
