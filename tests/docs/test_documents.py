"""The programs in the README and on the pages of docs/ run without changes."""

import re
from pathlib import Path

import pytest

from gru_c import get_num_threads, set_num_threads

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PROGRAM = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [
    page
    for page in (README, *sorted((ROOT / "docs").rglob("*.md")))
    if "_build" not in page.parts and PROGRAM.search(page.read_text(encoding="utf-8"))
]
# Imports of a page, and the module of an extra that each of them needs.
EXTRAS = {
    "import torch": "torch",
    "from sklearn": "sklearn",
    "import dask": "dask",
    "interop import keras": "h5py",
    "interop import onnx": "onnx",
}


def test_the_readme_has_the_two_commands_and_the_pages_have_programs():
    commands = re.findall(r"^pip install .*$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert "pip install -e . && gru-c demo" in commands
    assert 'pip install -e ".[test]" && pytest' in commands
    assert {"README.md", "quick_start.md", "equations.md", "language.md"} <= {p.name for p in PAGES}


@pytest.fixture
def threads_as_before():
    before = get_num_threads()
    yield
    set_num_threads(before)


@pytest.mark.usefixtures("threads_as_before")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_programs_of_a_page(page, tmp_path, monkeypatch):
    """One after the other, in one namespace, as a reader would type them."""
    programs = PROGRAM.findall(page.read_text(encoding="utf-8"))
    for imported, module in EXTRAS.items():
        if any(imported in program for program in programs):
            pytest.importorskip(module)
    monkeypatch.chdir(tmp_path)
    names = {}
    for number, program in enumerate(programs):
        exec(compile(program, f"{page.name}, program {number}", "exec"), names)
    assert "np" in names
