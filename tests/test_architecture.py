"""The rooms of the package: a module imports only from its own room and from rooms below it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gru_c"

# From the ground up. Rooms on one line do not import each other.
FLOORS = """
_core _blas
utils _version
runtime
recurrence
activations initializers regularizers constraints schedules functional
losses parameters
metrics
optimizers layers
network
saving
callbacks
data streaming
training
models
distributed forecast interop export
sklearn
cli
"""
FLOOR = {room: n for n, line in enumerate(FLOORS.strip().splitlines()) for room in line.split()}


def imports(path):
    """Yield the modules of the package that a file imports, also in functions and for types."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gru_c"):
            if node.module == "gru_c":
                yield from (f"gru_c.{alias.name}" for alias in node.names)
            else:
                yield node.module
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.startswith("gru_c"))


def faults(path):
    """Return a sentence for each import of a room that is not below the file's."""
    module = path.relative_to(PACKAGE.parent).with_suffix("")
    room = module.parts[1]
    sentences = []
    for other in sorted(set(imports(path))):
        target = other.split(".")[1] if "." in other else "the face of the package"
        if target != room and FLOOR.get(target, len(FLOOR)) >= FLOOR[room]:
            sentences.append(
                f"{module} imports {other}: '{room}' is on floor {FLOOR[room]}, '{target}' is not "
                "below it. Import from the room that defines the name, move what both need to a "
                f"room below '{room}', or let the caller pass it in."
            )
    return sentences


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_imports_point_down(path):
    if path.relative_to(PACKAGE).parts[0] in ("__init__.py", "__main__.py"):
        return  # the face of the package imports from everywhere
    assert not faults(path), "\n".join(faults(path))


def test_an_import_that_points_up_is_found(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path / "gru_c")
    path = tmp_path / "gru_c" / "layers" / "gru.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "from gru_c import losses\n"
        "from gru_c.optimizers import Adam\n"
        "if TYPE_CHECKING:\n    from gru_c.models.sequential import Sequential\n"
        "def f():\n    import gru_c.training.fit\n"
    )
    assert [re.findall(r"imports ([\w.]+):", line)[0] for line in faults(path)] == [
        "gru_c.models.sequential",
        "gru_c.optimizers",
        "gru_c.training.fit",
    ]


def test_few_modules_lie_flat():
    flat = sorted(path.name for path in PACKAGE.glob("*.py"))
    assert len(flat) <= 14, f"put new modules into a room, not flat into gru_c/: {flat}"
