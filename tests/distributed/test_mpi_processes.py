"""Processes of MPI in one training: exceptions and interrupts of one, resumed runs, agreement."""

from pathlib import Path

import mpi_faults
import numpy as np
import pytest
from mpi_runs import assert_close, assert_equal, needs_mpiexec, run, run_alone

pytest.importorskip("mpi4py")
pytestmark = needs_mpiexec


# ---- failures -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "error", "of_failed", "of_other"),
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
def test_an_error_in_one_rank_is_raised_in_all(kind, error, of_failed, of_other, tmp_path):
    results, _ = run(2, "failing", tmp_path, kind)
    assert [result[0] for result in results] == [error, error]
    assert of_other in results[0][1]
    assert of_failed in results[1][1]
    if kind in ("shape", "source", "backward", "nan", "epochs", "batch size"):
        assert [result[2] for result in results] == [True, True]  # weights as they were


def test_bad_settings_are_refused_in_all_ranks(tmp_path):
    results, _ = run(2, "refusals", tmp_path)
    wanted = {
        "other data": "all processes must be given the same data: samples is",
        "stateful": "is stateful, so all batches must be of one size",
        "pieces": "bptt_steps with a source of batches needs auto_shard_dataset=True",
        "once": "checkpoint= is for arrays, and for a source with __len__",
        "metric": "metric 'largest' has its own get_state",
        "none": "x has no samples in any process",
        "verbose": "verbose must be 'auto', 0, 1 or 2, got 7",
    }
    for result in results:
        assert result.keys() == wanted.keys()
        for name, words in wanted.items():
            assert words in result[name], name


def test_warnings_and_ctrl_c_in_one_rank(tmp_path):
    results, done = run(2, "warnings_and_interrupts", tmp_path)
    (first, same), (late, other) = results
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


def kill_and_resume(tmp_path, before, after, whole="whole"):
    path = str(tmp_path / "run.safetensors")
    run(before, "checkpointed", tmp_path, path, "5", whole, ok=False)  # in the second epoch
    assert Path(path).exists()
    results, _ = run(after, "checkpointed", tmp_path, path, "", whole)
    return results[0]


def test_a_killed_run_resumes_with_the_same_bits(tmp_path):
    unbroken, _ = run(2, "checkpointed", tmp_path, str(tmp_path / "other.safetensors"))
    assert_equal(kill_and_resume(tmp_path, 2, 2), unbroken[0])


@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2), (2, 3)])
def test_a_killed_run_resumes_with_another_number_of_ranks(before, after, tmp_path):
    wanted = run_alone(mpi_faults.checkpointed, str(tmp_path / "other.safetensors"))
    assert_close(kill_and_resume(tmp_path, before, after), wanted)


def test_shards_resume_with_the_same_bits_and_with_other_shards(tmp_path):
    unbroken, _ = run(
        2, "checkpointed", tmp_path, str(tmp_path / "other.safetensors"), "", "shards"
    )
    assert_equal(kill_and_resume(tmp_path, 2, 2, "shards"), unbroken[0])
    (tmp_path / "run.safetensors").unlink()
    result = kill_and_resume(tmp_path, 2, 3, "shards")
    assert len(result["history"]["loss"]) == 3
    np.testing.assert_allclose(result["history"]["loss"], unbroken[0]["history"]["loss"], rtol=0.2)


# ---- agreement ----------------------------------------------------------------------------------


@pytest.mark.parametrize("overlap", ["", "overlap"])
def test_stopping_and_hooks_of_one_rank_are_those_of_all(overlap, tmp_path):
    results, _ = run(2, "stopping", tmp_path, overlap)
    assert_equal(results[1], results[0])
    epochs = {name: len(history.get("loss", [])) for name, history in results[0].items()}
    assert epochs == {
        "before training": 0,
        "before an epoch": 2,
        "batch hook in rank 0": 3,
        "batch hook in rank 1": 3,
        "NaN, rank 0 ends": 0,
        "NaN, rank 1 ends": 0,
    }


def test_exceptions_of_the_users_code_are_raised_in_all_ranks(tmp_path):
    results, _ = run(2, "raising", tmp_path, str(tmp_path))
    for result in results:
        assert result.pop("weights") is True  # those before the epoch whose last step failed
        assert result.pop("TerminateOnNaN")[0] == "RuntimeError"
        assert result.pop("NaN")[0] == "FloatingPointError"
        assert result.pop("mute")[0] in ("Mute", "RankError")
        kinds = {name: error[0] for name, error in result.items()}
        assert kinds == dict.fromkeys(result, "KeyError")
        assert all("mine" in error[1] for error in result.values())
    assert len(results[0]) == 9


def test_all_ranks_must_be_given_the_same_settings(tmp_path):
    results, _ = run(2, "refusing", tmp_path)
    wanted = {
        "time steps": "time_steps is 6, in rank 1 it is 12",
        "kind": "data.0 is 'arrays', in rank 1 it is 'source'",
        "source": "this one's source has fewer batches in an epoch than others",
        "batch_size of evaluate": "batch_size is 8, in rank 1 it is 9",
        "metrics of evaluate": "metrics.1.class is 'MeanSquaredError', in rank 1 it is absent",
        "weights after training": "the weights in rank 1 are no longer those in rank 0",
        "another array in a loss": "loss.config.how.0 is 0.0, in rank 1 it is 1.0",
    }
    for result in results:
        trained = {name: value for name, value in result.items() if name not in wanted}
        assert trained == dict.fromkeys(
            ["NaN in a loss", "a function in a loss", "an array in a loss"], 3
        )
        for name, words in wanted.items():
            assert words in result[name][1], name


@pytest.mark.parametrize("overlap", [(), ("overlap",)])
def test_all_ranks_train_the_same_layers(tmp_path, overlap):
    results, _ = run(2, "freezing", tmp_path, *overlap)
    wanted = {
        "frozen in one": "trainable.layers.gru_1 is True, in rank 1 it is False",
        "model frozen in one": "trainable.model is True, in rank 1 it is False",
        "thawed in one": "all processes must train the same layers: layers.gru is False, in rank 1",
        "within an epoch": "has been changed within an epoch: with a distribution change it",
    }
    for result, _ in results:
        for name, words in wanted.items():
            assert result[name][0] == "ValueError"
            assert words in result[name][1], name
        assert len(result["thawed in all"]["loss"]) == 3
    assert_equal(results[1][1], results[0][1])
