# Part of _core.pyx: passes of a recurrent layer over whole sequences.

cdef gru_cell_kind _usual_kind() noexcept:
    return gru_cell_kind(gru_activation(GRU_TANH, 0, 0), gru_activation(GRU_SIGMOID, 0, 0),
                         INFINITY, 0)


cdef Py_ssize_t _gates(gru_cell cell) noexcept:
    """Return G: the weights are G H wide."""
    return 3 if cell == GRU_CELL_GRU else 4 if cell == GRU_CELL_LSTM else 1


cdef Py_ssize_t _state_width(const gru_problem *problem) noexcept:
    """Return S H: a row of states is h and, of an LSTM, c behind it."""
    return (2 if problem.cell == GRU_CELL_LSTM else 1) * problem.units


cdef bint _has_two_biases(const gru_problem *problem) noexcept:
    """Return True if the bias is (2, GH), False if it is (GH)."""
    return problem.cell == GRU_CELL_GRU and problem.reset_after


cdef gru_activation _activation(object activation) except *:
    """Convert an activation: its number in ACTIVATIONS, alpha and beta."""
    function, alpha, beta = activation
    return gru_activation(<gru_function><int>function, alpha, beta)


cdef int _set_cell(gru_problem *problem, object cell, bint masks_state=False) except -1:
    """Copy the settings of a cell.Cell."""
    problem.cell = <gru_cell><int>cell.number
    problem.reset_after = <bint>cell.reset_after
    problem.kind.activation = _activation(cell.activation)
    problem.kind.recurrent_activation = _activation(cell.recurrent_activation)
    problem.kind.clip = cell.clip
    problem.kind.zoneout = cell.zoneout
    problem.masks_state = masks_state
    problem.weights_are_packed = False
    return 0


cdef int _known(str argument, int number, int last, dict names) except -1:
    if not 0 <= number <= last:
        raise ValueError(f"{gru_status_message(GRU_BAD_ARGUMENT).decode()}: {argument} must be a "
                         f"number of {names}, got {number}")
    return 0


cdef gru_problem _problem(_Arrays *arrays, cnp.ndarray x, cnp.ndarray recurrent_kernel,
                          object cell, int engine, int threads,
                          int weights_format=GRU_WEIGHTS_FULL, bint masks_state=False) except *:
    """Return the problem with sizes and type of x (B, T, I) and recurrent_kernel (H, GH).

    Only shape and type of these arrays are checked.
    """
    cdef gru_problem problem
    _known("engine", engine, GRU_ENGINE_PACKED, ENGINES)
    _known("weights_format", weights_format, GRU_WEIGHTS_INT8, WEIGHT_FORMATS)
    _set_cell(&problem, cell, masks_state)
    _begin_with(arrays, recurrent_kernel, "recurrent_kernel")
    if cnp.PyArray_NDIM(x) != 3:
        raise ValueError(f"x must have shape (B, T, I), got {_shape(x)}")
    if not _is_of(x, arrays.typenum, 0):
        _refuse(x, "x", arrays.typenum, 0, 3, cnp.PyArray_DIMS(x))
    problem.batch = cnp.PyArray_DIM(x, 0)
    problem.time = cnp.PyArray_DIM(x, 1)
    problem.input = cnp.PyArray_DIM(x, 2)
    problem.units = _units(recurrent_kernel, problem.cell)
    problem.dtype = _dtype(arrays)
    problem.engine = <gru_engine>engine
    problem.threads = threads
    problem.weights_format = <gru_weight_format>weights_format
    return problem


cdef Py_ssize_t _units(cnp.ndarray recurrent_kernel, gru_cell cell) except -1:
    """Return H of a recurrent kernel (H, GH)."""
    cdef Py_ssize_t G = _gates(cell)
    if cnp.PyArray_NDIM(recurrent_kernel) != 2 or (
            cnp.PyArray_DIM(recurrent_kernel, 1) != G * cnp.PyArray_DIM(recurrent_kernel, 0)):
        raise ValueError(f"recurrent_kernel must have shape (H, {'' if G == 1 else G}H), got "
                         f"{_shape(recurrent_kernel)}")
    return cnp.PyArray_DIM(recurrent_kernel, 0)


cdef gru_weights _weights(_Arrays *arrays, const gru_problem *problem, cnp.ndarray kernel,
                          cnp.ndarray recurrent_kernel, cnp.ndarray bias) except *:
    cdef Py_ssize_t width = _gates(problem.cell) * problem.units
    cdef gru_weights weights
    weights.kernel = _in(arrays, kernel, "kernel", 2, [problem.input, width])
    weights.recurrent_kernel = _in(arrays, recurrent_kernel, "recurrent_kernel", 2,
                                   [problem.units, width])
    weights.bias = NULL
    if bias is not None and _has_two_biases(problem):
        weights.bias = _in(arrays, bias, "bias", 2, [2, width])
    elif bias is not None:
        weights.bias = _in(arrays, bias, "bias", 1, [width])
    return weights


def resolve_engine(cnp.ndarray x not None, cnp.ndarray recurrent_kernel not None,
                   cell, int engine, int weights_format=GRU_WEIGHTS_FULL):
    """Return the number of the engine that works on this problem, which is not "auto"."""
    cdef _Arrays arrays
    cdef gru_problem problem = _problem(&arrays, x, recurrent_kernel, cell, engine, 1,
                                        weights_format)
    return <int>gru_engine_of(&problem)


# The GIL is released for so many multiply-adds and more, some 10 us: getting it back may take as
# long.
cdef double _LONG = 400e3


cdef double _work(const gru_problem *problem) noexcept:
    """Return the multiply-adds of a recurrent layer; of a dense one a few times as many."""
    return (<double>_gates(problem.cell) * problem.batch * problem.time * problem.units
            * (<double>problem.input + problem.units))


cdef cnp.ndarray _forward(gru_problem *problem, gru_forward_args *args):
    """Call gru_forward with a workspace, that of the last call if it is large enough.

    Returns the last state (B, SH), for which `args` need not have memory.
    """
    cdef gru_status status = GRU_SMALL_WORKSPACE
    cdef size_t size = 0
    cdef _Memory memory
    cdef _Watch watch
    cdef double work = _work(problem)
    cdef cnp.npy_intp shape[2]
    shape[0], shape[1] = problem.batch, _state_width(problem)
    cdef cnp.ndarray last = <cnp.ndarray>cnp.PyArray_EMPTY(2, shape, _typenum_of(problem), 0)
    args.state = cnp.PyArray_DATA(last)
    while status == GRU_SMALL_WORKSPACE:
        _borrow(size, &memory)
        args.workspace = memory.data
        if work >= _LONG:
            _begin_watch(&watch, work)
            with nogil:
                status = gru_forward_within(problem, args, memory.size, &size)
            _give_back(memory)
            _end_watch(&watch)
        else:
            status = gru_forward_within(problem, args, memory.size, &size)
            _give_back(memory)
    _raise_unless_ok(status)
    return last


def pack(weights, cell, int threads, int weights_format=GRU_WEIGHTS_FULL):
    """Return gru_pack's array of bytes: the weights as the packed engine reads them."""
    cdef cnp.ndarray kernel = _array(weights.kernel, "kernel")
    cdef cnp.ndarray recurrent_kernel = _array(weights.recurrent_kernel, "recurrent_kernel")
    cdef cnp.ndarray bias = _array_or_none(weights.bias, "bias")
    cdef _Arrays arrays
    cdef gru_problem problem
    cdef gru_weights pointers
    cdef gru_status status
    cdef size_t size
    _known("weights_format", weights_format, GRU_WEIGHTS_INT8, WEIGHT_FORMATS)
    _set_cell(&problem, cell)
    _begin_with(&arrays, recurrent_kernel, "recurrent_kernel")
    problem.batch = problem.time = 1
    problem.input = cnp.PyArray_DIM(kernel, 0) if cnp.PyArray_NDIM(kernel) == 2 else 0
    problem.units = _units(recurrent_kernel, problem.cell)
    problem.dtype = _dtype(&arrays)
    problem.engine = GRU_ENGINE_PACKED
    problem.weights_format = <gru_weight_format>weights_format
    problem.threads = threads
    pointers = _weights(&arrays, &problem, kernel, recurrent_kernel, bias)
    _raise_unless_ok(gru_packed_bytes(&problem, &size))
    cdef cnp.ndarray packed = _bytes_on_a_line(size)
    cdef void *data = cnp.PyArray_DATA(packed)
    with nogil:
        status = gru_pack(&problem, &pointers, data)
    _raise_unless_ok(status)
    return packed


def tape_bytes(cnp.ndarray x not None, cnp.ndarray recurrent_kernel not None, cell, int engine,
               bint masks_state=False):
    """Return the bytes of the tape of a training forward pass over x."""
    cdef _Arrays arrays
    cdef gru_problem problem = _problem(&arrays, x, recurrent_kernel, cell, engine, 1,
                                        GRU_WEIGHTS_FULL, masks_state)
    cdef size_t size
    _raise_unless_ok(gru_tape_bytes(&problem, &size))
    return size


def chunk_steps(cnp.ndarray x not None, cnp.ndarray recurrent_kernel not None, cell, int engine,
                bint masks_state=False):
    """Return the number of time steps whose gradients of the weights are summed at a time."""
    cdef _Arrays arrays
    cdef gru_problem problem = _problem(&arrays, x, recurrent_kernel, cell, engine, 1,
                                        GRU_WEIGHTS_FULL, masks_state)
    cdef size_t steps
    _raise_unless_ok(gru_chunk_steps(&problem, &steps))
    return steps


cdef void *_tape(_Arrays *arrays, cnp.ndarray memory, bint written,
                 const gru_problem *problem) except? NULL:
    """Return a pointer to the memory of a tape, after a check of its size; null for None."""
    cdef size_t size
    if memory is None:
        return NULL
    _raise_unless_ok(gru_tape_bytes(problem, &size))
    return _bytes(arrays, memory, "memory", written, size, SIZE_MAX, sizeof(double))


cdef const void *_packed(_Arrays *arrays, cnp.ndarray packed, str name,
                         size_t size) except? NULL:
    """Return a pointer to packed weights, after a check of their size; null for None."""
    return _bytes(arrays, packed, name, False, size, size, 64)


cdef const gru_draws *_draws(object pair, gru_draws *draws) except? NULL:
    """Set draws to (seed, number of the first time step); return null for None."""
    if pair is None:
        return NULL
    draws.seed, draws.first_step = pair
    return draws


cdef bint _shows_all(cnp.ndarray output, const gru_problem *problem) noexcept:
    """Return True for an output, or its gradient, that has more states than h."""
    return (output is not None and problem.cell == GRU_CELL_LSTM and cnp.PyArray_NDIM(output) == 3
            and cnp.PyArray_DIM(output, 2) == _state_width(problem))


# Attributes of records are read before the arrays are checked: reading them may run any code.


def forward(cnp.ndarray x not None, weights, cnp.ndarray state, cnp.ndarray output,
            cnp.ndarray memory, options, int engine, int threads):
    """Call gru_forward, which writes output and the tape in `memory`; return the last state.

    `weights` is a Weights. Of `options`, a PassOptions, this reads cell, draws, packed, state_mask
    and weights_format. Without `output` it is not wanted, without `memory` there is no tape. The
    output is (B, T, H), or (B, T, SH) for all states of every step.
    """
    cdef _Arrays arrays
    cdef gru_forward_args args
    cdef gru_draws draws
    cdef size_t size
    cdef cnp.ndarray kernel = _array(weights.kernel, "kernel")
    cdef cnp.ndarray recurrent_kernel = _array(weights.recurrent_kernel, "recurrent_kernel")
    cdef cnp.ndarray bias = _array_or_none(weights.bias, "bias")
    cdef cnp.ndarray packed = _array_or_none(options.packed, "packed")
    cdef cnp.ndarray state_mask = _array_or_none(options.state_mask, "state_mask")
    cdef int weights_format = options.weights_format
    args.draws = _draws(options.draws, &draws)
    cdef gru_problem problem = _problem(&arrays, x, recurrent_kernel, options.cell, engine,
                                        threads, weights_format, state_mask is not None)
    cdef Py_ssize_t B = problem.batch, T = problem.time, I = problem.input, H = problem.units
    args.weights = _weights(&arrays, &problem, kernel, recurrent_kernel, bias)
    args.x = _sequence_in(&arrays, x, "x", [B, T, I])
    args.initial_state = _in(&arrays, state, "state", 2, [B, _state_width(&problem)])
    args.state_mask = _in(&arrays, state_mask, "state_mask", 2, [B, H])
    args.all_states = _shows_all(output, &problem)
    args.output = _sequence(&arrays, output, "output", True,
                            [B, T, _state_width(&problem) if args.all_states else H])
    args.tape = _tape(&arrays, memory, True, &problem)
    args.packed = NULL
    if packed is not None or weights_format != GRU_WEIGHTS_FULL:
        _raise_unless_ok(gru_packed_bytes(&problem, &size))
        args.packed = _packed(&arrays, packed, "packed", size)
    problem.weights_are_packed = packed is not None
    _require_apart(&arrays)
    return _forward(&problem, &args)


def backward(tape, cnp.ndarray memory not None, cnp.ndarray d_output, cnp.ndarray d_state,
             cnp.ndarray d_x, gradients, bint keep_tape, int threads):
    """Call gru_backward, which writes d_x and the gradients; None for those that are not wanted.

    Of `tape`, a GRUTape, this reads x, weights, options and engine; `memory` is what its forward
    pass wrote. `gradients` is a Gradients, whose x is d_x in the order of the input.
    """
    cdef _Arrays arrays
    cdef gru_backward_args args
    cdef gru_draws draws
    cdef gru_status status
    cdef size_t size
    cdef _Memory workspace
    cdef _Watch watch
    weights, options = tape.weights, tape.options
    cdef cnp.ndarray x = _array(tape.x, "x")
    cdef cnp.ndarray kernel = _array(weights.kernel, "kernel")
    cdef cnp.ndarray recurrent_kernel = _array(weights.recurrent_kernel, "recurrent_kernel")
    cdef cnp.ndarray state_mask = _array_or_none(options.state_mask, "state_mask")
    cdef cnp.ndarray d_kernel = _array(gradients.kernel, "d_kernel")
    cdef cnp.ndarray d_recurrent_kernel = _array(gradients.recurrent_kernel, "d_recurrent_kernel")
    cdef cnp.ndarray d_bias = _array_or_none(gradients.bias, "d_bias")
    cdef cnp.ndarray d_initial_state = _array_or_none(gradients.initial_state, "d_initial_state")
    cdef cnp.ndarray d_hidden = _array_or_none(gradients.hidden, "d_hidden")
    args.accumulate = <bint>gradients.accumulate
    cdef gru_problem problem = _problem(&arrays, x, recurrent_kernel, options.cell, tape.engine,
                                        threads, GRU_WEIGHTS_FULL, state_mask is not None)
    cdef Py_ssize_t B = problem.batch, T = problem.time, I = problem.input, H = problem.units
    cdef Py_ssize_t width = _gates(problem.cell) * H, states = _state_width(&problem)
    args.draws = _draws(options.draws, &draws)
    args.weights = _weights(&arrays, &problem, kernel, recurrent_kernel, None)
    args.x = _sequence_in(&arrays, x, "x", [B, T, I])
    args.tape = _tape(&arrays, memory, not keep_tape, &problem)
    args.keep_tape = keep_tape
    args.state_mask = _in(&arrays, state_mask, "state_mask", 2, [B, H])
    args.all_states = _shows_all(d_output, &problem)
    args.d_output = _sequence_in(&arrays, d_output, "d_output",
                                 [B, T, states if args.all_states else H])
    args.d_state = _in(&arrays, d_state, "d_state", 2, [B, states])
    args.d_hidden = _sequence(&arrays, d_hidden, "d_hidden", True, [B, T, H])
    args.d_x = _sequence(&arrays, d_x, "d_x", True, [B, T, I])
    args.d_kernel = _out(&arrays, d_kernel, "d_kernel", 2, [I, width])
    args.d_recurrent_kernel = _out(&arrays, d_recurrent_kernel, "d_recurrent_kernel", 2,
                                   [H, width])
    if _has_two_biases(&problem):
        args.d_bias = _out(&arrays, d_bias, "d_bias", 2, [2, width])
    else:
        args.d_bias = _out(&arrays, d_bias, "d_bias", 1, [width])
    args.d_initial_state = _out(&arrays, d_initial_state, "d_initial_state", 2, [B, states])
    _require_apart(&arrays)
    _raise_unless_ok(gru_workspace_bytes(
        &problem, GRU_BACKWARD_KEEP if keep_tape else GRU_BACKWARD, &size))
    _borrow(size, &workspace)
    args.workspace = workspace.data
    _begin_watch(&watch, _work(&problem))
    with nogil:
        status = gru_backward(&problem, &args)
    _give_back(workspace)
    _end_watch(&watch)
    _raise_unless_ok(status)
