"""Effects of an import: heavy packages are imported on first use."""

import ast
import importlib
from pathlib import Path

import gru_c


def test_heavy_imports_wait_for_their_use(run_python):
    code = """
import sys, gru_c
heavy = ("scipy", "torch", "tqdm", "safetensors", "matplotlib", "threadpoolctl", "pandas")
heavy += ("tensorboard", "h5py", "keras", "onnx", "sklearn")
print([name for name in heavy if name in sys.modules])
arrays = [[[1.0]]], [[0.1] * 3], [[0.1] * 3]
gru_c.gru_forward(*arrays, engine="packed")
print([name for name in heavy if name in sys.modules])
gru_c.gru_forward(*arrays, engine="blas")
print([name for name in heavy if name in sys.modules])
"""
    done = run_python(code)
    assert done.stdout == "[]\n[]\n['scipy', 'threadpoolctl']\n", done.stderr


def test_the_core_says_when_it_has_no_blas(run_python):
    code = """
import numpy as np
from gru_c import _core
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.options import PassOptions
from gru_c.recurrence.weights import Weights
try:
    x, weights = np.ones((1, 1, 1)), Weights(np.ones((1, 3)), np.ones((1, 3)), None)
    options = PassOptions(Cell())
    _core.forward(x, weights, None, None, None, options, _core.ENGINES["blas"], 1)
except RuntimeError as error:
    print(error)
"""
    done = run_python(code)
    assert done.stdout == "the BLAS engine was called before BLAS was handed to the core\n"


FORMER = {
    "initializers.function.initial_value": "initializers.user_function",
    "losses.function.FunctionLoss": "losses.user_function",
    "losses.functions.huber": "losses.per_sample",
    "metrics.function.FunctionMetric": "metrics.user_function",
    "metrics.functions.binary_accuracy": "metrics.per_sample",
    "metrics.of_losses.Poisson": "metrics.loss_means",
    "schedules.function.as_schedule": "schedules.user_function",
    "training.doubts.Doubts": "training.loss_warnings",
    "layers.vocabulary.Vocabulary": "layers.vocabulary.tokens",
    "layers.base.Layer": "layers.base.layer",
}


def test_pickles_that_name_former_modules_are_read(run_python):
    contents = []
    for path in FORMER:
        module, _, name = path.rpartition(".")
        contents.append(f"cgru_c.{module}\n{name}\n.".encode())  # as protocol 0 names a class
    code = f"import pickle\nfor content in {contents}:\n    print(pickle.loads(content).__module__)"
    done = run_python(code)
    assert done.stdout.split() == [f"gru_c.{module}" for module in FORMER.values()], done.stderr


def test_the_package_imports_a_name_on_first_use(run_python):
    code = """
import sys, threading
import gru_c
def rooms():
    return {name.split(".")[1] for name in sys.modules if name.startswith("gru_c.")}
print(sorted(rooms()), threading.active_count())
gru_c.gru_step
print("functional" in rooms(), "layers" in rooms())
assert gru_c.GRU is gru_c.layers.GRU and "GRU" in vars(gru_c)
"""
    done = run_python(code)
    lines = ["['_core', '_version', 'common', 'runtime', 'saving'] 1", "True False"]
    assert done.stdout.splitlines() == lines, done.stderr


def test_the_stub_has_the_names_of_the_package():
    stub = ast.parse(Path(gru_c.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    sources = {
        alias.name: node.module
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(gru_c.__all__) <= set(sources) <= set(dir(gru_c))
    for name, module in sources.items():
        value = getattr(gru_c, name)
        if module != "gru_c":
            assert value is getattr(importlib.import_module(module), name)
        else:
            assert value.__name__ == f"gru_c.{name}"


def test_a_demo_does_not_import_what_other_commands_need(run_python):
    code = """
import contextlib, io, sys
from gru_c.cli import main
with contextlib.redirect_stdout(io.StringIO()):
    main(["demo", "--epochs", "1"])
print([name for name in ("gru_c.forecast", "statistics", "zoneinfo") if name in sys.modules])
"""
    done = run_python(code)
    assert done.stdout == "[]\n", done.stderr
