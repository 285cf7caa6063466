"""DataParallel: processes of MPI train one model as a single process would."""

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path

import mpi_agreement
import mpi_training
import numpy as np
import pytest
from mpi_runs import (
    MPIEXEC,
    SECONDS,
    assert_close,
    assert_equal,
    environment,
    needs_mpiexec,
    run,
    run_alone,
)

from gru_c import _core, load_model

pytest.importorskip("mpi4py")
pytestmark = needs_mpiexec


# ---- the same training as in one process --------------------------------------------------------


@pytest.mark.parametrize("ranks", [2, 3])
def test_the_losses_are_those_of_one_process(ranks, tmp_path):
    results, _ = run(ranks, "same_losses", tmp_path)
    for name in mpi_training.CASES:
        assert_close(results[0][name], mpi_training.fit_case(name))
        for other in results[1:]:
            assert_equal(other[name], results[0][name])


def test_overlapping_gives_the_same(tmp_path):
    results, _ = run(2, "same_losses", tmp_path, "overlap")
    for name in ("plain", "frozen"):
        assert_close(results[0][name], mpi_training.fit_case(name))
    assert_equal(results[1], results[0])


@pytest.mark.parametrize("ranks", [2, 3])
def test_shards_of_equal_size_in_order_are_batches_of_one_process(ranks, tmp_path):
    results, _ = run(ranks, "shards", tmp_path)
    wanted = run_alone(mpi_training.shards)
    assert_close(results[0], wanted)
    np.testing.assert_allclose(results[0]["evaluated"], wanted["evaluated"], rtol=1e-12)
    for other in results[1:]:
        assert_equal(other, results[0])


@pytest.mark.parametrize("ranks", [2, 3])
def test_moving_statistics_are_the_mean_over_the_processes(ranks, tmp_path):
    results, _ = run(ranks, "normalized", tmp_path, "overlap" if ranks == 2 else "")
    wanted = run_alone(mpi_training.normalized)
    for other in results[1:]:
        assert_equal(other, results[0])
    mean, variance = results[0]["weights"][2:4]
    np.testing.assert_allclose(mean, wanted["weights"][2], rtol=1e-12)  # of parts of equal size
    assert (variance < wanted["weights"][3]).all()
    for frozen, same in zip(results[0]["weights"][7:11], wanted["weights"][7:11], strict=True):
        np.testing.assert_array_equal(frozen, same)


@pytest.mark.parametrize("ranks", [2, 3])
def test_every_run_has_the_same_bits_dropout_included(ranks, tmp_path):
    first, _ = run(ranks, "shards", tmp_path, "float32", "0.3")
    second, _ = run(ranks, "shards", tmp_path, "float32", "0.3")
    assert_equal(first, second)
    assert_equal(first[1], first[0])


def test_one_process_has_the_bits_of_no_distribution(tmp_path):
    assert_equal(
        run_alone(lambda parallel: mpi_training.fit_case("plain", parallel)),
        mpi_training.fit_case("plain"),
    )


@pytest.mark.parametrize("ranks", [2, 3])
def test_states_lists_and_small_batches_are_those_of_one_process(ranks, tmp_path):
    results, _ = run(ranks, "as_one_process", tmp_path)
    for name, case in mpi_agreement.AS_ONE.items():
        assert_close(results[0][name], case(None))
    for result in results:
        assert result["begins by evaluating"] == (1, True)
        assert result["communicators left"] == 0


@pytest.mark.skipif(len(_core.isa_names()) < 2, reason="this CPU has one instruction set")
def test_ranks_with_different_instruction_sets_keep_the_same_weights(tmp_path):
    isa = (_core.isa_names()[0], _core.isa_names()[-1])
    results, _ = run(2, "shards", tmp_path, "float32", "0.3", isa=isa)
    assert_equal(results[1]["weights"], results[0]["weights"])
    assert_equal(results[1]["history"], results[0]["history"])
    doubles, _ = run(2, "shards", tmp_path, isa=isa)
    assert_close(doubles[0], run_alone(mpi_training.shards))


# ---- tasks of ranks -----------------------------------------------------------------------------


def test_callbacks_agree_and_the_first_rank_writes(tmp_path):
    results, done = run(2, "callback_run", tmp_path, str(tmp_path))
    assert_equal(results[1], results[0])
    history, threads = results[0]["history"], results[0]["threads"]
    assert 2 <= len(history["loss"]) < 12  # it was stopped early
    assert results[0]["short"][0].keys() == {"loss", "mae"}
    assert len(results[0]["short"][0]["loss"]) == 1  # by rank 1 alone, in its first epoch
    assert done.stdout.count("Epoch 1/12 - ") == 1
    assert sorted(file.name for file in tmp_path.glob("*.0*")) == [
        "best.0.safetensors",
        "log.0",
        "results.0",
    ]
    assert sorted(file.name for file in tmp_path.glob("*.1*")) == ["results.1"]
    assert len((tmp_path / "log.0").read_text().splitlines()) == len(history["loss"]) + 1
    assert load_model(tmp_path / "best.0.safetensors").count_params() > 0
    assert threads >= 1


def test_processes_share_the_cpus_of_a_machine(tmp_path):
    results, _ = run(2, "threads_while_training", tmp_path)
    cpus = len(os.sched_getaffinity(0))
    assert all(1 <= threads <= max(1, cpus // 2) for seen in results for threads in seen)


# ---- the example --------------------------------------------------------------------------------

EXAMPLE = Path(__file__).parents[2] / "examples" / "distributed.py"


@pytest.mark.parametrize("arguments", [[], ["--shards"]])
def test_the_example_shows_the_losses_of_one_process(arguments):
    command = [MPIEXEC, "-n", "2", sys.executable, str(EXAMPLE), "--epochs", "2", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, check=False, env=environment()
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[-2:]]
    for _, together, alone, difference in rows:
        assert abs(float(together) - float(alone)) <= 1e-12 * float(alone)
        assert float(difference) <= 1e-12
    assert [row[0] for row in rows] == ["1", "2"]
    assert float(rows[1][2]) < float(rows[0][2])


# ---- without MPI --------------------------------------------------------------------------------


def test_a_missing_mpi4py_is_named(monkeypatch):
    from gru_c.distributed import DataParallel

    monkeypatch.setitem(sys.modules, "mpi4py.MPI", None)
    with pytest.raises(ImportError, match=r'pip install "gru_c\[mpi\]"'):
        DataParallel()


def test_bad_arguments():
    from gru_c.distributed import DataParallel

    with pytest.raises(TypeError, match="comm must be a communicator"):
        DataParallel(2)
    model, data, _ = mpi_training.plain()
    with pytest.raises(TypeError, match=r"distribution must be .*DataParallel\(\), got 2"):
        model.fit(*data, distribution=2)


def test_a_communicator_of_the_user_is_not_pickled():
    MPI = pytest.importorskip("mpi4py.MPI")
    from gru_c.distributed import DataParallel

    comm = MPI.COMM_WORLD.Dup()
    parallel_group = DataParallel(comm)
    assert copy.copy(parallel_group).comm is copy.deepcopy(parallel_group).comm is comm
    with pytest.raises(TypeError, match="make DataParallel\\(comm\\) in each of its processes"):
        pickle.dumps(parallel_group)
    comm.Free()
