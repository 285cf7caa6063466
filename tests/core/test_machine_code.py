"""The compiled products of the packed engine: nothing but multiply-adds between their loads."""

import math
import platform
import re
import shutil

import pytest
from core_build import compile_units, compiler, isa_sources, isa_units, run

pytestmark = [
    pytest.mark.slow,  # compiles the kernels for each instruction set
    pytest.mark.skipif(
        platform.machine().lower() not in ("x86_64", "amd64"), reason="reads x86-64 assembler"
    ),
    pytest.mark.skipif(shutil.which("objdump") is None, reason="needs objdump"),
]
FUSED = [name for name, flags in isa_units().items() if "-mfma" in flags]


@pytest.fixture(scope="module", params=FUSED)
def functions(request, tmp_path_factory):
    """Instructions of each function of an instruction set: (address, text) by name."""
    if "Free Software Foundation" not in run(compiler(), "--version"):
        pytest.skip("the tiles are written for what GCC makes of them")
    unit = next(u for u in isa_sources() if u[0].stem == f"isa_{request.param}")
    [target] = compile_units(tmp_path_factory.mktemp("tiles"), [unit], "-g0")
    functions, name = {}, None
    for line in run("objdump", "-d", "--no-show-raw-insn", target).splitlines():
        if found := re.match(r"[0-9a-f]+ <(.*)>:", line):
            name = found[1]
        elif found := re.match(r" *([0-9a-f]+):\t(.*)", line):
            functions.setdefault(name, []).append((int(found[1], 16), found[2]))
    return functions


def functions_of(functions, pattern):
    """Return name, numbers in the name, and instructions of the functions of a kind."""
    found = [(name, re.match(pattern, name), code) for name, code in functions.items()]
    return [(name, list(map(int, match.groups())), code) for name, match, code in found if match]


def inner_loops(code):
    """Bodies of the loops with multiply-adds that have no such loop inside."""
    loops = []
    for address, text in code:
        jump = re.match(r"j(?!mp)\w+ +([0-9a-f]+)", text)
        if jump and int(jump[1], 16) < address:
            start = int(jump[1], 16)
            body = [text for at, text in code if start <= at <= address]
            # Code behind the end of a function jumps back into it, too.
            if any("vfm" in t for t in body) and not any(t.startswith("ret") for t in body):
                loops.append((start, address, body))
    return [
        body
        for start, end, body in loops
        if not any(start <= s and e <= end and (s, e) != (start, end) for s, e, _ in loops)
    ]


@pytest.mark.parametrize(
    ("pattern", "least"), [(r"tile_(\d+)_(\d+)_f\d", 12), (r"step_of_(\d+)_f\d", 8)]
)
def test_no_sum_leaves_its_register_in_the_inner_loops(functions, pattern, least):
    chosen = functions_of(functions, pattern)
    assert len(chosen) >= 2 * least  # both dtypes
    for name, sizes, code in chosen:
        loops = inner_loops(code)
        assert loops, name
        for body in loops:
            products = sum("vfm" in text for text in body)
            assert products % math.prod(sizes) == 0, name
            on_stack = [text for text in body if re.search(r"\(%r[sb]p", text)]
            # A counter may live there; a vector may not.
            assert not [text for text in on_stack if re.search(r"%[xyz]mm", text)], name
            stores = [text for text in body if re.match(r"v?mov\w+ +%[xyz]mm\d+,.*\(", text)]
            assert not stores, name
