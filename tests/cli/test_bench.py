"""gru-c bench: installed and missing libraries, and one problem for all."""

import re

import numpy as np
import pytest

from gru_c import cli
from gru_c.cli import bench

pytest.importorskip("matplotlib")


def run(capsys, *arguments):
    code = cli.main([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


def test_bench_names_installed_and_missing_libraries(monkeypatch, capsys):
    monkeypatch.setattr(bench, "SHAPES", (bench.Shape(1, 2, 3, 4),))
    monkeypatch.delitem(bench.PEERS, "Keras")
    monkeypatch.setitem(bench.PEERS, "Other", (("no_such_module",), bench.PEERS["gru_c"][1]))
    code, printed, _ = run(capsys, "bench", "--rounds", "1", "--threads", "1")
    assert code == 0
    assert re.search(r"^forward and backward B=1 T=2 I=3 H=4 +\d", printed, re.MULTILINE)
    assert "without Other: no_such_module not installed" in printed


@pytest.mark.filterwarnings("ignore")  # warnings of the libraries themselves
@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("onnxruntime", lambda outputs: outputs[0][:, 0].swapaxes(0, 1)),
        ("Keras", lambda outputs: outputs),
    ],
)
def test_bench_gives_all_the_same_problem(name, output):
    reason = bench.reason_to_skip(name, 1)
    if reason:
        pytest.skip(reason)
    problem = bench.Problem(bench.Shape(2, 3, 4, 5))
    ours, theirs = bench.PEERS["gru_c"][1](problem, 1)[0](), bench.PEERS[name][1](problem, 1)[0]()
    np.testing.assert_allclose(output(theirs), ours.output, atol=1e-6)
