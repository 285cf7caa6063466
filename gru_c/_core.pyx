"""The C core for NumPy arrays: takes their pointers, releases the GIL, raises exceptions.

Nothing is converted here, but every property of an array that the core relies on is checked
(_arrays.pxi): all arrays of a call have one dtype, float32 or float64 in the machine's byte order,
are aligned, have shapes that fit each other, and are contiguous unless gru.h gives them strides.
Arrays that are written are writeable and share no memory with the call's other arrays. A TypeError
or ValueError names the argument, what it must be and what it was; nothing has been written then.
"""

cimport cython
cimport numpy as cnp
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer
from libc.math cimport INFINITY
from libc.stdint cimport SIZE_MAX, int32_t

import os
import re
from operator import attrgetter, itemgetter
from threading import get_ident, main_thread

from numpy import shares_memory

cnp.import_array()

ENGINES = {"auto": GRU_ENGINE_AUTO, "blas": GRU_ENGINE_BLAS, "packed": GRU_ENGINE_PACKED}
# Keys are the types that the weights are kept in.
WEIGHT_FORMATS = {
    "float32": GRU_WEIGHTS_FULL, "bfloat16": GRU_WEIGHTS_BF16, "int8": GRU_WEIGHTS_INT8,
}
CELLS = {"GRU": GRU_CELL_GRU, "LSTM": GRU_CELL_LSTM, "SimpleRNN": GRU_CELL_RNN}
ACTIVATIONS = {
    "tanh": GRU_TANH, "sigmoid": GRU_SIGMOID, "hard_sigmoid": GRU_HARD_SIGMOID,
    "relu": GRU_RELU, "linear": GRU_LINEAR, "softsign": GRU_SOFTSIGN,
    "affine": GRU_AFFINE, "leaky_relu": GRU_LEAKY_RELU, "thresholded_relu": GRU_THRESHOLDED_RELU,
    "scaled_tanh": GRU_SCALED_TANH, "elu": GRU_ELU, "softplus": GRU_SOFTPLUS,
}
COMPILER = _COMPILER.decode()
HAS_OPENMP = bool(gru_has_openmp())
HAS_THREADS = bool(gru_has_threads())

cdef extern from *:
    """
    #if defined(__clang__)
    static const char *const gru_compiler = "Clang " __clang_version__;
    #else
    static const char *const gru_compiler = "GCC " __VERSION__;
    #endif
    """
    const char *_COMPILER "gru_compiler"


cdef int _raise_unless_ok(gru_status status) except -1:
    """Raise the exception for a status of the core; every status comes here."""
    if status == GRU_OK:
        return 0
    message = gru_status_message(status).decode()
    if status == GRU_TOO_LARGE:
        raise MemoryError(message)
    if status == GRU_NO_BLAS:
        raise RuntimeError(message)
    raise ValueError(message)


# ---- signals ----------------------------------------------------------------------------------

cdef extern from *:
    """
    #include <string.h>

    /* Run the handlers of signals that have arrived; return 1 if one has raised an exception. */
    static int gru_run_signal_handlers(void) {
        const PyGILState_STATE state = PyGILState_Ensure();
        const int raised = PyErr_CheckSignals() != 0;
        PyGILState_Release(state);
        return raised;
    }
    """
    int _run_signal_handlers "gru_run_signal_handlers"() noexcept nogil
    void *memset(void *, int, size_t) noexcept nogil
    unsigned long PyThread_get_thread_ident() noexcept nogil


# Python runs signal handlers in its main thread alone, so only that thread's calls are watched. The
# main thread of a forked child is the one that has forked.
cdef unsigned long _main_thread


def _set_main_thread(unsigned long number):
    global _main_thread
    _main_thread = number


_set_main_thread(main_thread().ident)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _set_main_thread(get_ident()))


cdef struct _Watch:
    gru_watch watch
    gru_watch *before
    bint watches


# Calls of fewer multiply-adds, some milliseconds, are not watched.
cdef double _WATCHED = 50e6


cdef void _begin_watch(_Watch *watch, double work) noexcept:
    """Let signal handlers run while the core does so many multiply-adds; `_end_watch` must follow."""
    watch.watches = work >= _WATCHED and PyThread_get_thread_ident() == _main_thread
    if watch.watches:
        memset(&watch.watch, 0, sizeof(gru_watch))
        watch.watch.ask = _run_signal_handlers
        watch.before = gru_set_watch(&watch.watch)


cdef int _end_watch(_Watch *watch) except -1:
    """End a watch; pass on the exception of a handler, such as KeyboardInterrupt."""
    if watch.watches:
        gru_set_watch(watch.before)
        if watch.watch.stopped:
            return -1  # the exception has been set
    return 0


# ---- memory -----------------------------------------------------------------------------------

# Workspaces of earlier calls, kept for the next ones: new memory costs a page fault per 4 KiB. There
# are several, because several threads may be at work.
cdef enum:
    _MOST_SPARES = 16


cdef struct _Memory:
    void *data
    size_t size


cdef _Memory _spares[_MOST_SPARES]
cdef int _spare_count = 0
cdef size_t _spare_bytes = 0
cdef size_t _MOST_SPARE = 64 * 1024 * 1024


cdef extern from *:
    """
    #if defined(__linux__)
    #include <stdint.h>
    #include <sys/mman.h>
    #endif
    /* Ask for pages of 2 MiB: the first use of memory then costs a page fault for each of them and not
     * one per 4 KiB. Without them nothing changes. */
    static void gru_prefer_large_pages(void *data, size_t size) {
    #if defined(__linux__) && defined(MADV_HUGEPAGE)
        const size_t page = 4096, least = 4 * 1024 * 1024;
        if (data && size >= least) {
            const uintptr_t begin = ((uintptr_t)data + page - 1) / page * page;
            (void)madvise((void *)begin, ((uintptr_t)data + size - begin) / page * page,
                MADV_HUGEPAGE);
        }
    #else
        (void)data;
        (void)size;
    #endif
    }
    """
    void gru_prefer_large_pages(void *data, size_t size) noexcept nogil


cdef int _borrow(size_t size, _Memory *memory) except -1:
    """Set `memory` to at least `size` bytes, which `_give_back` takes back."""
    global _spare_count, _spare_bytes
    cdef int i
    for i in range(_spare_count - 1, -1, -1):
        if size <= _spares[i].size:
            memory[0] = _spares[i]
            _spare_count -= 1
            _spares[i] = _spares[_spare_count]
            _spare_bytes -= memory.size
            return 0
    memory.data, memory.size = PyMem_RawMalloc(size), size
    if memory.data == NULL:
        raise MemoryError(f"could not allocate {size} bytes of workspace")
    gru_prefer_large_pages(memory.data, memory.size)
    return 0


cdef void _give_back(_Memory memory) noexcept:
    """Keep memory for later calls, in place of smaller ones if there is too much of it."""
    global _spare_count, _spare_bytes
    cdef int i, smallest
    while _spare_count and memory.size <= _MOST_SPARE and (
            _spare_count == _MOST_SPARES or _spare_bytes + memory.size > _MOST_SPARE):
        smallest = 0
        for i in range(1, _spare_count):
            if _spares[i].size < _spares[smallest].size:
                smallest = i
        if _spares[smallest].size >= memory.size:
            break
        PyMem_RawFree(_spares[smallest].data)
        _spare_bytes -= _spares[smallest].size
        _spare_count -= 1
        _spares[smallest] = _spares[_spare_count]
    if _spare_count == _MOST_SPARES or _spare_bytes + memory.size > _MOST_SPARE:
        PyMem_RawFree(memory.data)
        return
    _spares[_spare_count] = memory
    _spare_count += 1
    _spare_bytes += memory.size


cdef cnp.ndarray _bytes_on_a_line(size_t size):
    """Return an array of bytes that begins on a cache line."""
    cdef cnp.npy_intp length = size + 64
    cdef cnp.ndarray memory = <cnp.ndarray>cnp.PyArray_EMPTY(1, &length, cnp.NPY_UINT8, 0)
    cdef Py_ssize_t begin = 64 - <Py_ssize_t>(<size_t>cnp.PyArray_DATA(memory) % 64)
    return memory[begin:length - 64 + begin]


# ---- the machine ----------------------------------------------------------------------------


def isa_names():
    """Return the names of the instruction sets that this CPU can run, best first."""
    names = []
    while gru_isa_name(len(names)) != NULL:
        names.append(gru_isa_name(len(names)).decode())
    return names


def active_isa():
    """Return the name of the instruction set in use."""
    return gru_active_isa().decode()


def select_isa(str name not None):
    """Use the named instruction set."""
    _raise_unless_ok(gru_select_isa(name.encode()))


def unbind_workers(list cpus not None):
    """Call gru_unbind_workers with the numbers of CPUs."""
    cdef int numbers[1024]
    cdef size_t count = 0
    for cpu in cpus[:1024]:
        numbers[count] = cpu
        count += 1
    gru_unbind_workers(count, numbers)


# What SciPy's capsules say of the routines that they hold, with "real" for the dtype.
_GEMM = (
    "void (char *, char *, int *, int *, int *, real *, real *, int *, real *, int *, real *, "
    "real *, int *)"
)
_GEMV = "void (char *, int *, int *, real *, real *, int *, real *, int *, real *, real *, int *)"


cdef void *_routine(dict capsules, str name, str signature) except NULL:
    """Return the address in one of SciPy's capsules; ImportError if its type is another."""
    capsule = capsules[name]
    cdef const char *given = PyCapsule_GetName(capsule)
    kind = re.sub(r"\w+cython_blas_[sd]\b", "real", given.decode())
    if kind != signature:
        raise ImportError(f"SciPy's BLAS routine {name} is {kind}, but gru_c calls {signature}")
    return PyCapsule_GetPointer(capsule, given)


def set_blas(dict capsules):
    """Set the BLAS routines: ``scipy.linalg.cython_blas.__pyx_capi__``; None: there are none."""
    cdef gru_blas routines
    if capsules is None:
        gru_set_blas(NULL)
        return
    (<void **>&routines.sgemm)[0] = _routine(capsules, "sgemm", _GEMM)
    (<void **>&routines.dgemm)[0] = _routine(capsules, "dgemm", _GEMM)
    (<void **>&routines.sgemv)[0] = _routine(capsules, "sgemv", _GEMV)
    (<void **>&routines.dgemv)[0] = _routine(capsules, "dgemv", _GEMV)
    gru_set_blas(&routines)


def auto_engine():
    """Return the number of the engine that "auto" stands for with the instruction set in use."""
    cdef gru_problem problem
    problem.engine = GRU_ENGINE_AUTO
    problem.weights_format = GRU_WEIGHTS_FULL
    return <int>gru_engine_of(&problem)


include "_arrays.pxi"
include "_passes.pxi"
include "_plain.pxi"
include "_steps.pxi"
include "_kernels.pxi"
include "_ctc.pxi"
include "_layers.pxi"
include "_predictor.pxi"
include "_training.pxi"
include "_stream.pxi"
