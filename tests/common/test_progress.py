"""The display of progress: bars in terminals and notebooks, lines elsewhere."""

import re
import sys
import types

import numpy as np
import pytest

from gru_c import GRU, Dense, Sequential
from gru_c.common import progress

RNG = np.random.default_rng(97)
X, Y = RNG.standard_normal((40, 6, 4)), RNG.standard_normal(40)


@pytest.fixture
def model():
    made = Sequential([GRU(5, input_shape=(6, 4)), Dense(1)], seed=0)
    made.compile("adam", "mse", ["mae"])
    return made


def test_a_line_has_time_speed_and_values(model, capsys):
    model.fit(X, Y, epochs=2, validation_split=0.25, verbose=2)
    model.evaluate(X, Y, verbose=2)
    model.predict(X, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    values = " - ".join(rf"{name}: \d\.\d+" for name in ("loss", "mae", "val_loss", "val_mae"))
    taken = r"\d+\.\ds, [\d,]+ samples/s"
    assert re.fullmatch(f"Epoch 1/2 - {taken} - {values}", lines[0])
    assert re.fullmatch(rf"Evaluate - {taken} - loss: \d\.\d+ - mae: \d\.\d+", lines[2])
    assert re.fullmatch(f"Predict - {taken}", lines[3])


@pytest.fixture
def terminal(monkeypatch):
    """Make stderr a terminal, so that bars are drawn."""
    monkeypatch.setattr(progress, "bars_are_shown", lambda: True)


def test_a_bar_has_time_left_speed_and_values(model, terminal, capsys):
    model.fit(X, Y, batch_size=8, verbose=1)
    last = capsys.readouterr().err.replace("\r", "\n").strip().splitlines()[-1]
    bar = r"Epoch 1/1: 100%.* 5/5 \[.*<.*batch/s, loss=.*, mae=.*, samples/s=[\d,]+\]"
    assert re.fullmatch(bar, last), last


def test_a_bar_of_an_unknown_number_of_batches(model, terminal, capsys):
    model.fit(iter([(X, Y), (X, Y)]), verbose=1)
    shown = capsys.readouterr().err.replace("\r", "\n").strip().splitlines()
    assert re.match(r"Epoch 1/1: 0batch", shown[0])
    assert re.match(r"Epoch 1/1: 100%.* 2/2 ", shown[-1])


def test_the_speed_is_that_of_training_alone(monkeypatch, capsys):
    clock = iter([0.0, 1.0, 2.0, 12.0])
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(clock))
    with progress.Progress(progress.LINE, "Epoch 1/1", 2) as shown:
        shown.update(3000)
        shown.update(1000)
        shown.finish({"loss": 0.5})
    assert capsys.readouterr().out == "Epoch 1/1 - 12.0s, 2,000 samples/s - loss: 0.5000\n"


def test_a_log_file_gets_one_line_an_epoch_instead_of_bars(model, capsys):
    model.fit(X, Y, batch_size=1, epochs=2, verbose=1)
    model.fit(iter([(X, Y), (X, Y)]), verbose=1)
    model.evaluate(X, Y, batch_size=1, verbose=1)
    model.predict(X, batch_size=1, verbose=1)
    printed = capsys.readouterr()
    assert printed.out == ""
    titles = [line.split(" - ")[0] for line in printed.err.splitlines()]
    assert titles == ["Epoch 1/2", "Epoch 2/2", "Epoch 1/1", "Evaluate", "Predict"]
    assert "\r" not in printed.err


@pytest.mark.parametrize("verbose", ["auto", 1, 2])
def test_a_program_without_stderr_trains(model, verbose, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert model.fit(X, Y, epochs=1, verbose=verbose).epoch == [0]


def test_auto_is_a_bar_in_notebooks(monkeypatch):
    assert progress.check_verbose("auto") == progress.LINE
    monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", types.ModuleType("zmqshell"))
    assert progress.check_verbose("auto") == progress.BAR


def test_a_notebook_without_widgets_gets_a_plain_bar_and_no_warning(run_python):
    code = """
import sys, types
kernel = types.ModuleType("IPython")
kernel.get_ipython = lambda: None
sys.modules |= {"IPython": kernel, "ipykernel.zmqshell": kernel, "ipywidgets": None}
import numpy as np
from gru_c import GRU, Dense, Sequential
model = Sequential([GRU(5, input_shape=(6, 4)), Dense(1)])
model.compile("adam", "mse")
model.fit(np.zeros((40, 6, 4)), np.zeros(40))
"""
    done = run_python(f"import warnings\nwarnings.simplefilter('error')\n{code}")
    assert "Epoch 1/1: 100%" in done.stderr
    assert "Warning" not in done.stderr
    assert done.returncode == 0, done.stderr
