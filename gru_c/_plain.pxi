# Part of _core.pyx: short forward passes over arrays that need no conversion.

cdef bint _plain(object array, int typenum, int ndim):
    """Return True for an array that the core can read without a conversion."""
    return (type(array) is cnp.ndarray and cnp.PyArray_TYPE(<cnp.ndarray>array) == typenum
            and cnp.PyArray_NDIM(<cnp.ndarray>array) == ndim
            and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>array))


cdef void *_plain_data(object array) noexcept:
    """Return a pointer to the first element of an array that `_plain` accepted; null for None."""
    return NULL if array is None else cnp.PyArray_DATA(<cnp.ndarray>array)


cdef bint _plain_problem(gru_problem *problem, object x, object kernel, object recurrent_kernel,
                         object bias, object state, int cell):
    """Set the sizes of a problem; return False unless it is of arrays that need no conversion."""
    if type(x) is not cnp.ndarray:
        return False
    cdef int typenum = cnp.PyArray_TYPE(<cnp.ndarray>x), ndim = cnp.PyArray_NDIM(<cnp.ndarray>x)
    if not ((typenum == cnp.NPY_FLOAT32 or typenum == cnp.NPY_FLOAT64) and (ndim == 3 or ndim == 2)
            and _plain(x, typenum, ndim) and _plain(kernel, typenum, 2)
            and _plain(recurrent_kernel, typenum, 2)):
        return False
    cdef const cnp.npy_intp *x_shape = cnp.PyArray_DIMS(<cnp.ndarray>x)
    cdef const cnp.npy_intp *u_shape = cnp.PyArray_DIMS(<cnp.ndarray>recurrent_kernel)
    cdef const cnp.npy_intp *w_shape = cnp.PyArray_DIMS(<cnp.ndarray>kernel)
    cdef cnp.npy_intp B = x_shape[0], I = x_shape[ndim - 1], H = u_shape[0]
    problem.cell, problem.reset_after = <gru_cell>(cell >> 1), cell & 1
    cdef cnp.npy_intp width = _gates(problem.cell) * H
    if H < 1 or u_shape[1] != width or w_shape[0] != I or w_shape[1] != width:
        return False
    cdef bint two = _has_two_biases(problem)
    if bias is not None and not (
            _plain(bias, typenum, 2 if two else 1)
            and cnp.PyArray_DIM(<cnp.ndarray>bias, 0) == (2 if two else width)
            and cnp.PyArray_SIZE(<cnp.ndarray>bias) == (2 if two else 1) * width):
        return False
    problem.units = H
    if state is not None and not (
            _plain(state, typenum, 2)
            and cnp.PyArray_DIM(<cnp.ndarray>state, 0) == B
            and cnp.PyArray_DIM(<cnp.ndarray>state, 1) == _state_width(problem)):
        return False
    problem.batch, problem.time = B, x_shape[1] if ndim == 3 else 1
    problem.input = I
    problem.dtype = GRU_F32 if typenum == cnp.NPY_FLOAT32 else GRU_F64
    return True


def forward_plain(object x, object kernel, object recurrent_kernel, object bias, object state,
                  int cell, int engine, int threads):
    """Run a forward pass over arrays that need no conversion; return None for any other arrays.

    Returns the output (B, T, H) and the last state (B, SH); for x of two dimensions (one time step)
    only the state. `cell` is twice a number of CELLS, plus 1 with reset_after. This serves short calls, which would spend their time on general checks.
    """
    cdef gru_problem problem
    cdef gru_forward_args args
    cdef cnp.npy_intp shape[3]
    cdef cnp.ndarray output = None
    if not _plain_problem(&problem, x, kernel, recurrent_kernel, bias, state, cell):
        return None
    problem.engine = <gru_engine>engine
    problem.weights_format = GRU_WEIGHTS_FULL
    problem.kind = _usual_kind()
    problem.masks_state = problem.weights_are_packed = False
    problem.threads = threads
    if gru_engine_of(&problem) != GRU_ENGINE_PACKED:
        return None
    cdef Py_ssize_t T = problem.time, I = problem.input, H = problem.units
    if cnp.PyArray_NDIM(<cnp.ndarray>x) == 3:
        shape[0], shape[1], shape[2] = problem.batch, T, H
        output = <cnp.ndarray>cnp.PyArray_EMPTY(3, shape, _typenum_of(&problem), 0)
    args.weights.kernel = cnp.PyArray_DATA(<cnp.ndarray>kernel)
    args.weights.recurrent_kernel = cnp.PyArray_DATA(<cnp.ndarray>recurrent_kernel)
    args.weights.bias = _plain_data(bias)
    args.packed = args.state_mask = args.tape = NULL
    args.draws = NULL
    args.all_states = False
    args.x = gru_sequence_in(cnp.PyArray_DATA(<cnp.ndarray>x), T * I, I)
    args.initial_state = _plain_data(state)
    args.output = gru_sequence_out(_plain_data(output), T * H, H)
    last = _forward(&problem, &args)
    return last if output is None else (output, last)
