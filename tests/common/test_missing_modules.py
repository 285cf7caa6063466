"""Modules that Keras had: their imports say where the names are."""

import importlib
import importlib.util
import subprocess
import sys

import pytest

import gru_c
from gru_c.common.missing_modules import ADVICE, MissingModules, install


@pytest.mark.parametrize("name", ADVICE)
def test_the_import_of_a_module_of_keras_says_where_its_names_are(name):
    parent = name.rpartition(".")[0]
    with pytest.raises(ImportError, match=f"gru_c has no module gru_c.{name}: ") as caught:
        importlib.import_module(f"gru_c.{name}")
    assert str(caught.value).endswith(ADVICE[name])
    assert not parent or importlib.util.find_spec(f"gru_c.{parent}")


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("from gru_c.layers.core import Dense", "its names are in gru_c.layers"),
        ("from gru_c.layers.recurrent import GRU", "its names are in gru_c.layers"),
        ("from gru_c.engine.topology import Layer", "layers are in gru_c.layers"),
        ("from gru_c.wrappers.scikit_learn import KerasRegressor", "gru_c.sklearn.GRURegressor"),
        ("import gru_c.optimizers.legacy", "its names are in gru_c.optimizers"),
    ],
)
def test_lines_of_programs(line, advice):
    with pytest.raises(ModuleNotFoundError, match=advice):
        exec(line, {})


def test_the_places_that_are_named_exist():
    for advice in ADVICE.values():
        for word in advice.replace(",", " ").replace(":", " ").split():
            if word.startswith("gru_c."):
                room, _, rest = word[len("gru_c.") :].partition(".")
                module = gru_c if not hasattr(gru_c, room) else getattr(gru_c, room)
                assert hasattr(gru_c, room) or importlib.util.find_spec(f"gru_c.{room}"), word
                assert not rest or module is gru_c or hasattr(module, rest), word


def test_other_modules_that_are_missing_are_as_usual():
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'gru_c\.nothing'"):
        importlib.import_module("gru_c.nothing")
    assert importlib.util.find_spec("gru_c.nothing") is None
    assert MissingModules().find_spec("numpy.layers.core") is None


def test_it_is_asked_once_and_last():
    install()
    assert sum(isinstance(finder, MissingModules) for finder in sys.meta_path) == 1
    code = "import sys, gru_c; print(type(sys.meta_path[-1]).__name__)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "MissingModules"
