"""The C core built for a test by the system's compiler, with the flags of setup.py."""

import ast
import os
import shutil
import subprocess
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Such as -fsanitize=thread, and a folder with objects that were built so; see sanitize.sh.
EXTRA_FLAGS = os.environ.get("GRU_C_TEST_CFLAGS", "").split()
READY_OBJECTS = os.environ.get("GRU_C_TEST_OBJECTS")


@cache
def settings():
    """The constants of setup.py, and the functions that need no compiler."""
    tree = ast.parse((ROOT / "setup.py").read_text())
    functions = ("isa_units", "core_units", "spelled_for_clang_cl", "write_archive")
    tree.body = [
        node
        for node in tree.body
        if isinstance(node, ast.Assign)
        or (isinstance(node, ast.FunctionDef) and node.name in functions)
    ]
    names = {"Path": Path, "os": os}
    exec(compile(tree, "setup.py", "exec"), names)
    return names


def isa_units():
    return settings()["isa_units"](sysconfig.get_platform())


def compiler():
    """The system's C compiler; skips the test where there is none, or no sources."""
    found = shutil.which(os.environ.get("CC", "").split(" ")[0] or "cc")
    if found is None or not (ROOT / "src_c").is_dir():
        pytest.skip("no C compiler, or the sources of the core are not here")
    return found


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def compile_units(folder, units, *flags):
    """Compile (source, its own flags) into objects in `folder`; their paths."""
    cc = compiler()
    core_flags = [
        *settings()["CORE_FLAGS"],
        *(f"-DGRU_HAVE_{name.upper()}" for name in isa_units()),
    ]

    def compile_unit(unit):
        source, own = unit
        name = source.relative_to(ROOT).with_suffix(".o")  # file names repeat from room to room
        if READY_OBJECTS and (ready := Path(READY_OBJECTS, name)).exists():
            return ready
        target = folder / "_".join(name.parts)
        run(cc, "-I", ROOT / "src_c", *core_flags, *flags, *own, "-c", source, "-o", target)
        return target

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(compile_unit, units))


def core_units():
    """Sources of the core, with the flags that each of them has for itself."""
    return list(settings()["core_units"](sysconfig.get_platform(), ROOT).items())


def isa_sources():
    return [unit for unit in core_units() if unit[0].name.startswith("isa_")]
