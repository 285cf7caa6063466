"""The log of a run as a CSV file."""

import csv

import pytest
from callback_models import compiled, fit

from gru_c import callbacks


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    model = compiled(metrics=["mae"])
    first = fit(model, callbacks.CSVLogger(path, ";"), 2, validation_split=0.2).history
    second = fit(model, callbacks.CSVLogger(path, ";", append=True), 1, validation_split=0.2)
    rows = list(csv.reader(path.read_text().splitlines(), delimiter=";"))
    assert rows[0] == ["epoch", "loss", "mae", "val_loss", "val_mae"]
    values = [[float(value) for value in row] for row in rows[1:]]
    assert values[1] == [1, *(first[name][1] for name in rows[0][1:])]
    assert values[2] == [0, *(second.history[name][0] for name in rows[0][1:])]
    fit(model, callbacks.CSVLogger(path), 1)
    assert len(path.read_text().splitlines()) == 2  # not appended
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        fit(model, callbacks.CSVLogger(tmp_path / "none" / "log.csv"))
