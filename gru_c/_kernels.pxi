# Part of _core.pyx: matrix products, activations and optimizer steps.

def matmul(cnp.ndarray a not None, bint transpose_a, cnp.ndarray b not None, bint transpose_b,
           cnp.ndarray out not None, bint accumulate, int threads):
    """Compute out (+)= op(a) op(b) of contiguous matrices."""
    cdef _Arrays arrays
    cdef gru_matmul_args args
    cdef size_t size
    _begin_with(&arrays, out, "out")
    cdef Py_ssize_t m = _side(out, "out", 0), n = _side(out, "out", 1)
    cdef Py_ssize_t k = _side(a, "a", 0 if transpose_a else 1)
    cdef Py_ssize_t a_row = m if transpose_a else k, b_row = k if transpose_b else n
    args.dtype = _dtype(&arrays)
    args.m, args.n, args.k = m, n, k
    args.threads = threads
    args.packed = args.bias = NULL
    args.accumulate = accumulate
    args.c_stride = args.windows.count = 0
    args.a.transposed = transpose_a
    _raise_unless_ok(gru_matmul_bytes(&args, &size))
    args.a.data = _in(&arrays, a, "a", 2, [k if transpose_a else m, a_row])
    args.b.data = _in(&arrays, b, "b", 2, [n if transpose_b else k, b_row])
    args.c = _out(&arrays, out, "out", 2, [m, n])
    args.a.stride = a_row
    args.b.stride, args.b.transposed = b_row, transpose_b
    _require_apart(&arrays)
    _multiply(&args, size)


cdef int _multiply(gru_matmul_args *args, size_t size) except -1:
    """Call gru_matmul with a workspace of this size."""
    cdef _Memory memory
    cdef _Watch watch
    cdef gru_status status
    _borrow(size, &memory)
    args.workspace = memory.data
    _begin_watch(&watch, <double>args.m * args.n * args.k)
    with nogil:
        status = gru_matmul(args)
    _give_back(memory)
    _end_watch(&watch)
    return _raise_unless_ok(status)


def convolve(cnp.ndarray x not None, cnp.ndarray kernel not None, cnp.ndarray bias,
             cnp.ndarray out not None, Py_ssize_t stride, Py_ssize_t dilation, int threads):
    """Compute out (B, windows, F) = bias (F) + the products of windows of x and the kernel.

    The window t of x (B, T, C) holds the steps t * stride + j * dilation for the entries j of the
    kernel (size, C, F). The bias may be None. Elements of the last axes lie side by side.
    """
    cdef _Arrays arrays
    cdef gru_matmul_args args
    cdef size_t size
    cdef ptrdiff_t x_strides[2]
    cdef ptrdiff_t kernel_strides[2]
    cdef ptrdiff_t out_strides[2]
    _begin_with(&arrays, out, "out")
    if not cnp.PyArray_NDIM(x) == cnp.PyArray_NDIM(kernel) == cnp.PyArray_NDIM(out) == 3:
        raise ValueError("x, kernel and out must have 3 axes, got shapes "
                         f"{_shape(x)}, {_shape(kernel)} and {_shape(out)}")
    cdef cnp.npy_intp *sides = cnp.PyArray_DIMS(x)
    cdef Py_ssize_t batch = sides[0], steps = sides[1], channels = sides[2]
    cdef Py_ssize_t taps = cnp.PyArray_DIM(kernel, 0)
    cdef Py_ssize_t count = cnp.PyArray_DIM(out, 1), filters = cnp.PyArray_DIM(out, 2)
    cdef Py_ssize_t reach = (taps - 1) * dilation + 1
    if taps < 1 or stride < 1 or dilation < 1:
        raise ValueError("size of kernel, stride and dilation must be at least 1, got "
                         f"{taps}, {stride} and {dilation}")
    cdef Py_ssize_t wanted = (steps - reach) // stride + 1 if steps >= reach else 0
    if count != wanted:
        raise ValueError(f"out must have {wanted} windows: those of {taps} steps with stride "
                         f"{stride} and dilation {dilation} in x of shape {_shape(x)}; got "
                         f"shape {_shape(out)}")
    args.a.data = _strided(&arrays, x, "x", False, 3, sides, x_strides)
    args.b.data = _strided(&arrays, kernel, "kernel", False, 3, [taps, channels, filters],
                           kernel_strides)
    args.bias = _in(&arrays, bias, "bias", 1, [filters])
    args.c = _strided(&arrays, out, "out", True, 3, [batch, count, filters], out_strides)
    _require_even_rows(kernel, "kernel", kernel_strides)
    _require_even_rows(out, "out", out_strides)
    if min(x_strides[0], x_strides[1], kernel_strides[1], out_strides[1]) < 0:
        raise ValueError("x, kernel and out must not run backwards through memory")
    args.dtype = _dtype(&arrays)
    args.m, args.n, args.k = batch * count, filters, taps * channels
    args.a.stride, args.a.transposed = stride * x_strides[1], False
    args.b.stride, args.b.transposed = kernel_strides[1], False
    args.windows = gru_windows(count, taps, x_strides[0], dilation * x_strides[1])
    args.packed, args.accumulate, args.threads = NULL, False, threads
    args.c_stride = out_strides[1]
    _require_apart(&arrays)
    _raise_unless_ok(gru_matmul_bytes(&args, &size))
    _multiply(&args, size)


cdef int _require_even_rows(cnp.ndarray array, str name, ptrdiff_t *strides) except -1:
    """Raise ValueError unless the rows of an array of 3 axes lie evenly; set the step of rows."""
    cdef Py_ssize_t rows = cnp.PyArray_DIM(array, 1)
    if rows == 1:
        strides[1] = strides[0]
    elif cnp.PyArray_SIZE(array) and cnp.PyArray_DIM(array, 0) > 1 and (
            strides[0] != rows * strides[1]):
        raise ValueError(f"{name} must have rows that lie evenly, got {_laid_out(array)}")
    return 0


cdef Py_ssize_t _side(cnp.ndarray matrix, str name, int axis) except -1:
    if cnp.PyArray_NDIM(matrix) != 2:
        raise ValueError(f"{name} must be a matrix, got shape {_shape(matrix)}")
    return cnp.PyArray_DIM(matrix, axis)


def column_sums(cnp.ndarray a not None, cnp.ndarray out not None, bint accumulate):
    """Compute out (n) (+)= sums over the rows of a (m, n)."""
    cdef _Arrays arrays
    _begin_with(&arrays, a, "a")
    cdef Py_ssize_t m = _side(a, "a", 0), n = _side(a, "a", 1)
    cdef const void *data = _in(&arrays, a, "a", 2, [m, n])
    cdef void *sums = _out(&arrays, out, "out", 1, [n])
    cdef gru_dtype dtype = _dtype(&arrays)
    cdef gru_status status
    _require_apart(&arrays)
    with nogil:
        status = gru_column_sums(dtype, m, n, data, sums, accumulate)
    _raise_unless_ok(status)


cdef const void *_like(_Arrays *arrays, cnp.ndarray array, str name,
                       cnp.ndarray first) except? NULL:
    """Return a pointer to the elements of an array, which must have the shape of the first."""
    return _in(arrays, array, name, cnp.PyArray_NDIM(first), cnp.PyArray_DIMS(first))


cdef void *_out_like(_Arrays *arrays, cnp.ndarray array, str name,
                     cnp.ndarray first) except? NULL:
    return _out(arrays, array, name, cnp.PyArray_NDIM(first), cnp.PyArray_DIMS(first))


ctypedef gru_status (*activation)(gru_dtype, size_t, const void *, void *) noexcept nogil


cdef int _activate(activation function, cnp.ndarray x, cnp.ndarray out) except -1:
    cdef _Arrays arrays
    _begin_with(&arrays, x, "x")
    cdef const void *data = _like(&arrays, x, "x", x)
    cdef void *result = _out_like(&arrays, out, "out", x)
    cdef size_t n = cnp.PyArray_SIZE(x)
    cdef gru_dtype dtype = _dtype(&arrays)
    cdef gru_status status
    if result != data:
        _require_apart(&arrays)
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
    """Write x (m, n) transposed to out (n, m); elements of a row lie side by side in both."""
    cdef _Arrays arrays
    cdef ptrdiff_t from_row, to_row
    _begin_with(&arrays, x, "x")
    cdef Py_ssize_t m = _side(x, "x", 0), n = _side(x, "x", 1)
    cdef const void *data = _strided(&arrays, x, "x", False, 2, [m, n], &from_row)
    cdef void *result = _strided(&arrays, out, "out", True, 2, [n, m], &to_row)
    cdef gru_dtype dtype = _dtype(&arrays)
    cdef gru_status status
    _require_apart(&arrays)
    with nogil:
        status = gru_transpose(dtype, m, n, data, from_row, result, to_row)
    _raise_unless_ok(status)


def sum_squares(cnp.ndarray x not None):
    """Return the sum of the squares of x, in double precision."""
    cdef _Arrays arrays
    _begin_with(&arrays, x, "x")
    cdef const void *data = _like(&arrays, x, "x", x)
    cdef size_t n = cnp.PyArray_SIZE(x)
    cdef gru_dtype dtype = _dtype(&arrays)
    cdef double total
    cdef gru_status status
    with nogil:
        status = gru_sum_squares(dtype, n, data, &total)
    _raise_unless_ok(status)
    return total


# ---- optimizer steps ------------------------------------------------------------------------


cdef gru_update _update(_Arrays *arrays, cnp.ndarray parameters, cnp.ndarray gradients,
                        settings) except *:
    """Return an update of parameters and gradients, which must have one shape.

    `settings` is a StepSettings. Its attributes, and those of `method` below, are read before the
    arrays are checked: reading them may run any code.
    """
    cdef gru_update update
    update.learning_rate, update.decay = settings.rate, settings.decay
    update.scale, update.clip = settings.scale, settings.clip
    update.threads = settings.threads
    _begin_with(arrays, parameters, "parameters")
    update.size = cnp.PyArray_SIZE(parameters)
    update.parameters = _out_like(arrays, parameters, "parameters", parameters)
    update.gradients = _like(arrays, gradients, "gradients", parameters)
    return update


def adam(cnp.ndarray parameters not None, cnp.ndarray gradients not None,
         cnp.ndarray m not None, cnp.ndarray v not None, method, settings):
    """Call gru_adam: one step, in place, with the beta_1, beta_2 and epsilon of an optimizer."""
    cdef _Arrays arrays
    cdef double beta_1 = method.beta_1, beta_2 = method.beta_2, epsilon = method.epsilon
    cdef gru_update update = _update(&arrays, parameters, gradients, settings)
    cdef void *m_data = _out_like(&arrays, m, "m", parameters)
    cdef void *v_data = _out_like(&arrays, v, "v", parameters)
    cdef gru_dtype dtype = _dtype(&arrays)
    cdef gru_status status
    _require_apart(&arrays)
    with nogil:
        status = gru_adam(dtype, &update, beta_1, beta_2, epsilon, m_data, v_data)
    _raise_unless_ok(status)


def sgd(cnp.ndarray parameters not None, cnp.ndarray gradients not None, cnp.ndarray m, method,
        settings):
    """Call gru_sgd: one step, in place, with the momentum and nesterov of an optimizer.

    m is None without momentum.
    """
    cdef _Arrays arrays
    cdef double momentum = method.momentum
    cdef bint nesterov = method.nesterov
    cdef gru_update update = _update(&arrays, parameters, gradients, settings)
    cdef void *m_data = _out_like(&arrays, m, "m", parameters)
    cdef gru_dtype dtype = _dtype(&arrays)
    cdef gru_status status
    _require_apart(&arrays)
    with nogil:
        status = gru_sgd(dtype, &update, momentum, nesterov, m_data)
    _raise_unless_ok(status)


def rmsprop(cnp.ndarray parameters not None, cnp.ndarray gradients not None,
            cnp.ndarray v not None, cnp.ndarray a, cnp.ndarray m, method, settings):
    """Call gru_rmsprop: one step, in place, with the rho, epsilon and momentum of an optimizer.

    a is None unless centered, m is None without momentum.
    """
    cdef _Arrays arrays
    cdef double rho = method.rho, epsilon = method.epsilon, momentum = method.momentum
    cdef gru_update update = _update(&arrays, parameters, gradients, settings)
    cdef void *v_data = _out_like(&arrays, v, "v", parameters)
    cdef void *a_data = _out_like(&arrays, a, "a", parameters)
    cdef void *m_data = _out_like(&arrays, m, "m", parameters)
    cdef gru_dtype dtype = _dtype(&arrays)
    cdef gru_status status
    _require_apart(&arrays)
    with nogil:
        status = gru_rmsprop(dtype, &update, rho, epsilon, momentum, v_data, a_data, m_data)
    _raise_unless_ok(status)
