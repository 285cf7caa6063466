"""A process that dies ends all processes."""

import pytest
from mpi_runs import needs_mpiexec, run

pytest.importorskip("mpi4py")
pytestmark = needs_mpiexec


@pytest.mark.parametrize(
    "kind", ["killed", "exits", "sys.exit", "leaves", "before fit", "hook", "source", "no output"]
)
def test_a_rank_that_dies_ends_all(kind, tmp_path):
    done = run(3, "failing", tmp_path, kind, "uncaught", ok=False)
    assert not list(tmp_path.glob("results.*"))
    words = {
        "before fit": "an error of the program's own",
        "leaves": "rank 1 has ended, and the others wait for it in fit",
        "source": "no such disk",
    }
    assert words.get(kind, "") in done.stderr
