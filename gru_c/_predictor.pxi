# Part of _core.pyx: predictors, which run layers one after the other over whole sequences.

# The GIL is released for so many multiply-adds and more, some 2 us: between calls as short as that
# other threads get it in any case.
cdef double _SHARED = 100e3


cdef int _require_arrays(object kernel, object recurrent_kernel, object bias) except -1:
    """Raise TypeError for a weight that is neither an array nor None."""
    named = {"kernel": kernel, "recurrent_kernel": recurrent_kernel, "bias": bias}
    for name, array in named.items():
        if array is not None and not isinstance(array, cnp.ndarray):
            raise TypeError(f"{name} must be an array, got {type(array).__name__}")
    return 0


@cython.final
cdef class Predictor:
    """Layers over whole sequences. Any number of threads may call `run` at once.

    Parameters
    ----------
    stages : list of tuple
        Of each layer (stage, kernel, recurrent_kernel, bias, last_step, backwards): the
        `CoreStage` with its packed weights, and the weights themselves, which must not change.
    timed : bool
        True if the input is (B, T, I), False if it is (B, I).
    steps : int
        The number of time steps T that an input must have; -1 for any.
    """

    cdef gru_layer *_layers
    cdef Py_ssize_t _count
    cdef readonly tuple stages  # arrays, for as long as they are read
    cdef int _typenum
    cdef bint _timed, _gives_steps
    cdef Py_ssize_t _steps
    cdef double _work_per_step
    cdef const char *_isa

    def __cinit__(self, list stages not None, bint timed, Py_ssize_t steps):
        cdef _Arrays arrays
        cdef gru_layer *layer
        self.stages = tuple(map(tuple, stages))
        self._count, self._steps = len(stages), steps
        self._timed = self._gives_steps = timed
        self._layers = _new_layers(list(map(itemgetter(0), self.stages)), 1)
        self._typenum = _typenum_of(&self._layers[0].problem)
        self._isa = gru_active_isa()
        for i, (_, kernel, recurrent_kernel, bias, last_step, backwards) in enumerate(self.stages):
            layer = &self._layers[i]
            arrays.typenum, arrays.count = self._typenum, 0
            _require_arrays(kernel, recurrent_kernel, bias)
            layer.weights = _layer_weights(&arrays, layer, kernel, recurrent_kernel, bias)
            layer.last_step, layer.backwards = <bint>last_step, <bint>backwards
            self._work_per_step += _work(&layer.problem)
            if layer.last_step:
                self._gives_steps = False

    def __dealloc__(self):
        PyMem_RawFree(self._layers)

    def run(self, object x, object out, int threads):
        """Return the output for x, written to `out` if that is not None.

        With a time axis, x is (B, T, I), or (T, I) for one sequence, whose output has no batch
        axis; without one it is (B, I). Returns None, without a computation, for arrays that the
        core cannot read or write.
        """
        cdef const cnp.npy_intp *shape
        cdef cnp.npy_intp out_shape[3]
        cdef gru_layers_args args
        cdef int ndim, out_ndim
        cdef Py_ssize_t I = self._layers[0].problem.input
        if type(x) is not cnp.ndarray:
            return None
        ndim = cnp.PyArray_NDIM(<cnp.ndarray>x)
        if not (ndim == 2 or (ndim == 3 and self._timed)) or not _plain(x, self._typenum, ndim):
            return None
        shape = cnp.PyArray_DIMS(<cnp.ndarray>x)
        if shape[ndim - 1] != I or gru_active_isa() != self._isa:
            return None
        args.batch = shape[0] if ndim == 3 or not self._timed else 1
        args.time = shape[ndim - 2] if self._timed else 1
        if self._timed and self._steps >= 0 and args.time != <size_t>self._steps:
            return None
        out_ndim = 0
        if ndim == 3 or not self._timed:
            out_shape[out_ndim] = args.batch
            out_ndim += 1
        if self._gives_steps:
            out_shape[out_ndim] = args.time
            out_ndim += 1
        out_shape[out_ndim] = self._layers[self._count - 1].problem.units
        out_ndim += 1
        if out is None:
            out = cnp.PyArray_EMPTY(out_ndim, out_shape, self._typenum, 0)
        elif not self._writes(out, out_ndim, out_shape, <cnp.ndarray>x):
            return None
        args.x = gru_sequence_in(cnp.PyArray_DATA(<cnp.ndarray>x), args.time * I, I)
        args.output = cnp.PyArray_DATA(<cnp.ndarray>out)
        args.tape = NULL
        args.threads = threads
        self._run(&args)
        return out

    cdef bint _writes(self, object out, int ndim, const cnp.npy_intp *shape, cnp.ndarray x):
        """Return True for an array of that shape that can be written and lies apart from x."""
        if not (_plain(out, self._typenum, ndim) and _has_shape(<cnp.ndarray>out, ndim, shape)
                and cnp.PyArray_ISWRITEABLE(<cnp.ndarray>out)):
            return False
        cdef char *begin = <char *>cnp.PyArray_DATA(<cnp.ndarray>out)
        cdef char *x_begin = <char *>cnp.PyArray_DATA(x)
        return (begin + cnp.PyArray_NBYTES(<cnp.ndarray>out) <= x_begin
                or x_begin + cnp.PyArray_NBYTES(x) <= begin)

    cdef int _run(self, gru_layers_args *args) except -1:
        """Call gru_layers_forward with a workspace: that of an earlier call if it is large enough."""
        cdef gru_status status = GRU_SMALL_WORKSPACE
        cdef double work = self._work_per_step * args.batch * args.time
        cdef bint shared = work >= _SHARED
        cdef size_t size = 0
        cdef _Memory memory
        cdef _Watch watch
        while status == GRU_SMALL_WORKSPACE:
            _borrow(size, &memory)
            args.workspace = memory.data
            if shared:
                _begin_watch(&watch, work)
                with nogil:
                    status = gru_layers_forward(self._layers, self._count, args, memory.size, &size)
                _give_back(memory)
                _end_watch(&watch)
            else:
                status = gru_layers_forward(self._layers, self._count, args, memory.size, &size)
                _give_back(memory)
        return _raise_unless_ok(status)
