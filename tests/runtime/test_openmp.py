"""OpenMP waits with a short spin; the core's threads where OpenMP binds threads to CPUs."""

import sys

import pytest

from gru_c import _core
from gru_c.runtime.openmp import cpus_of_process


@pytest.mark.parametrize("chosen", [None, "77"])
def test_the_spin_of_openmp_is_set_for_the_core_only(run_python, chosen):
    code = "import os, gru_c; print(os.environ.get('GOMP_SPINCOUNT'))"
    result = run_python(code, GOMP_SPINCOUNT=chosen, OMP_WAIT_POLICY=None)
    assert result.stdout.strip() == str(chosen), result.stderr


@pytest.mark.skipif(not _core.HAS_OPENMP, reason="built without OpenMP")
@pytest.mark.skipif("GCC" not in _core.COMPILER, reason="GCC's OpenMP shows its settings")
def test_openmp_has_read_the_spin(run_python):
    result = run_python(
        "import gru_c", OMP_DISPLAY_ENV="verbose", GOMP_SPINCOUNT=None, OMP_WAIT_POLICY=None
    )
    assert "GOMP_SPINCOUNT = '1000'" in result.stderr, result.stderr


binds = pytest.mark.skipif(
    sys.platform != "linux" or not _core.HAS_OPENMP or len(cpus_of_process()) < 2,
    reason="needs Linux, a build with OpenMP and two CPUs",
)

UNBOUND = dict.fromkeys(("OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY", "OMP_NUM_THREADS"))
CPUS = sorted(cpus_of_process())
BINDINGS = [
    {},
    {"OMP_PROC_BIND": "true"},
    {"OMP_PROC_BIND": "close", "OMP_PLACES": "cores"},
    {"OMP_PROC_BIND": "spread", "OMP_PLACES": "threads"},
    {"OMP_PLACES": f"{{{CPUS[0]}}},{{{CPUS[-1]}}}"},
    {"GOMP_CPU_AFFINITY": f"{CPUS[-1]} {CPUS[0]}"},
]
each_binding = pytest.mark.parametrize("binding", BINDINGS, ids=str)

# Prints the CPUs of the worker that a pass on two threads starts, and the default of threads.
WORK = """
import os
import numpy as np
import gru_c
def worker_cpus():
    before = set(os.listdir("/proc/self/task"))
    gru_c.gru_forward(np.ones((64, 50, 8)), np.ones((8, 96)), np.ones((32, 96)),
                      engine="packed", num_threads=2)
    new, = set(os.listdir("/proc/self/task")) - before
    return sorted(os.sched_getaffinity(int(new)))
print(worker_cpus(), gru_c.get_num_threads())
"""


def result(run_python, code, binding):
    done = run_python(code, **{**UNBOUND, **binding})
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@binds
@each_binding
def test_workers_have_the_cpus_of_the_process(run_python, binding):
    (line,) = result(run_python, WORK, binding)
    cpus, count = line.rsplit(" ", 1)
    assert cpus == str(CPUS)
    assert 1 <= int(count) <= len(CPUS)


@binds
@each_binding
def test_no_thread_leaves_the_cpus_that_the_process_was_given(run_python, binding):
    given = f"import os\nos.sched_setaffinity(0, [{CPUS[-1]}])\n"
    assert result(run_python, given + WORK, binding) == [f"[{CPUS[-1]}] 1"]


@binds
@each_binding
def test_cpus_that_are_set_later_are_respected(run_python, binding):
    """As when a child process takes its share of the CPUs."""
    later = WORK.replace("print", f"os.sched_setaffinity(0, [{CPUS[-1]}])\nprint")
    (line,) = result(run_python, later, {**binding, "OMP_NUM_THREADS": "2"})
    # The OpenMP runtime may have bound the thread to this CPU; then nothing has changed.
    assert line in ([f"[{CPUS[-1]}] 2"] if CPUS[-1] != first_place(binding) else [f"{CPUS} 2"])


def first_place(binding):
    """The CPU that the runtime binds the first thread to, if it is not the first one."""
    return CPUS[-1] if "GOMP_CPU_AFFINITY" in binding else None


@binds
@pytest.mark.parametrize("binding", BINDINGS[1:4:2], ids=str)
def test_a_runtime_that_was_loaded_before_takes_no_cpus_away(run_python, binding):
    pytest.importorskip("torch")
    (line,) = result(run_python, "import torch\n" + WORK, binding)
    assert line.rsplit(" ", 1)[0] == str(CPUS)


@binds
@pytest.mark.parametrize("binding", BINDINGS[1:3], ids=str)
def test_a_direction_in_a_thread_of_its_own_has_the_cpus_of_the_process(run_python, binding):
    code = """
import os, threading
from gru_c.recurrence.side_by_side import side_by_side
begun = threading.Event()
def run(i):
    begun.set() if i else begun.wait(60)
    return sorted(os.sched_getaffinity(0))
print(side_by_side(run)[1])
"""
    (line,) = result(run_python, code, binding)
    assert line == str(CPUS)
