"""Memory that runs out: each allocation of a call fails once, also those of Python and NumPy."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from core_build import compiler, run

SUPPORT = Path(__file__).parents[1] / "support"

pytestmark = [
    pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="wraps the allocator of glibc"),
    pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="another library is preloaded"),
]


def test_a_failed_allocation_is_an_exception_and_changes_nothing(tmp_path):
    library = tmp_path / "failing_malloc.so"
    flags = ["-O1", "-shared", "-fPIC", "-ftls-model=initial-exec"]
    run(compiler(), *flags, str(SUPPORT / "failing_malloc.c"), "-o", str(library))
    environment = {"LD_PRELOAD": str(library), "PYTHONMALLOC": "malloc"}
    done = subprocess.run(
        [sys.executable, str(SUPPORT / "failing_calls.py")],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    assert done.stdout.splitlines()[-1] == "train_on_batch"
