"""SciPy's BLAS for the C core. Importing this module imports scipy.linalg (about 0.3 s), so it is
imported on first use."""

from cpython.pycapsule cimport PyCapsule_New
from scipy.linalg.cython_blas cimport dgemm, dgemv, sgemm, sgemv

from gru_c._core cimport gru_blas

cdef gru_blas _routines
_routines.sgemm = sgemm
_routines.dgemm = dgemm
_routines.sgemv = sgemv
_routines.dgemv = dgemv


def routines():
    """A capsule with the table of routines, for gru_c._core.set_blas."""
    return PyCapsule_New(&_routines, "gru_blas", NULL)
