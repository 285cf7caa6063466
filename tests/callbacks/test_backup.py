"""`BackupAndRestore`: the same `fit`, called again, resumes the run."""

import numpy as np
import pytest
from checkpoint_runs import X, Y, at, crash, dropping, everything, train

from gru_c import callbacks
from gru_c.callbacks import BackupAndRestore


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "new" / "backup"


@pytest.mark.parametrize("save_freq", ["epoch", 1, 2])
@pytest.mark.parametrize("kind", ["arrays", "lists", "pieces"])
def test_a_run_that_crashed_has_the_bits_of_one_that_did_not(folder, kind, save_freq):
    expected = everything(train(kind, epochs=3))
    batches = {"arrays": 3, "lists": 3, "pieces": 2}[kind]
    crashing = [at(batches + 2, crash), BackupAndRestore(folder, save_freq)]
    broken = train(kind, epochs=3, callbacks=crashing)
    assert len(broken.history.epoch) == 1
    assert [path.name for path in folder.iterdir()] == ["run.safetensors"]
    seen = []
    count = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    again = train(kind, epochs=3, callbacks=[BackupAndRestore(folder, save_freq), count])
    assert everything(again) == expected
    written = batches + 2 - 1  # batches before the crash, whose batch was not written
    every = batches if save_freq == "epoch" else save_freq
    assert len(seen) == 3 * batches - written // every * every
    assert not folder.exists()


def test_the_file_stays_on_request_and_beside_other_files(folder):
    train("arrays", callbacks=BackupAndRestore(folder, delete_checkpoint=False))
    assert (folder / "run.safetensors").exists()
    model = train("arrays", callbacks=BackupAndRestore(folder))
    assert model.history.epoch == [0, 1]
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    train("arrays", callbacks=BackupAndRestore(str(folder), double_checkpoint=True))
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_the_callbacks_of_a_run_keep_their_states(folder):
    def run(*more):
        stop = callbacks.EarlyStopping("loss", patience=2, min_delta=10)
        model = train("arrays", epochs=9, callbacks=[*more, stop, BackupAndRestore(folder)])
        return model.history.epoch

    expected = run()
    assert run(at(5, crash)) != expected
    assert run() == expected == [0, 1, 2]


def test_another_run_is_not_resumed(folder):
    train("arrays", callbacks=[at(5, crash), BackupAndRestore(folder)])
    model = dropping()
    with pytest.raises(ValueError, match="this is another run: batch_size was 7, is 5"):
        model.fit(
            *(X, Y, 5),
            epochs=2,
            verbose=0,
            validation_split=0.2,
            callbacks=[BackupAndRestore(folder)],
        )


def test_a_run_ended_by_ctrl_c_is_resumed(folder):
    def interrupt():
        import signal

        signal.raise_signal(signal.SIGINT)

    expected = everything(train("arrays", epochs=3))
    backup = BackupAndRestore(folder)
    broken = train("arrays", epochs=3, callbacks=[at(4, interrupt), backup])
    assert broken.history.interrupted
    assert backup.path.exists()
    assert everything(train("arrays", epochs=3, callbacks=backup)) == expected


def batches():
    while True:
        yield X, Y


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"checkpoint": "a.safetensors"}, "checkpoint= and BackupAndRestore both write"),
        ({"callbacks": 2}, "a run has one BackupAndRestore"),
        ({"x": batches(), "y": None, "steps_per_epoch": 2}, "cannot be begun in the middle"),
    ],
)
def test_runs_that_are_not_possible(folder, options, message):
    count = options.pop("callbacks", 1)
    model = dropping()
    before = model.get_weights()
    backups = [BackupAndRestore(folder) for _ in range(count)]
    with pytest.raises(ValueError, match=message):
        model.fit(**{"x": X, "y": Y, "verbose": 0, "callbacks": backups, **options})
    for weight, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, now)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backup_dir": ""}, "backup_dir must be the path of a folder, got ''"),
        ({"backup_dir": 3}, "backup_dir must be the path of a folder, got 3"),
        ({"backup_dir": None}, "backup_dir must be the path of a folder, got None"),
        ({"save_freq": 0}, "BackupAndRestore: save_freq must be an integer of at least 1 or 'epo"),
        ({"save_freq": "day"}, "save_freq must be an integer of at least 1 or 'epoch'"),
        ({"delete_checkpoint": 3}, "delete_checkpoint must be"),
        ({"double_checkpoint": "no"}, "double_checkpoint must be"),
    ],
)
def test_arguments_that_do_not_fit(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        BackupAndRestore(**{"backup_dir": "a", **options})
