# Part of _core.pyx: layers of the core, one after the other, one time step at a time.

cdef int _set_layer(gru_stream_layer *layer, object stage, size_t batch) except -1:
    """Fill in what a stages.CoreStage says."""
    dense, features, units, typenum, cell, weights_format, packed = stage
    cdef gru_problem *problem = &layer.problem
    layer.dense = dense
    layer.packed = _data(packed)
    problem.batch, problem.time, problem.input, problem.units = batch, 1, features, units
    problem.dtype = GRU_F32 if typenum == cnp.NPY_FLOAT32 else GRU_F64
    problem.engine = GRU_ENGINE_PACKED
    problem.threads = 1
    problem.weights_format = <gru_weight_format><int>weights_format
    if not dense:
        return _set_cell(problem, cell)
    problem.reset_after = problem.masks_state = 0
    problem.kind = _usual_kind()
    problem.kind.activation.function = <gru_function><int>cell
    return 0


def stream_pack(object stage, cnp.ndarray kernel not None, cnp.ndarray recurrent_kernel,
                cnp.ndarray bias):
    """gru_stream_pack for the layer that `stage` describes: an array of bytes."""
    cdef gru_stream_layer layer
    cdef gru_weights weights = gru_weights(_data(kernel), _data(recurrent_kernel), _data(bias))
    cdef gru_status status
    cdef size_t size
    _set_layer(&layer, stage, 1)
    _raise_unless_ok(gru_stream_packed_bytes(&layer, &size))
    cdef cnp.ndarray packed = _bytes_on_a_line(size)
    cdef void *data = _data(packed)
    with nogil:
        status = gru_stream_pack(&layer, &weights, data)
    _raise_unless_ok(status)
    return packed


cdef class Stack:
    """Layers as `stream_pack` takes them, with their packed weights, and their states.

    Only one thread at a time may be at work on it; another one's call raises RuntimeError.
    """

    cdef void *_memory
    cdef gru_stream_layer *_layers
    cdef Py_ssize_t _count
    cdef readonly list packed  # weights, for as long as they are read
    cdef int _typenum
    cdef bint _long, _busy

    def __cinit__(self, list stages not None, size_t batch):
        cdef size_t size
        cdef double work = 0
        self._count = len(stages)
        self._layers = <gru_stream_layer *>PyMem_RawMalloc(
            self._count * sizeof(gru_stream_layer) + 1)
        if self._layers == NULL:
            raise MemoryError(f"could not allocate the layers of a stream: {self._count}")
        for i, stage in enumerate(stages):
            _set_layer(&self._layers[i], stage, batch)
            work += _work(&self._layers[i].problem)
        self._typenum = stages[0].typenum
        self._long = work >= _LONG
        self.packed = [stage.packed for stage in stages]
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
        """Take x (B, I) a step on; return the output (B, n), which is `out` where it is given.

        None, and nothing is done, when an array is not as the core reads it.
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
        x_data, y_data = _data(x), _data(out)
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
        """Forget the last step."""
        self._begin()
        gru_stream_step_back(self._memory)
        self._busy = False

    def state_layers(self):
        """Return the numbers of the layers that have a state."""
        return [i for i in range(self._count) if not self._layers[i].dense]

    def get_states(self, list states not None):
        """Write the states (B, H) of the layers that have one to contiguous arrays."""
        cdef gru_status status = GRU_OK
        self._begin()
        for i, state in zip(self.state_layers(), states):
            status = gru_stream_get_state(self._memory, i, _data(state))
        self._busy = False
        _raise_unless_ok(status)

    def set_states(self, list states not None):
        """Set them to what such arrays hold."""
        cdef gru_status status = GRU_OK
        self._begin()
        for i, state in zip(self.state_layers(), states):
            status = gru_stream_set_state(self._memory, i, _data(state))
        self._busy = False
        _raise_unless_ok(status)
