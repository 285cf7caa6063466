"""Start programs of mpi_programs.py under mpiexec, and compare what their processes return."""

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import mpi_programs
import numpy as np
import pytest

MPIEXEC = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
needs_mpiexec = pytest.mark.skipif(MPIEXEC is None, reason="there is no mpiexec")

SECONDS = 60  # after which a run is taken to hang; each takes less than one


def run(ranks, program, folder, *arguments, isa=None, ok=True):
    """Run a program of mpi_programs.py in several processes.

    Returns the program's result for each rank, and the finished mpiexec. With ``ok=False`` the run
    must fail, and only the finished mpiexec is returned.
    """
    path = Path(folder) / "results"
    command = [MPIEXEC]
    for rank in range(ranks if isa else 1):
        command += [":"] if rank else []
        command += ["-n", "1" if isa else str(ranks)]
        command += ["env", f"GRU_C_ISA={isa[rank]}"] if isa else []
        command += [sys.executable, mpi_programs.__file__, program, str(path), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, check=False, env=environment()
    )
    if not ok:
        assert done.returncode != 0, done.stderr
        return done
    assert done.returncode == 0, done.stderr
    return [pickle.loads(Path(f"{path}.{rank}").read_bytes()) for rank in range(ranks)], done


def environment():
    allowed = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    policy = {"PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe"}
    return {**os.environ, **allowed, **policy}


def assert_equal(result, wanted):
    """Assert that two results are the same to the bit."""
    assert pickle.dumps(result) == pickle.dumps(wanted)


def assert_close(result, wanted, tolerance=1e-12):
    """Assert that histories and weights agree up to rounding."""
    assert result["history"].keys() == wanted["history"].keys()
    for name, values in wanted["history"].items():
        np.testing.assert_allclose(result["history"][name], values, rtol=tolerance, err_msg=name)
    for actual, weight in zip(result["weights"], wanted["weights"], strict=True):
        np.testing.assert_allclose(actual, weight, rtol=0, atol=1e3 * tolerance)


def run_alone(program, *arguments):
    """Return what a program returns in this process alone."""
    from gru_c.distributed import DataParallel

    return program(DataParallel(), *arguments)
