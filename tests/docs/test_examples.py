"""examples/temperature.py: its errors, its plot, and the default run."""

import os
import re
import runpy
import struct
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("pandas")
pytest.importorskip("vega_datasets")

EXAMPLE = Path(__file__).parents[2] / "examples" / "temperature.py"


def run_example(folder, *arguments):
    """Run the example in `folder` as a user does; return its mean absolute errors by name."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), *arguments],
        cwd=folder,
        env={**os.environ, "MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return {
        name: float(error)
        for name, error in re.findall(r"^  (\D+?) +(\d+\.\d+) °C$", done.stdout, re.MULTILINE)
    }


def test_it_prints_the_errors_and_saves_a_plot(tmp_path):
    path = tmp_path / "forecast.png"
    errors = run_example(tmp_path, "--epochs", "1", "--units", "4", "--plot", str(path))
    assert errors.keys() == {"two GRUs", "today's value", "season's mean"}
    assert errors["today's value"] == 2.24
    assert errors["season's mean"] == pytest.approx(3.15, abs=0.05)
    assert 1 < errors["two GRUs"] < 4
    png = path.read_bytes()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", png[16:24]) == (1200, 700)
    assert 20_000 < len(png) < 200_000
    assert list(tmp_path.iterdir()) == [path]


def test_the_default_run_beats_both_naive_forecasts(tmp_path):
    errors = run_example(tmp_path)
    assert errors["two GRUs"] < errors["today's value"] - 0.05
    assert errors["two GRUs"] < errors["season's mean"]
    assert (tmp_path / "temperature.png").exists()


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "vega_datasets", None)
    with pytest.raises(SystemExit, match=r'pip install "gru_c\[examples\]"'):
        runpy.run_path(str(EXAMPLE))
