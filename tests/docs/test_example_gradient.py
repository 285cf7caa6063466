"""examples/vanishing_gradient.py: a short run, and its two hand-written layers."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

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
    assert counts == {"GRU": "288", "LSTM": "352", "tanh RNN": "88"}
    assert (tmp_path / "vanishing_gradient.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["TanhRNN", "LSTM"])
def test_the_layers_of_the_example_against_differences(name):
    layer = runpy.run_path(str(EXAMPLE))[name](5)
    layer.dtype = "float64"
    layer.build((None, None, 3), rng=0)
    rng = np.random.default_rng(1)
    x, d_output = rng.normal(size=(4, 6, 3)), rng.normal(size=(4, 5))

    def loss():
        return (layer.forward(x, training=True) * d_output).sum()

    loss()
    layer.backward(d_output)
    for parameter in layer.parameters:
        direction = rng.normal(size=parameter.value.shape) * 1e-6
        expected = (parameter.gradient * direction).sum()
        parameter.value += direction
        above = loss()
        parameter.value -= 2 * direction
        difference = (above - loss()) / 2
        parameter.value += direction
        assert difference == pytest.approx(expected, rel=1e-6)
