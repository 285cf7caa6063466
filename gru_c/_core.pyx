"""The C core for NumPy arrays: pointers out of arrays, the GIL away, statuses into exceptions.

Nothing is checked or converted here: the callers (functional, layers, optimizers) pass arrays of
one dtype, float32 or float64, of matching shapes, contiguous unless gru.h gives them strides.
"""

cimport numpy as cnp
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport INFINITY

cnp.import_array()

ENGINES = {"auto": GRU_ENGINE_AUTO, "blas": GRU_ENGINE_BLAS, "packed": GRU_ENGINE_PACKED}
# By the name of the type that the weights are kept in.
WEIGHT_FORMATS = {
    "float32": GRU_WEIGHTS_FULL, "bfloat16": GRU_WEIGHTS_BF16, "int8": GRU_WEIGHTS_INT8,
}
ACTIVATIONS = {
    "tanh": GRU_TANH, "sigmoid": GRU_SIGMOID, "hard_sigmoid": GRU_HARD_SIGMOID,
    "relu": GRU_RELU, "linear": GRU_LINEAR, "softsign": GRU_SOFTSIGN,
    "affine": GRU_AFFINE, "leaky_relu": GRU_LEAKY_RELU, "thresholded_relu": GRU_THRESHOLDED_RELU,
    "scaled_tanh": GRU_SCALED_TANH, "elu": GRU_ELU, "softplus": GRU_SOFTPLUS,
}
COMPILER = _COMPILER.decode()
HAS_OPENMP = bool(gru_has_openmp())

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
    """Turn a status of the core into an exception: the one place where that is done."""
    if status == GRU_OK:
        return 0
    message = gru_status_message(status).decode()
    if status == GRU_TOO_LARGE:
        raise MemoryError(message)
    if status == GRU_NO_BLAS:
        raise RuntimeError(message)
    raise ValueError(message)


# The workspace of the last call, for the next one: fresh memory costs a page fault per 4 KiB.
cdef void *_spare = NULL
cdef size_t _spare_size = 0
cdef size_t _MOST_SPARE = 64 * 1024 * 1024


cdef struct _Memory:
    void *data
    size_t size


cdef int _borrow(size_t size, _Memory *memory) except -1:
    """Memory of at least `size` bytes; give it back with `_give_back`."""
    global _spare, _spare_size
    if size <= _spare_size:
        memory.data, memory.size = _spare, _spare_size
        _spare, _spare_size = NULL, 0
        return 0
    memory.data, memory.size = PyMem_RawMalloc(size), size
    if memory.data == NULL:
        raise MemoryError(f"could not allocate {size} bytes of workspace")
    return 0


cdef void _give_back(_Memory memory) noexcept:
    global _spare, _spare_size
    if memory.size > _MOST_SPARE or memory.size < _spare_size:
        PyMem_RawFree(memory.data)
        return
    PyMem_RawFree(_spare)
    _spare, _spare_size = memory.data, memory.size


cdef gru_dtype _dtype(cnp.ndarray array):
    return GRU_F32 if cnp.PyArray_ITEMSIZE(array) == 4 else GRU_F64


cdef void *_data(cnp.ndarray array):
    """Pointer to the first element; null for None."""
    return NULL if array is None else cnp.PyArray_DATA(array)


cdef gru_sequence_out _sequence(cnp.ndarray array):
    """A (B, T, n) array with its strides in elements; data null for None."""
    cdef gru_sequence_out sequence = gru_sequence_out(NULL, 0, 0)
    cdef Py_ssize_t itemsize
    if array is not None:
        itemsize = cnp.PyArray_ITEMSIZE(array)
        sequence.data = cnp.PyArray_DATA(array)
        sequence.stride_batch = cnp.PyArray_STRIDE(array, 0) // itemsize
        sequence.stride_time = cnp.PyArray_STRIDE(array, 1) // itemsize
    return sequence


cdef gru_sequence_in _sequence_in(cnp.ndarray array):
    cdef gru_sequence_out sequence = _sequence(array)
    return gru_sequence_in(sequence.data, sequence.stride_batch, sequence.stride_time)


cdef gru_cell_kind _usual_kind() noexcept:
    return gru_cell_kind(gru_activation(GRU_TANH, 0, 0), gru_activation(GRU_SIGMOID, 0, 0),
                         INFINITY, 0)


cdef gru_activation _activation(object activation) except *:
    """A number of ACTIVATIONS, alpha and beta."""
    function, alpha, beta = activation
    return gru_activation(<gru_function><int>function, alpha, beta)


cdef int _set_cell(gru_problem *problem, object cell, bint masks_state=False) except -1:
    """Copy what a cell.Cell says."""
    problem.reset_after = cell.reset_after
    problem.kind.activation = _activation(cell.activation)
    problem.kind.recurrent_activation = _activation(cell.recurrent_activation)
    problem.kind.clip = cell.clip
    problem.kind.zoneout = cell.zoneout
    problem.masks_state = masks_state
    problem.weights_are_packed = False
    return 0


cdef gru_problem _problem(cnp.ndarray x, cnp.ndarray recurrent_kernel, object cell, int engine,
                          int threads, int weights_format=GRU_WEIGHTS_FULL,
                          bint masks_state=False) except *:
    cdef gru_problem problem
    problem.batch = cnp.PyArray_DIM(x, 0)
    problem.time = cnp.PyArray_DIM(x, 1)
    problem.input = cnp.PyArray_DIM(x, 2)
    problem.units = cnp.PyArray_DIM(recurrent_kernel, 0)
    problem.dtype = _dtype(recurrent_kernel)
    problem.engine = <gru_engine>engine
    problem.threads = threads
    problem.weights_format = <gru_weight_format>weights_format
    _set_cell(&problem, cell, masks_state)
    return problem


# ---- the machine ----------------------------------------------------------------------------


def isa_names():
    """Names of the instruction sets this CPU can run, best first."""
    names = []
    while gru_isa_name(len(names)) != NULL:
        names.append(gru_isa_name(len(names)).decode())
    return names


def active_isa():
    """Name of the instruction set in use."""
    return gru_active_isa().decode()


def select_isa(str name not None):
    """Use the named instruction set."""
    _raise_unless_ok(gru_select_isa(name.encode()))


def set_blas(capsule):
    """Hand over the BLAS routines that gru_c._blas.routines() returns."""
    gru_set_blas(<const gru_blas *>PyCapsule_GetPointer(capsule, "gru_blas"))


def auto_engine():
    """Number of the engine that "auto" stands for with the instruction set in use."""
    cdef gru_problem problem
    problem.engine = GRU_ENGINE_AUTO
    problem.weights_format = GRU_WEIGHTS_FULL
    return <int>gru_engine_of(&problem)


# ---- sequences ------------------------------------------------------------------------------


def resolve_engine(cnp.ndarray x not None, cnp.ndarray recurrent_kernel not None,
                   cell, int engine, int weights_format=GRU_WEIGHTS_FULL):
    """Number of the engine that works on this problem: not that of "auto"."""
    cdef gru_problem problem = _problem(x, recurrent_kernel, cell, engine, 1,
                                        weights_format)
    return <int>gru_engine_of(&problem)


cdef bint _plain(object array, int typenum, int ndim):
    """Is it an array that the core can read as it is?"""
    return (type(array) is cnp.ndarray and cnp.PyArray_TYPE(<cnp.ndarray>array) == typenum
            and cnp.PyArray_NDIM(<cnp.ndarray>array) == ndim
            and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>array))


def forward_plain(object x, object kernel, object recurrent_kernel, object bias,
                  object initial_state, bint reset_after, int engine, int threads):
    """Forward pass of arrays that need no conversion; None when they do, or when they do not fit.

    Returns the output (B, T, H) and the last state (B, H); for x of two dimensions (one time step)
    only the state. For short calls, whose time the general way would spend on looking at arrays.
    """
    if type(x) is not cnp.ndarray:
        return None
    cdef int typenum = cnp.PyArray_TYPE(<cnp.ndarray>x), ndim = cnp.PyArray_NDIM(<cnp.ndarray>x)
    if not ((typenum == cnp.NPY_FLOAT32 or typenum == cnp.NPY_FLOAT64) and (ndim == 3 or ndim == 2)
            and _plain(x, typenum, ndim) and _plain(kernel, typenum, 2)
            and _plain(recurrent_kernel, typenum, 2)):
        return None
    cdef const cnp.npy_intp *x_shape = cnp.PyArray_DIMS(<cnp.ndarray>x)
    cdef const cnp.npy_intp *u_shape = cnp.PyArray_DIMS(<cnp.ndarray>recurrent_kernel)
    cdef const cnp.npy_intp *w_shape = cnp.PyArray_DIMS(<cnp.ndarray>kernel)
    cdef cnp.npy_intp B = x_shape[0], T = x_shape[1] if ndim == 3 else 1
    cdef cnp.npy_intp I = x_shape[ndim - 1], H = u_shape[0]
    if H < 1 or u_shape[1] != 3 * H or w_shape[0] != I or w_shape[1] != 3 * H:
        return None
    if bias is not None and not (
            _plain(bias, typenum, 2 if reset_after else 1)
            and cnp.PyArray_DIM(<cnp.ndarray>bias, 0) == (2 if reset_after else 3 * H)
            and cnp.PyArray_SIZE(<cnp.ndarray>bias) == (6 if reset_after else 3) * H):
        return None
    if initial_state is not None and not (
            _plain(initial_state, typenum, 2)
            and cnp.PyArray_DIM(<cnp.ndarray>initial_state, 0) == B
            and cnp.PyArray_DIM(<cnp.ndarray>initial_state, 1) == H):
        return None
    cdef gru_problem problem
    problem.batch, problem.time, problem.input, problem.units = B, T, I, H
    problem.dtype = GRU_F32 if typenum == cnp.NPY_FLOAT32 else GRU_F64
    problem.engine = <gru_engine>engine
    problem.weights_format = GRU_WEIGHTS_FULL
    problem.reset_after = reset_after
    problem.kind = _usual_kind()
    problem.masks_state = False
    problem.weights_are_packed = False
    problem.threads = threads
    if gru_engine_of(&problem) != GRU_ENGINE_PACKED:
        return None
    cdef cnp.npy_intp shape[3]
    shape[0], shape[1], shape[2] = B, T, H
    cdef cnp.ndarray output = None
    if ndim == 3:
        output = <cnp.ndarray>cnp.PyArray_EMPTY(3, shape, typenum, 0)
    shape[1] = H
    cdef cnp.ndarray state = <cnp.ndarray>cnp.PyArray_EMPTY(2, shape, typenum, 0)
    cdef gru_forward_args args
    args.weights = gru_weights(_data(kernel), _data(recurrent_kernel), _data(bias))
    args.packed = NULL
    args.x = gru_sequence_in(cnp.PyArray_DATA(<cnp.ndarray>x), T * I, I)
    args.initial_state = _data(initial_state)
    args.state_mask = NULL
    args.draws = NULL
    args.output = gru_sequence_out(_data(output), T * H, H)
    args.state = _data(state)
    args.tape = NULL
    _forward(&problem, &args)
    return state if output is None else (output, state)


# Multiply-adds from which the GIL is let go: some 10 us. To get it back may take as long.
cdef double _LONG = 400e3


cdef double _work(const gru_problem *problem) noexcept:
    """Multiply-adds of a GRU."""
    return (3.0 * problem.batch * problem.time * problem.units
            * (<double>problem.input + problem.units))


cdef int _forward(gru_problem *problem, gru_forward_args *args) except -1:
    """gru_forward with a workspace: that of the last call, if it is enough."""
    cdef gru_status status = GRU_SMALL_WORKSPACE
    cdef size_t size = 0
    cdef _Memory memory
    while status == GRU_SMALL_WORKSPACE:
        _borrow(size, &memory)
        args.workspace = memory.data
        if _work(problem) >= _LONG:
            with nogil:
                status = gru_forward_within(problem, args, memory.size, &size)
        else:
            status = gru_forward_within(problem, args, memory.size, &size)
        _give_back(memory)
    return _raise_unless_ok(status)


cdef cnp.ndarray _bytes_on_a_line(size_t size):
    """Bytes that begin on a cache line."""
    cdef cnp.npy_intp length = size + 64
    cdef cnp.ndarray memory = <cnp.ndarray>cnp.PyArray_EMPTY(1, &length, cnp.NPY_UINT8, 0)
    cdef size_t past = <size_t>cnp.PyArray_DATA(memory) % 64
    return memory[64 - past:]


def pack(cnp.ndarray kernel not None, cnp.ndarray recurrent_kernel not None, cnp.ndarray bias,
         cell, int threads, int weights_format=GRU_WEIGHTS_FULL):
    """gru_pack: the weights as the packed engine reads them, as an array of bytes."""
    cdef gru_problem problem
    cdef gru_weights weights = gru_weights(_data(kernel), _data(recurrent_kernel), _data(bias))
    cdef gru_status status
    cdef size_t size
    problem.batch = problem.time = 1
    problem.input = cnp.PyArray_DIM(kernel, 0)
    problem.units = cnp.PyArray_DIM(recurrent_kernel, 0)
    problem.dtype = _dtype(recurrent_kernel)
    problem.engine = GRU_ENGINE_PACKED
    problem.weights_format = <gru_weight_format>weights_format
    problem.threads = threads
    _set_cell(&problem, cell)
    _raise_unless_ok(gru_packed_bytes(&problem, &size))
    cdef cnp.ndarray packed = _bytes_on_a_line(size)
    cdef void *data = _data(packed)
    with nogil:
        status = gru_pack(&problem, &weights, data)
    _raise_unless_ok(status)
    return packed


def tape_bytes(cnp.ndarray x not None, cnp.ndarray recurrent_kernel not None, cell, int engine,
               bint masks_state=False):
    """Bytes of the tape of a training forward pass over x."""
    cdef gru_problem problem = _problem(x, recurrent_kernel, cell, engine, 1, GRU_WEIGHTS_FULL,
                                        masks_state)
    cdef size_t size
    _raise_unless_ok(gru_tape_bytes(&problem, &size))
    return size


def chunk_steps(cnp.ndarray x not None, cnp.ndarray recurrent_kernel not None, cell, int engine,
                bint masks_state=False):
    """Steps whose part in a weight's gradient is summed at a time; see gru.h."""
    cdef gru_problem problem = _problem(x, recurrent_kernel, cell, engine, 1, GRU_WEIGHTS_FULL,
                                        masks_state)
    cdef size_t steps
    _raise_unless_ok(gru_chunk_steps(&problem, &steps))
    return steps


def forward(cnp.ndarray x not None, cnp.ndarray kernel not None,
            cnp.ndarray recurrent_kernel not None, cnp.ndarray bias,
            cnp.ndarray initial_state, cnp.ndarray output, cnp.ndarray state not None,
            cnp.ndarray tape, cnp.ndarray packed, cell, int engine, int threads,
            int weights_format=GRU_WEIGHTS_FULL, cnp.ndarray state_mask=None, draws=None):
    """gru_forward: writes output (None: not wanted), state and tape (None: inference).

    `packed` is what `pack` made of the weights in this format, or None; `draws` is (seed, number of
    the first step), or None where zoneout is not drawn.
    """
    cdef gru_problem problem = _problem(x, recurrent_kernel, cell, engine, threads,
                                        weights_format, state_mask is not None)
    cdef gru_forward_args args
    cdef gru_draws numbers
    args.state_mask = _data(state_mask)
    args.draws = NULL
    if draws is not None:
        numbers.seed, numbers.first_step = draws
        args.draws = &numbers
    args.weights = gru_weights(_data(kernel), _data(recurrent_kernel), _data(bias))
    args.packed = _data(packed)
    problem.weights_are_packed = packed is not None
    args.x = _sequence_in(x)
    args.initial_state = _data(initial_state)
    args.output = _sequence(output)
    args.state = _data(state)
    args.tape = _data(tape)
    _forward(&problem, &args)


def backward(cnp.ndarray x not None, cnp.ndarray kernel not None,
             cnp.ndarray recurrent_kernel not None, cnp.ndarray tape not None, bint keep_tape,
             cnp.ndarray d_output, cnp.ndarray d_state, cnp.ndarray d_x,
             cnp.ndarray d_kernel not None, cnp.ndarray d_recurrent_kernel not None,
             cnp.ndarray d_bias, cnp.ndarray d_initial_state, bint accumulate, cell, int engine,
             int threads, cnp.ndarray state_mask=None, cnp.ndarray d_hidden=None):
    """gru_backward: writes the gradients whose arrays are given."""
    cdef gru_problem problem = _problem(x, recurrent_kernel, cell, engine, threads,
                                        GRU_WEIGHTS_FULL, state_mask is not None)
    cdef gru_backward_args args
    cdef gru_status status
    cdef size_t size
    cdef _Memory memory
    _raise_unless_ok(gru_workspace_bytes(
        &problem, GRU_BACKWARD_KEEP if keep_tape else GRU_BACKWARD, &size))
    args.weights = gru_weights(_data(kernel), _data(recurrent_kernel), NULL)
    args.x = _sequence_in(x)
    args.tape = _data(tape)
    args.keep_tape = keep_tape
    args.state_mask = _data(state_mask)
    args.d_hidden = _sequence(d_hidden)
    args.d_output = _sequence_in(d_output)
    args.d_state = _data(d_state)
    args.d_x = _sequence(d_x)
    args.d_kernel = _data(d_kernel)
    args.d_recurrent_kernel = _data(d_recurrent_kernel)
    args.d_bias = _data(d_bias)
    args.d_initial_state = _data(d_initial_state)
    args.accumulate = accumulate
    _borrow(size, &memory)
    args.workspace = memory.data
    with nogil:
        status = gru_backward(&problem, &args)
    _give_back(memory)
    _raise_unless_ok(status)


# ---- what a model needs besides -------------------------------------------------------------


def matmul(cnp.ndarray a not None, bint transpose_a, cnp.ndarray b not None, bint transpose_b,
           cnp.ndarray out not None, bint accumulate, int threads):
    """out (+)= op(a) op(b), all contiguous matrices."""
    cdef gru_matmul_args args
    cdef gru_status status
    cdef size_t size
    cdef _Memory memory
    args.dtype = _dtype(out)
    args.m, args.n = cnp.PyArray_DIM(out, 0), cnp.PyArray_DIM(out, 1)
    args.k = cnp.PyArray_DIM(a, 0 if transpose_a else 1)
    args.a = gru_matrix(_data(a), cnp.PyArray_DIM(a, 1), transpose_a)
    args.b = gru_matrix(_data(b), cnp.PyArray_DIM(b, 1), transpose_b)
    args.packed = NULL
    args.c = _data(out)
    args.accumulate = accumulate
    args.threads = threads
    _raise_unless_ok(gru_matmul_bytes(&args, &size))
    _borrow(size, &memory)
    args.workspace = memory.data
    with nogil:
        status = gru_matmul(&args)
    _give_back(memory)
    _raise_unless_ok(status)


def column_sums(cnp.ndarray a not None, cnp.ndarray out not None, bint accumulate):
    """out (n) (+)= sums over the rows of a (m, n)."""
    cdef size_t m = cnp.PyArray_DIM(a, 0), n = cnp.PyArray_DIM(a, 1)
    cdef gru_dtype dtype = _dtype(a)
    cdef void *data = _data(a)
    cdef void *sums = _data(out)
    cdef gru_status status
    with nogil:
        status = gru_column_sums(dtype, m, n, data, sums, accumulate)
    _raise_unless_ok(status)


ctypedef gru_status (*activation)(gru_dtype, size_t, const void *, void *) noexcept nogil


cdef int _activate(activation function, cnp.ndarray x, cnp.ndarray out) except -1:
    cdef size_t n = cnp.PyArray_SIZE(x)
    cdef gru_dtype dtype = _dtype(x)
    cdef void *data = _data(x)
    cdef void *result = _data(out)
    cdef gru_status status
    with nogil:
        status = function(dtype, n, data, result)
    return _raise_unless_ok(status)


def sigmoid(cnp.ndarray x not None, cnp.ndarray out not None):
    """Write sigmoid(x) to out, which may be x."""
    _activate(gru_sigmoid, x, out)


def tanh(cnp.ndarray x not None, cnp.ndarray out not None):
    """Write tanh(x) to out, which may be x."""
    _activate(gru_tanh, x, out)


def transpose(cnp.ndarray x not None, cnp.ndarray out not None):
    """Write x (m, n) transposed to out (n, m); both have their elements of a row side by side."""
    cdef size_t m = cnp.PyArray_DIM(x, 0)
    cdef size_t n = cnp.PyArray_DIM(x, 1)
    cdef gru_dtype dtype = _dtype(x)
    cdef ptrdiff_t from_row = cnp.PyArray_STRIDE(x, 0) // cnp.PyArray_ITEMSIZE(x)
    cdef ptrdiff_t to_row = cnp.PyArray_STRIDE(out, 0) // cnp.PyArray_ITEMSIZE(out)
    cdef void *data = _data(x)
    cdef void *result = _data(out)
    cdef gru_status status
    with nogil:
        status = gru_transpose(dtype, m, n, data, from_row, result, to_row)
    _raise_unless_ok(status)


def sum_squares(cnp.ndarray x not None):
    """Sum of the squares of x, added up in double precision."""
    cdef size_t n = cnp.PyArray_SIZE(x)
    cdef gru_dtype dtype = _dtype(x)
    cdef void *data = _data(x)
    cdef double total
    cdef gru_status status
    with nogil:
        status = gru_sum_squares(dtype, n, data, &total)
    _raise_unless_ok(status)
    return total


cdef gru_update _update(cnp.ndarray parameters, cnp.ndarray gradients, double learning_rate,
                        double decay, double scale, double clip, int threads):
    return gru_update(cnp.PyArray_SIZE(parameters), _data(parameters), _data(gradients), scale,
                      clip, decay, learning_rate, threads)


def adam(cnp.ndarray parameters not None, cnp.ndarray gradients not None,
         cnp.ndarray m not None, cnp.ndarray v not None, double beta_1, double beta_2,
         double epsilon, double learning_rate, double decay, double scale, double clip,
         int threads):
    """gru_adam: one step, in place."""
    cdef gru_update update = _update(parameters, gradients, learning_rate, decay, scale, clip,
                                     threads)
    cdef gru_dtype dtype = _dtype(parameters)
    cdef void *m_data = _data(m)
    cdef void *v_data = _data(v)
    cdef gru_status status
    with nogil:
        status = gru_adam(dtype, &update, beta_1, beta_2, epsilon, m_data, v_data)
    _raise_unless_ok(status)


def sgd(cnp.ndarray parameters not None, cnp.ndarray gradients not None, cnp.ndarray m,
        double momentum, bint nesterov, double learning_rate, double decay, double scale,
        double clip, int threads):
    """gru_sgd: one step, in place; m None: no momentum."""
    cdef gru_update update = _update(parameters, gradients, learning_rate, decay, scale, clip,
                                     threads)
    cdef gru_dtype dtype = _dtype(parameters)
    cdef void *m_data = _data(m)
    cdef gru_status status
    with nogil:
        status = gru_sgd(dtype, &update, momentum, nesterov, m_data)
    _raise_unless_ok(status)


def rmsprop(cnp.ndarray parameters not None, cnp.ndarray gradients not None,
            cnp.ndarray v not None, cnp.ndarray a, cnp.ndarray m, double rho, double epsilon,
            double momentum, double learning_rate, double decay, double scale, double clip,
            int threads):
    """gru_rmsprop: one step, in place; a None: not centered; m None: no momentum."""
    cdef gru_update update = _update(parameters, gradients, learning_rate, decay, scale, clip,
                                     threads)
    cdef gru_dtype dtype = _dtype(parameters)
    cdef void *v_data = _data(v)
    cdef void *a_data = _data(a)
    cdef void *m_data = _data(m)
    cdef gru_status status
    with nogil:
        status = gru_rmsprop(dtype, &update, rho, epsilon, momentum, v_data, a_data, m_data)
    _raise_unless_ok(status)


# ---- streams --------------------------------------------------------------------------------

include "_stream.pxi"
