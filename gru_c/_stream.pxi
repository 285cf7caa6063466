# Part of _core.pyx: streams, which run layers one after the other, one time step at a time.

@cython.final
cdef class Stack:
    """Layers as `layer_pack` takes them, with their packed weights, and their states.

    Only one thread at a time may use it; a call from another one raises RuntimeError.
    """

    cdef void *_memory
    cdef gru_layer *_layers
    cdef Py_ssize_t _count
    cdef readonly tuple packed  # weights, for as long as they are read
    cdef int _typenum
    cdef bint _long, _busy

    def __cinit__(self, list stages not None, size_t batch):
        cdef size_t size
        cdef double work = 0
        self._count = len(stages)
        self._layers = _new_layers(stages, batch)
        self.packed = tuple(map(itemgetter(-1), stages))
        for i in range(self._count):
            work += _work(&self._layers[i].problem)
        self._typenum = _typenum_of(&self._layers[0].problem)
        self._long = work >= _LONG
        _raise_unless_ok(gru_stream_bytes(self._layers, self._count, &size))
        self._memory = PyMem_RawMalloc(size)
        if self._memory == NULL:
            raise MemoryError(f"could not allocate {size} bytes of states")
        _raise_unless_ok(gru_stream_begin(self._layers, self._count, self._memory))

    def __dealloc__(self):
        PyMem_RawFree(self._memory)
        PyMem_RawFree(self._layers)

    cdef int _begin(self) except -1:
        if self._busy:
            raise RuntimeError("another thread is at work on this stream: give each its own")
        self._busy = True
        return 0

    cdef bint _is_matrix(self, object array, size_t width):
        cdef const cnp.npy_intp *shape
        if not _plain(array, self._typenum, 2):
            return False
        shape = cnp.PyArray_DIMS(<cnp.ndarray>array)
        return (<size_t>shape[0] == self._layers[0].problem.batch
                and <size_t>shape[1] == width)

    def step(self, object x, object out=None):
        """Run a time step of x (B, I); return the output (B, n), written to `out` if not None.

        Returns None, without a step, for arrays that the core cannot read or write.
        """
        cdef size_t units = self._layers[self._count - 1].problem.units
        cdef cnp.npy_intp shape[2]
        cdef gru_status status
        cdef void *x_data
        cdef void *y_data
        if not self._is_matrix(x, self._layers[0].problem.input):
            return None
        if out is None:
            shape[0], shape[1] = self._layers[0].problem.batch, units
            out = cnp.PyArray_EMPTY(2, shape, self._typenum, 0)
        elif not (self._is_matrix(out, units) and cnp.PyArray_ISWRITEABLE(<cnp.ndarray>out)):
            return None
        self._begin()
        x_data, y_data = cnp.PyArray_DATA(<cnp.ndarray>x), cnp.PyArray_DATA(<cnp.ndarray>out)
        if self._long:
            with nogil:
                status = gru_stream_step(self._memory, x_data, y_data)
        else:
            status = gru_stream_step(self._memory, x_data, y_data)
        self._busy = False
        if status == GRU_BAD_ARGUMENT:
            raise RuntimeError("the instruction set was changed: make the stream anew")
        _raise_unless_ok(status)
        return out

    def step_back(self):
        """Undo the last time step."""
        self._begin()
        gru_stream_step_back(self._memory)
        self._busy = False

    def state_layers(self):
        """Return the numbers of the layers that have a state."""
        cdef list numbers = []
        cdef Py_ssize_t i
        for i in range(self._count):
            if not self._layers[i].dense:
                numbers.append(i)
        return numbers

    def get_states(self, list states not None):
        """Write the states (B, SH) of the layers that have one to contiguous arrays."""
        self._for_each_state(states, True)

    def set_states(self, list states not None):
        """Set the states to those in such arrays."""
        self._for_each_state(states, False)

    cdef int _for_each_state(self, list states, bint get) except -1:
        """Write the states to arrays, or set them to those in arrays, after a check of all."""
        cdef _Arrays arrays
        cdef gru_status status = GRU_OK
        cdef tuple state_arrays = tuple(states)
        cdef list layers = self.state_layers()
        if len(state_arrays) != len(layers):
            raise ValueError(f"states must hold {len(layers)} arrays, got {len(state_arrays)}")
        for i, state in zip(layers, state_arrays):
            arrays.typenum, arrays.count = self._typenum, 0
            self._state(&arrays, i, state, get)
        self._begin()
        try:
            for i, state in zip(layers, state_arrays):
                if get:
                    status = gru_stream_get_state(self._memory, i, cnp.PyArray_DATA(state))
                else:
                    status = gru_stream_set_state(self._memory, i, cnp.PyArray_DATA(state))
        finally:
            self._busy = False
        return _raise_unless_ok(status)

    cdef int _state(self, _Arrays *arrays, size_t layer, object state, bint written) except -1:
        cdef const gru_problem *problem = &self._layers[layer].problem
        name = f"the state of layer {layer}"
        if not isinstance(state, cnp.ndarray):
            raise TypeError(f"{name} must be an array, got {type(state).__name__}")
        _contiguous(arrays, state, name, written, 2, [problem.batch, _state_width(problem)])
        return 0
