"""No read or write outside of a buffer: guard_harness.c, built with the core and run."""

import subprocess
import sys
from pathlib import Path

import pytest
from core_build import EXTRA_FLAGS, compile_units, compiler, core_units, run

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="needs mmap"),
    pytest.mark.slow,  # compiles the core, and runs every pass with each buffer at a page's end
]


@pytest.fixture(scope="session")
def harness(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guards")
    source = Path(__file__).parents[1] / "support" / "guard_harness.c"
    flags = ["-Wall", "-Wextra", "-Wno-unknown-pragmas", *EXTRA_FLAGS]
    objects = compile_units(folder, [*core_units(), (source, ["-O2"])], *flags)
    program = folder / "guard_harness"
    run(compiler(), *EXTRA_FLAGS, *objects, "-lm", "-lpthread", "-o", program)
    return program


def test_buffers_between_pages_that_nobody_may_touch(harness):
    done = subprocess.run([harness], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
