"""DataParallel: processes of MPI that train one model, what goes wrong, and where it goes on."""

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import mpi_agreement
import mpi_faults
import mpi_programs
import mpi_training
import numpy as np
import pytest

from gru_c import _core, load_model

pytest.importorskip("mpi4py")
MPIEXEC = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
pytestmark = pytest.mark.skipif(MPIEXEC is None, reason="there is no mpiexec")

SECONDS = 60  # after which a run hangs; each takes less than one


def run(ranks, program, folder, *arguments, isa=None, ok=True):
    """Run a program of mpi_*.py: what each rank returned, or the finished process."""
    path = Path(folder) / "found"
    command = [MPIEXEC]
    for rank in range(ranks if isa else 1):
        command += [":"] if rank else []
        command += ["-n", "1" if isa else str(ranks)]
        command += ["env", f"GRU_C_ISA={isa[rank]}"] if isa else []
        command += [sys.executable, mpi_programs.__file__, program, str(path), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, check=False, env=environment()
    )
    if not ok:
        assert done.returncode != 0, done.stderr
        return done
    assert done.returncode == 0, done.stderr
    return [pickle.loads(Path(f"{path}.{rank}").read_bytes()) for rank in range(ranks)], done


def environment():
    allowed = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    policy = {"PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe"}
    return {**os.environ, **allowed, **policy}


def assert_equal(found, wanted):
    """All ranks have the same, to the bit."""
    assert pickle.dumps(found) == pickle.dumps(wanted)


def assert_close(found, wanted, tolerance=1e-12):
    """Histories and weights agree to rounding."""
    assert found["history"].keys() == wanted["history"].keys()
    for name, values in wanted["history"].items():
        np.testing.assert_allclose(found["history"][name], values, rtol=tolerance, err_msg=name)
    for own, weight in zip(found["weights"], wanted["weights"], strict=True):
        np.testing.assert_allclose(own, weight, rtol=0, atol=1e3 * tolerance)


# ---- the same training as in one process --------------------------------------------------------


@pytest.mark.parametrize("ranks", [2, 3])
def test_the_losses_are_those_of_one_process(ranks, tmp_path):
    every, _ = run(ranks, "same_losses", tmp_path)
    for name in mpi_training.CASES:
        assert_close(every[0][name], mpi_training.fit_case(name))
        for other in every[1:]:
            assert_equal(other[name], every[0][name])


def test_overlapping_gives_the_same(tmp_path):
    every, _ = run(2, "same_losses", tmp_path, "overlap")
    for name in ("plain", "frozen"):
        assert_close(every[0][name], mpi_training.fit_case(name))
    assert_equal(every[1], every[0])


def alone(program, *arguments):
    from gru_c.distributed import DataParallel

    return program(DataParallel(), *arguments)


@pytest.mark.parametrize("ranks", [2, 3])
def test_shards_of_equal_size_in_order_are_batches_of_one_process(ranks, tmp_path):
    every, _ = run(ranks, "shards", tmp_path)
    wanted = alone(mpi_training.shards)
    assert_close(every[0], wanted)
    np.testing.assert_allclose(every[0]["evaluated"], wanted["evaluated"], rtol=1e-12)
    for other in every[1:]:
        assert_equal(other, every[0])


@pytest.mark.parametrize("ranks", [2, 3])
def test_every_run_has_the_same_bits_dropout_included(ranks, tmp_path):
    first, _ = run(ranks, "shards", tmp_path, "float32", "0.3")
    second, _ = run(ranks, "shards", tmp_path, "float32", "0.3")
    assert_equal(first, second)
    assert_equal(first[1], first[0])


def test_one_process_has_the_bits_of_no_distribution(tmp_path):
    assert_equal(
        alone(lambda parallel: mpi_training.fit_case("plain", parallel)),
        mpi_training.fit_case("plain"),
    )


# ---- shards that differ, machines that differ ---------------------------------------------------


def test_uneven_and_empty_shards_train_on_every_sample(tmp_path):
    """47 samples, one, and none: batches of 11 and 1; the same as in one process."""
    every, _ = run(3, "uneven", tmp_path)
    X, y = mpi_training.arrays(48)
    batches = [(X[0:11], y[0:11]), *[(X[i : i + 11], y[i : i + 11]) for i in range(11, 47, 11)]]
    batches[0] = tuple(np.concatenate([a, b[47:]]) for a, b in zip(batches[0], (X, y), strict=True))
    batches[-1] = (X[44:47], y[44:47])
    model = mpi_training.model_of(mpi_training.GRU(4, input_shape=(6, 3)), mpi_training.Dense(1))
    history = model.fit(batches, epochs=2, verbose=0, shuffle=False)
    assert_close(every[0], {"history": history.history, "weights": model.get_weights()})
    assert_equal(every[2], every[0])


def test_sources_that_end_at_different_times(tmp_path):
    every, _ = run(2, "uneven_sources", tmp_path)
    X, y = mpi_training.arrays(48)
    batches = [(X[i : i + 8], y[i : i + 8]) for i in range(0, 24, 8)] + [(X[24:29], y[24:29])]
    model = mpi_training.model_of(mpi_training.GRU(4, input_shape=(6, 3)), mpi_training.Dense(1))
    history = model.fit(batches, epochs=2, verbose=0, shuffle=False)
    assert_close(every[0], {"history": history.history, "weights": model.get_weights()})
    assert_equal(every[1], every[0])


def test_more_ranks_than_samples_of_a_batch(tmp_path):
    """Six batches of 8 whole samples in nine processes: some have none of them."""
    every, _ = run(9, "failing", tmp_path, "nothing")
    assert {found[0] for found in every} == {"ValueError"}  # batch_size=8 of nine shards
    assert "batch_size=8 is that of all processes together, and 9 of them" in every[3][1]
    many, _ = run(5, "same_losses", tmp_path)  # batches of 12, the last one of 5; lists of 8
    for name in ("plain", "lists", "source"):
        assert_close(many[0][name], mpi_training.fit_case(name))


@pytest.mark.skipif(len(_core.isa_names()) < 2, reason="this CPU has one instruction set")
def test_ranks_with_different_instruction_sets_keep_the_same_weights(tmp_path):
    isa = (_core.isa_names()[0], _core.isa_names()[-1])
    every, _ = run(2, "shards", tmp_path, "float32", "0.3", isa=isa)
    assert_equal(every[1]["weights"], every[0]["weights"])
    assert_equal(every[1]["history"], every[0]["history"])
    doubles, _ = run(2, "shards", tmp_path, isa=isa)
    assert_close(doubles[0], alone(mpi_training.shards))


# ---- who does what ------------------------------------------------------------------------------


def test_callbacks_agree_and_the_first_rank_writes(tmp_path):
    every, done = run(2, "callback_run", tmp_path, str(tmp_path))
    assert_equal(every[1], every[0])
    history, threads = every[0]["history"], every[0]["threads"]
    assert 2 <= len(history["loss"]) < 12  # it was stopped early
    assert every[0]["short"][0].keys() == {"loss", "mae"}
    assert len(every[0]["short"][0]["loss"]) == 1  # by rank 1 alone, in its first epoch
    assert done.stdout.count("Epoch 1/12 - ") == 1
    assert sorted(file.name for file in tmp_path.glob("*.0*")) == [
        "best.0.safetensors",
        "found.0",
        "log.0",
    ]
    assert sorted(file.name for file in tmp_path.glob("*.1*")) == ["found.1"]
    assert len((tmp_path / "log.0").read_text().splitlines()) == len(history["loss"]) + 1
    assert load_model(tmp_path / "best.0.safetensors").count_params() > 0
    assert threads >= 1


def test_processes_share_the_cpus_of_a_machine(tmp_path):
    every, _ = run(2, "threads_while_training", tmp_path)
    cpus = len(os.sched_getaffinity(0))
    assert all(1 <= threads <= max(1, cpus // 2) for seen in every for threads in seen)


# ---- what goes wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "error", "own", "told"),
    [
        ("shape", "ValueError", "x must have shape", "rank 1: x must have shape"),
        ("source", "OSError", "no such disk", "rank 1: no such disk"),
        ("metric", "ZeroDivisionError", "division by zero", "rank 1: division by zero"),
        ("backward", "ZeroDivisionError", "division by zero", "rank 1: division by zero"),
        ("hook", "KeyError", "a hook's own error", "rank 1: "),
        ("epoch", "KeyError", "a hook's own error", "rank 1: "),
        ("nan", "FloatingPointError", "of rank 1: 1 values of x", "of rank 1: 1 values of x"),
        (
            "epochs",
            "ValueError",
            "epochs is 2, in rank 1 it is 3",
            "epochs is 2, in rank 1 it is 3",
        ),
        ("layers", "ValueError", "must have the same weights", "must have the same weights"),
        ("batch size", "ValueError", "batch_size=1 is that of all", "batch_size=1 is that of all"),
    ],
)
def test_an_error_of_one_rank_is_one_of_all(kind, error, own, told, tmp_path):
    every, _ = run(2, "failing", tmp_path, kind)
    assert [found[0] for found in every] == [error, error]
    assert told in every[0][1]
    assert own in every[1][1]
    if kind in ("shape", "source", "backward", "nan", "epochs", "batch size"):
        assert [found[2] for found in every] == [True, True]  # weights as they were


def test_what_is_refused_in_all_ranks(tmp_path):
    every, _ = run(2, "refusals", tmp_path)
    wanted = {
        "other data": "all processes must be given the same data: samples is",
        "stateful": "is stateful, so all batches must be of one size",
        "pieces": "bptt_steps with a source of batches needs auto_shard_dataset=True",
        "once": "checkpoint= is for arrays, and for a source with __len__",
        "metric": "metric 'largest' has its own get_state",
        "none": "x has no samples in any process",
        "verbose": "verbose must be 'auto', 0, 1 or 2, got 7",
    }
    for found in every:
        assert found.keys() == wanted.keys()
        for name, words in wanted.items():
            assert words in found[name], name


def test_warnings_and_ctrl_c_in_one_rank(tmp_path):
    every, done = run(2, "warnings_and_interrupts", tmp_path)
    (first, same), (late, other) = every
    assert_equal(same, other)
    assert [word[:40] for word in first] == [
        "rank 0 has waited 0 s for the others to ",
        "all processes were given the same sample",
    ]
    assert late == []
    assert same[0].keys() == {"loss", "merged_largest"}
    assert same[1] is True
    assert same[2] == []  # it ended after the third batch
    assert done.stdout == "Interrupted after batch 3 of epoch 1: fit ends. " + (
        "Ctrl-C again within 2 s raises.\n"
    )


@pytest.mark.parametrize(
    "kind", ["killed", "exits", "sys.exit", "leaves", "before fit", "hook", "source", "no output"]
)
def test_a_rank_that_dies_ends_all(kind, tmp_path):
    done = run(3, "failing", tmp_path, kind, "uncaught", ok=False)
    assert not list(tmp_path.glob("found.*"))
    words = {
        "before fit": "an error of the program's own",
        "leaves": "rank 1 has ended, and the others wait for it in fit",
        "source": "no such disk",
    }
    assert words.get(kind, "") in done.stderr


def killed_and_resumed(tmp_path, before, after, whole="whole"):
    path = str(tmp_path / "run.safetensors")
    run(before, "checkpointed", tmp_path, path, "5", whole, ok=False)  # in the second epoch
    assert Path(path).exists()
    found, _ = run(after, "checkpointed", tmp_path, path, "", whole)
    return found[0]


def test_a_killed_run_goes_on_with_the_same_bits(tmp_path):
    unbroken, _ = run(2, "checkpointed", tmp_path, str(tmp_path / "other.safetensors"))
    assert_equal(killed_and_resumed(tmp_path, 2, 2), unbroken[0])


@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2), (2, 3)])
def test_a_killed_run_goes_on_with_another_number_of_ranks(before, after, tmp_path):
    wanted = alone(mpi_faults.checkpointed, str(tmp_path / "other.safetensors"))
    assert_close(killed_and_resumed(tmp_path, before, after), wanted)


def test_shards_go_on_with_the_same_bits_and_with_others(tmp_path):
    unbroken, _ = run(
        2, "checkpointed", tmp_path, str(tmp_path / "other.safetensors"), "", "shards"
    )
    assert_equal(killed_and_resumed(tmp_path, 2, 2, "shards"), unbroken[0])
    (tmp_path / "run.safetensors").unlink()
    found = killed_and_resumed(tmp_path, 2, 3, "shards")
    assert len(found["history"]["loss"]) == 3
    np.testing.assert_allclose(found["history"]["loss"], unbroken[0]["history"]["loss"], rtol=0.2)


# ---- what all agree on --------------------------------------------------------------------------


@pytest.mark.parametrize("overlap", ["", "overlap"])
def test_stopping_and_hooks_of_one_rank_are_those_of_all(overlap, tmp_path):
    every, _ = run(2, "stopping", tmp_path, overlap)
    assert_equal(every[1], every[0])
    found = {name: len(history.get("loss", [])) for name, history in every[0].items()}
    assert found == {
        "before training": 0,
        "before an epoch": 2,
        "batch hook in rank 0": 3,
        "batch hook in rank 1": 3,
        "NaN, rank 0 ends": 0,
        "NaN, rank 1 ends": 0,
    }


def test_exceptions_of_the_users_code_are_raised_in_all_ranks(tmp_path):
    every, _ = run(2, "raising", tmp_path, str(tmp_path))
    for found in every:
        assert found.pop("weights") is True  # those before the epoch whose last step failed
        assert found.pop("TerminateOnNaN")[0] == "RuntimeError"
        assert found.pop("NaN")[0] == "FloatingPointError"
        assert found.pop("mute")[0] in ("Mute", "RankError")
        assert {name: error[0] for name, error in found.items()} == dict.fromkeys(found, "KeyError")
        assert all("mine" in error[1] for error in found.values())
    assert len(every[0]) == 9


def test_what_ranks_are_given_must_be_the_same(tmp_path):
    every, _ = run(2, "refusing", tmp_path)
    wanted = {
        "time steps": "time_steps is 6, in rank 1 it is 12",
        "kind": "data.0 is 'arrays', in rank 1 it is 'source'",
        "source": "this one's source has fewer batches in an epoch than others",
        "batch_size of evaluate": "batch_size is 8, in rank 1 it is 9",
        "metrics of evaluate": "metrics.1.class is 'MeanSquaredError', in rank 1 it is absent",
        "weights after training": "the weights in rank 1 are no longer those in rank 0",
        "another array in a loss": "loss.config.how.0 is 0.0, in rank 1 it is 1.0",
    }
    for found in every:
        trained = {name: value for name, value in found.items() if name not in wanted}
        assert trained == dict.fromkeys(
            ["NaN in a loss", "a function in a loss", "an array in a loss"], 3
        )
        for name, words in wanted.items():
            assert words in found[name][1], name


@pytest.mark.parametrize("overlap", [(), ("overlap",)])
def test_all_ranks_train_the_same_layers(tmp_path, overlap):
    every, _ = run(2, "freezing", tmp_path, *overlap)
    wanted = {
        "frozen in one": "trainable.layers.gru_1 is True, in rank 1 it is False",
        "model frozen in one": "trainable.model is True, in rank 1 it is False",
        "thawed in one": "all processes must train the same layers: layers.gru is False, in rank 1",
        "within an epoch": "has been changed within an epoch: with a distribution change it",
    }
    for found, _ in every:
        for name, words in wanted.items():
            assert found[name][0] == "ValueError"
            assert words in found[name][1], name
        assert len(found["thawed in all"]["loss"]) == 3
    assert_equal(every[1][1], every[0][1])


@pytest.mark.parametrize("ranks", [2, 3])
def test_states_lists_and_small_batches_are_those_of_one_process(ranks, tmp_path):
    every, _ = run(ranks, "as_one_process", tmp_path)
    for name, case in mpi_agreement.AS_ONE.items():
        assert_close(every[0][name], case(None))
    for found in every:
        assert found["begins by evaluating"] == (1, True)
        assert found["communicators left"] == 0


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


def test_what_is_missing_is_named(monkeypatch):
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
