# Part of _core.pyx: training passes, which run layers one after the other forward and back.

_array_of, _gradient_of = attrgetter("array"), attrgetter("gradient")


@cython.final
cdef class TrainingLayers:
    """Layers with the tape of their last forward pass.

    Parameters
    ----------
    stages : list of tuple
        Of each layer (stage, parameters, last_step, backwards): the `CoreStage`, whose packed
        weights are not read; and the list of its `Parameter` objects, whose arrays and gradients
        are read in each pass.
    timed : bool
        True if the input is (B, T, I), False if it is (B, I).
    """

    cdef gru_layer *_layers
    cdef Py_ssize_t _count
    cdef readonly tuple stages
    cdef int _typenum
    cdef bint _timed, _gives_steps, _busy
    cdef gru_layers_args _args  # of the last forward pass
    cdef object _held  # what the tape refers to; None without a tape
    cdef const char *_isa  # of the tape
    cdef _Memory _tape

    def __cinit__(self, list stages not None, bint timed):
        self.stages = tuple(map(tuple, stages))
        if not self.stages:
            raise ValueError("stages must hold at least one stage, got none")
        self._count, self._timed, self._gives_steps = len(stages), timed, timed
        self._layers = <gru_layer *>PyMem_RawMalloc(self._count * sizeof(gru_layer))
        if self._layers == NULL:
            raise MemoryError(f"could not allocate {self._count} layers")
        for i, (stage, parameters, last_step, backwards) in enumerate(self.stages):
            if not isinstance(parameters, list):
                raise TypeError(f"the parameters of stage {i} must be a list, got {parameters!r}")
            _set_layer(&self._layers[i], stage, 1)
            self._layers[i].last_step = <bint>last_step
            self._layers[i].backwards = <bint>backwards
            if self._layers[i].last_step:
                self._gives_steps = False
        self._typenum = _typenum_of(&self._layers[0].problem)

    def __dealloc__(self):
        PyMem_RawFree(self._layers)
        PyMem_RawFree(self._tape.data)

    def forward(self, object x, int threads):
        """Return the output for x (B, T, I) or (B, I), and keep what `backward` needs.

        Returns None, without a computation, for an array that the core cannot read, and while
        another thread is at work here.
        """
        cdef cnp.npy_intp shape[3]
        cdef cnp.ndarray output
        cdef gru_layers_args *args = &self._args
        cdef Py_ssize_t I = self._layers[0].problem.input
        cdef int ndim = 3 if self._timed else 2
        if not _plain(x, self._typenum, ndim) or (
                cnp.PyArray_DIM(<cnp.ndarray>x, ndim - 1) != I):
            return None
        if self._busy:
            return None
        self._busy = True
        try:
            self._held = None
            held = [x, *self._set_weights()]
            args.batch = shape[0] = cnp.PyArray_DIM(<cnp.ndarray>x, 0)
            args.time = shape[1] = cnp.PyArray_DIM(<cnp.ndarray>x, 1) if self._timed else 1
            shape[2 if self._gives_steps else 1] = self._layers[self._count - 1].problem.units
            output = <cnp.ndarray>cnp.PyArray_EMPTY(3 if self._gives_steps else 2, shape,
                                                    self._typenum, 0)
            args.x = gru_sequence_in(cnp.PyArray_DATA(<cnp.ndarray>x), args.time * I, I)
            args.output = cnp.PyArray_DATA(output)
            args.threads = threads
            self._isa = gru_active_isa()
            self._require_tape()
            self._run_forward()
            self._held = held
        finally:
            self._busy = False
        return output

    cdef list _set_weights(self):
        """Let the layers read the weights of this moment; return their arrays."""
        cdef _Arrays arrays
        cdef gru_layer *layer
        cdef list held = []
        for i, (_, parameters, _, _) in enumerate(self.stages):
            layer = &self._layers[i]
            weights = list(map(_array_of, parameters))
            held.append(weights)
            arrays.typenum, arrays.count = self._typenum, 0
            kernel, recurrent_kernel, bias = _by_name(weights, layer.dense)
            layer.weights = _layer_weights(&arrays, layer, kernel, recurrent_kernel, bias)
        return held

    cdef int _require_tape(self) except -1:
        """Get memory for the tape, unless that of an earlier batch is large enough."""
        cdef size_t size
        self._args.tape = <void *>self._layers  # any address: only the size is asked for
        _raise_unless_ok(gru_layers_tape_bytes(self._layers, self._count, &self._args, &size))
        if self._tape.size < size:
            PyMem_RawFree(self._tape.data)
            self._tape.size = 0
            self._tape.data = PyMem_RawMalloc(size)
            if self._tape.data == NULL:
                raise MemoryError(f"could not allocate {size} bytes for the tape of a batch")
            self._tape.size = size
        self._args.tape = self._tape.data
        return 0

    cdef double _work(self) noexcept:
        """Return the multiply-adds of a forward pass."""
        cdef double work = 0
        cdef Py_ssize_t i
        for i in range(self._count):
            work += _work(&self._layers[i].problem)
        return work * self._args.batch * self._args.time

    cdef int _run_forward(self) except -1:
        cdef gru_status status = GRU_SMALL_WORKSPACE
        cdef size_t size = 0
        cdef _Memory memory
        cdef _Watch watch
        while status == GRU_SMALL_WORKSPACE:
            _borrow(size, &memory)
            self._args.workspace = memory.data
            _begin_watch(&watch, self._work())
            with nogil:
                status = gru_layers_forward(self._layers, self._count, &self._args, memory.size,
                                            &size)
            _give_back(memory)
            _end_watch(&watch)
        return _raise_unless_ok(status)

    def backward(self, object d_output, Py_ssize_t first, bint input_gradient, bint keep_tape):
        """Write the gradients of the layers from number `first` on; return that of x.

        Returns None without `input_gradient`. `d_output` is contiguous and has the output's shape.
        """
        cdef gru_layers_backward_args args
        cdef gru_layer_gradients *gradients
        cdef gru_status status
        cdef size_t size
        cdef _Memory memory
        cdef _Watch watch
        cdef cnp.ndarray x
        cdef object d_x = None
        if self._busy or self._held is None:
            raise ValueError("there is no tape: call forward before backward")
        if gru_active_isa() != self._isa:
            raise ValueError("the instruction set has changed since the forward pass")
        if not 0 <= first < self._count:
            raise ValueError(f"first must be the number of one of {self._count} layers, "
                             f"got {first}")
        self._busy, held = True, self._held
        gradients = <gru_layer_gradients *>PyMem_RawMalloc(
            self._count * sizeof(gru_layer_gradients))
        try:
            if gradients == NULL:
                raise MemoryError(f"could not allocate the gradients of {self._count} layers")
            arrays = self._set_gradients(gradients, first)
            x = <cnp.ndarray>held[0]
            args.d_output = self._gradient_of_output(d_output)
            args.forward, args.gradients, args.first = self._args, gradients, first
            args.d_x = NULL
            if input_gradient:
                d_x = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), self._typenum, 0)
                args.d_x = cnp.PyArray_DATA(<cnp.ndarray>d_x)
            args.keep_tape = keep_tape
            _raise_unless_ok(gru_layers_backward_bytes(self._layers, self._count, &args, &size))
            if not keep_tape:
                self._held = None
            _borrow(size, &memory)
            args.workspace = memory.data
            _begin_watch(&watch, self._work())
            with nogil:
                status = gru_layers_backward(self._layers, self._count, &args)
            _give_back(memory)
            _end_watch(&watch)
            _raise_unless_ok(status)
        finally:
            PyMem_RawFree(gradients)
            self._busy = False
        return d_x

    cdef list _set_gradients(self, gru_layer_gradients *gradients, Py_ssize_t first):
        """Set the pointers of the layers from `first` on; return their arrays."""
        cdef _Arrays arrays
        cdef gru_problem *problem
        cdef Py_ssize_t width, i
        cdef list held = []
        for i in range(first, self._count):
            problem = &self._layers[i].problem
            written = list(map(_gradient_of, self.stages[i][1]))
            held.append(written)
            kernel, recurrent_kernel, bias = _by_name(written, self._layers[i].dense)
            arrays.typenum, arrays.count = self._typenum, 0
            width = problem.units * (1 if self._layers[i].dense else _gates(problem.cell))
            gradients[i].kernel = _out(&arrays, kernel, "d_kernel", 2, [problem.input, width])
            gradients[i].recurrent_kernel = _out(&arrays, recurrent_kernel, "d_recurrent_kernel",
                                                 2, [problem.units, width])
            if not self._layers[i].dense and _has_two_biases(problem):
                gradients[i].bias = _out(&arrays, bias, "d_bias", 2, [2, width])
            else:
                gradients[i].bias = _out(&arrays, bias, "d_bias", 1, [width])
        return held

    cdef const void *_gradient_of_output(self, object d_output) except NULL:
        cdef _Arrays arrays
        cdef cnp.npy_intp shape[3]
        cdef int ndim = 3 if self._gives_steps else 2
        shape[0], shape[1] = self._args.batch, self._args.time
        shape[ndim - 1] = self._layers[self._count - 1].problem.units
        arrays.typenum, arrays.count = self._typenum, 0
        return _in(&arrays, _array(d_output, "d_output"), "d_output", ndim, shape)


cdef tuple _by_name(list arrays, bint dense):
    """Return kernel, recurrent kernel and bias of a layer; None for what it does not have."""
    cdef Py_ssize_t count = len(arrays), expected = 1 if dense else 2
    if not expected <= count <= expected + 1:
        raise ValueError(f"a layer of this kind has {expected} or {expected + 1} weights, "
                         f"got {count}")
    kernel = _array(arrays[0], "kernel")
    recurrent_kernel = None if dense else _array(arrays[1], "recurrent_kernel")
    bias = _array(arrays[count - 1], "bias") if count > expected else None
    return kernel, recurrent_kernel, bias
