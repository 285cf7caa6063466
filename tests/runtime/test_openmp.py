"""OpenMP waits with a short spin, which only the core's runtime is told."""

import pytest

from gru_c import _core


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
