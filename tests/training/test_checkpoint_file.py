"""The checkpoint file: damaged files, and the times at which it is written."""

import re

import numpy as np
import pytest
from checkpoint_runs import X, Y, dropping, train
from safetensors.numpy import save_file

from gru_c.training import checkpoint


def test_other_arguments_that_are_refused(tmp_path):
    model = dropping()

    def fit(**options):
        model.fit(X, Y, verbose=0, **options)

    with pytest.raises(ValueError, match="need a file: give checkpoint=path"):
        fit(resume=True)
    with pytest.raises(ValueError, match="need a file: give checkpoint=path"):
        fit(checkpoint_interval=3)
    with pytest.raises(
        ValueError, match="checkpoint_interval must be a finite number >= 0 or None, got -1"
    ):
        fit(checkpoint=tmp_path / "a.safetensors", checkpoint_interval=-1)
    with pytest.raises(ValueError, match=r"should not be named 'a.keras'"):
        fit(checkpoint=tmp_path / "a.keras")
    with pytest.raises(FileNotFoundError, match="is a folder, not a file"):
        fit(checkpoint=tmp_path)
    with pytest.raises(FileNotFoundError, match=r"the folder of '.*a.safetensors' is not there"):
        fit(checkpoint=tmp_path / "none" / "a.safetensors")
    assert model.history is None


def test_files_without_a_run(tmp_path):
    path = tmp_path / "run.safetensors"
    model = train("arrays")
    model.save(path)
    with pytest.raises(ValueError, match="this is a model, but not a run that can be resumed"):
        train("arrays", checkpoint=path, resume=True)
    save_file({"a": np.ones(3)}, path)
    with pytest.raises(ValueError, match="not of a gru_c model"):
        train("arrays", checkpoint=path, resume=True)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="not a readable safetensors file"):
        train("arrays", checkpoint=path, resume=True)


def test_damaged_files(tmp_path):
    path = tmp_path / "run.safetensors"
    train("arrays", checkpoint=path)
    content = path.read_bytes()
    for place in range(0, len(content), len(content) // 150):
        spoilt = bytearray(content)
        spoilt[place] ^= 1 << place % 8
        path.write_bytes(spoilt)
        with pytest.raises(ValueError, match=re.escape(str(path))):
            train("arrays", checkpoint=path, resume=True)
    for length in range(0, len(content), len(content) // 40):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=re.escape(str(path))):
            train("arrays", checkpoint=path, resume=True)


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def monotonic(self):
        return self.now


@pytest.mark.parametrize(
    ("interval", "passed", "took", "expected"),
    [
        (None, 29.0, 0.1, (False, True)),
        (None, 31.0, 0.1, (True, True)),
        (None, 4.0, 0.1, (False, False)),  # 2% of 5 s
        (None, 40.0, 1.0, (False, False)),
        (None, 51.0, 1.0, (True, True)),
        (10.0, 9.0, 1.0, (False, True)),
        (10.0, 10.0, 1.0, (True, True)),
        (0.0, 0.0, 1.0, (True, True)),
    ],
)
def test_when_a_write_is_due(interval, passed, took, expected, tmp_path, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(checkpoint, "time", clock)

    def slow(*_):
        clock.now += took

    monkeypatch.setattr("gru_c.saving.files.write_tensors", slow)
    file = checkpoint.CheckpointFile(tmp_path / "run.safetensors", interval, False, {})
    file.write(train("arrays", 0), {})
    clock.now += passed
    assert (file.due(epoch_ended=False), file.due(epoch_ended=True)) == expected
