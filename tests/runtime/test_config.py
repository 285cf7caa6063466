"""gru_c.show_config."""

import pytest

import gru_c
from gru_c import _core

FIELDS = [
    "version",
    "python",
    "compiler",
    "machine",
    "instruction set",
    "engine",
    "engines",
    "blas",
    "openmp",
    "threads",
]


def test_dicts():
    config = gru_c.show_config("dicts")
    assert list(config) == FIELDS
    assert config["version"] == gru_c.__version__
    assert config["compiler"].startswith(("GCC ", "Clang "))
    assert config["engine"].startswith("auto: ")
    chosen = config["engine"].removeprefix("auto: ").split()[0]
    assert chosen in config["engines"].split(", ")
    assert config["openmp"].startswith("yes" if _core.HAS_OPENMP else "no")
    assert all(config[name] for name in FIELDS)


@pytest.mark.usefixtures("isa")
def test_instruction_set():
    shown = gru_c.show_config("dicts")["instruction set"]
    assert shown == f"{_core.active_isa()} (of {', '.join(_core.isa_names())})"


def test_threads():
    before = gru_c.get_num_threads()
    gru_c.set_num_threads(5)
    shown = gru_c.show_config("dicts")["threads"]
    gru_c.set_num_threads(before)
    assert shown == 5


def test_printed(capsys):
    assert gru_c.show_config() is None
    lines = capsys.readouterr().out.splitlines()
    assert [line[:17].rstrip(": ") for line in lines] == FIELDS
    config = gru_c.show_config("dicts")
    assert [line[17:] for line in lines] == [str(value) for value in config.values()]


def test_blas_is_named_in_a_new_process(run_python):
    """A new process has not loaded BLAS yet."""
    done = run_python("import gru_c; print(gru_c.show_config('dicts')['blas'])")
    assert done.stdout.strip() == gru_c.show_config("dicts")["blas"], done.stderr


@pytest.mark.parametrize("mode", ["json", None, 1])
def test_bad_mode(mode, capsys):
    with pytest.raises(ValueError, match=f"mode must be 'stdout' or 'dicts', got {mode!r}"):
        gru_c.show_config(mode)
    assert capsys.readouterr().out == ""
