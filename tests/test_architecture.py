"""The layers of the code: imports point down to lower rooms, and never run in a circle."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gru_c"

# From the ground up. Rooms on one line do not import each other.
FLOORS = """
_core
common _version
runtime
recurrence
activations initializers regularizers constraints schedules functional
ops
losses parameters
metrics
optimizers layers
network
saving
callbacks
data streaming
training preprocessing datasets
serving
models
backend
utils
distributed interop
forecast
sklearn
cli
"""
SOURCES = {".py", ".pyx", ".pxi", ".c", ".h", ".inc"}
MOST_LINES = 400
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


def modules_of(root):
    """Return the files of gru_c and bench by module name."""
    files = {}
    for path in sorted([*root.glob("gru_c/**/*.py"), *root.glob("bench/**/*.py")]):
        parts = path.relative_to(root).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


def import_graph(files):
    """Return for each module the modules that it names, in functions and for types, too."""
    graph = {}
    for module, path in files.items():
        targets = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    submodule = f"{node.module}.{alias.name}"
                    is_binding = node.module == "gru_c" and alias.name == "_core"
                    targets.add(submodule if submodule in files or is_binding else node.module)
            elif isinstance(node, ast.Import):
                targets.update(alias.name for alias in node.names)
        graph[module] = sorted((targets & files.keys()) - {module})
    return graph


def circles(graph):
    """Return the groups of modules that reach each other: Tarjan's algorithm."""
    order, lowest, stack, groups = {}, {}, [], []

    def visit(module):
        order[module] = lowest[module] = len(order)
        stack.append(module)
        for target in graph[module]:
            if target not in order:
                visit(target)
                lowest[module] = min(lowest[module], lowest[target])
            elif target in stack:
                lowest[module] = min(lowest[module], order[target])
        if lowest[module] == order[module]:
            group = stack[stack.index(module) :]
            del stack[-len(group) :]
            if len(group) > 1:
                groups.append(sorted(group))

    for module in graph:
        if module not in order:
            visit(module)
    return groups


def circle_sentences(root):
    """Return a sentence for each circle of imports."""
    graph = import_graph(modules_of(root))
    sentences = []
    for group in circles(graph):
        arrows = [
            f"{module} -> {target}"
            for module in group
            for target in graph[module]
            if target in group
        ]
        sentences.append(
            f"{', '.join(group)} import each other in a circle ({'; '.join(arrows)}). Move what "
            "they share to a module below them, pass in what is needed as an argument, or type "
            "against a Protocol; imports in functions and under TYPE_CHECKING count, too."
        )
    return sentences


def test_no_imports_run_in_a_circle():
    sentences = circle_sentences(ROOT)
    assert not sentences, "\n".join(sentences)


def test_a_circle_of_imports_is_found(tmp_path):
    room = tmp_path / "gru_c" / "layers"
    room.mkdir(parents=True)
    (tmp_path / "bench").mkdir()
    (tmp_path / "gru_c" / "__init__.py").write_text("from gru_c.layers import a, b, c, d\n")
    (room / "__init__.py").write_text("")
    (room / "a.py").write_text("from gru_c import _core\ndef f():\n    import gru_c.layers.b\n")
    (room / "b.py").write_text("if TYPE_CHECKING:\n    from gru_c.layers.c import C\n")
    (room / "c.py").write_text("from gru_c.layers import a, d\n")
    (room / "d.py").write_text("import numpy\n")
    (sentence,) = circle_sentences(tmp_path)
    assert sentence.startswith("gru_c.layers.a, gru_c.layers.b, gru_c.layers.c import each other")
    (room / "c.py").write_text("from gru_c.layers import d\n")
    assert circle_sentences(tmp_path) == []


def test_few_modules_lie_flat():
    flat = sorted(path.name for path in PACKAGE.glob("*.py"))
    assert len(flat) <= 14, f"put new modules into a room, not flat into gru_c/: {flat}"


def missing_tests(root):
    """Return a sentence for each module without a test file of its name."""
    sentences = []
    for path in sorted((root / "gru_c").rglob("*.py")):
        place = path.relative_to(root / "gru_c").with_name(f"test_{path.name}")
        if path.stem not in ("__init__", "__main__") and not (root / "tests" / place).exists():
            sentences.append(
                f"{path.relative_to(root)} has no tests/{place.as_posix()}, where its reader looks "
                "for its tests: rename the file that tests it, move its tests there from a file of "
                "several subjects, or write some."
            )
    return sentences


def test_every_module_has_a_test_file_of_its_name():
    sentences = missing_tests(ROOT)
    assert not sentences, "\n".join(sentences)


def test_a_module_without_a_test_file_is_found(tmp_path):
    for path in ("gru_c/layers/base/layer.py", "gru_c/layers/gru.py", "gru_c/layers/__init__.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    tests = tmp_path / "tests" / "layers"
    tests.mkdir(parents=True)
    (tests / "test_gru.py").write_text("")
    (sentence,) = missing_tests(tmp_path)
    assert sentence.startswith("gru_c/layers/base/layer.py has no tests/layers/base/test_layer.py")


def test_each_room_of_the_floors_exists():
    rooms = {path.stem for path in PACKAGE.iterdir() if path.is_dir() or path.suffix in SOURCES}
    missing = sorted(FLOOR.keys() - rooms)
    assert not missing, f"FLOORS lists rooms that gru_c/ does not have, remove them: {missing}"


def test_no_file_is_long():
    files = [ROOT / "setup.py"]
    for room in ("gru_c", "src_c", "bench", "examples", "tests"):
        suffixes = SOURCES - {".c"} if room == "gru_c" else SOURCES  # Cython writes C there
        files += sorted(path for path in (ROOT / room).rglob("*") if path.suffix in suffixes)
    counts = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    sentences = [
        f"{path.relative_to(ROOT)} has {count} lines, more than {MOST_LINES}: move one of its "
        "subjects to a module of its own, or to one that has that subject already."
        for path, count in counts.items()
        if count > MOST_LINES
    ]
    assert not sentences, "\n".join(sentences)
