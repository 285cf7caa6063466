"""examples/vanishing_gradient.py: a short run, and its gradients."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gru_c

pytest.importorskip("matplotlib")
EXAMPLE = Path(__file__).parents[2] / "examples" / "vanishing_gradient.py"


def test_a_short_run_prints_the_table_and_saves_the_plot(tmp_path):
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), "--steps", "3", "--units", "8"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env={"MPLBACKEND": "Agg", "MPLCONFIGDIR": str(tmp_path / "config")},
    )
    assert done.returncode == 0, done.stderr
    counts = dict(re.findall(r"^  (\w[\w ]*\w) +([\d,]+)  ", done.stdout, re.MULTILINE))
    # 3, 4 and 1 gates with 2 inputs, 8 units and biases, of which the GRU has two
    assert counts == {"GRU": "288", "LSTM": "352", "SimpleRNN": "88"}
    assert (tmp_path / "vanishing_gradient.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["GRU", "LSTM", "SimpleRNN"])
def test_the_gradients_of_the_initial_state_against_differences(name, monkeypatch):
    example = runpy.run_path(str(EXAMPLE))
    layer, head = example["build"](getattr(gru_c, name)(3), seed=1)
    monkeypatch.setitem(example["build"].__globals__, "STEPS", 20)  # more would hide differences
    x, y = (part.astype(float) for part in example["adding_problem"](np.random.default_rng(2), 32))
    weights, (kernel, bias) = (
        [weight.astype(float) for weight in part.get_weights()] for part in (layer, head)
    )
    states, _ = example["state_gradients"](layer, head, 2)
    forward = example["PASSES"][type(layer)][0]
    rng = np.random.default_rng(3)
    directions = [rng.normal(size=(32, 3)) for _ in states]

    def loss(scale):
        initial = [scale * direction for direction in directions]
        state = tuple(initial) if name == "LSTM" else initial[0]
        last = forward(x, *weights, state).output
        return np.mean((last[:, -1] @ kernel + bias - y) ** 2)

    expected = sum((a * b).sum() for a, b in zip(states, directions, strict=True))
    assert (loss(1e-4) - loss(-1e-4)) / 2e-4 == pytest.approx(expected, rel=1e-6, abs=1e-12)
