"""A run: its lines, its epochs, and the one that continues it."""

from checkpoint_runs import crash, everything, train

from gru_c import callbacks


def test_lines_behind_the_file_are_written_again(tmp_path):
    log, path = tmp_path / "log.csv", tmp_path / "run.safetensors"
    train("arrays", callbacks=[callbacks.CSVLogger(log)], checkpoint=path)
    lines = log.read_text()
    log.write_text(lines + "2,of a run that was killed before it wrote its file\n")
    train("arrays", 3, callbacks=[callbacks.CSVLogger(log)], checkpoint=path, resume=True)
    assert log.read_text().startswith(lines)
    assert [line.split(",")[0] for line in log.read_text().splitlines()] == ["epoch", *"012"]


def test_a_finished_run_and_more_epochs(tmp_path):
    path = tmp_path / "run.safetensors"
    assert not path.exists()
    expected = train("arrays", resume=True, checkpoint=path)  # without a file, a new run
    assert everything(expected) == everything(train("arrays"))
    refuse = callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: crash())
    again = train("arrays", resume=True, checkpoint=path, callbacks=refuse)
    assert everything(again) == everything(expected)
    longer = train("arrays", 4, resume=True, checkpoint=path)
    assert everything(longer) == everything(train("arrays", 4))


def test_without_resume_a_run_starts_from_scratch(tmp_path):
    path = tmp_path / "run.safetensors"
    train("arrays", 1, checkpoint=path)
    assert everything(train("arrays", checkpoint=path)) == everything(train("arrays"))
