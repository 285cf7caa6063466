"""The programs in the README run as they stand."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)


def test_the_readme_has_programs_and_the_two_commands():
    assert len(PROGRAMS) == 10
    commands = re.findall(r"^pip install .*$", README.read_text(), re.MULTILINE)
    assert "pip install -e . && gru-c demo" in commands
    assert 'pip install -e ".[test]" && pytest' in commands


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_program(program, tmp_path, monkeypatch):
    if "import torch" in program:
        pytest.importorskip("torch")
    if "import pandas" in program:
        pytest.importorskip("pandas")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(program, "README.md", "exec"), names)
    assert "np" in names
