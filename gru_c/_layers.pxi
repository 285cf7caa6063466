# Part of _core.pyx: layers of streams and predictors, and their packed weights.

cdef int _set_layer(gru_layer *layer, object stage, size_t batch) except -1:
    """Set a layer to a core_stage.CoreStage, except for its packed weights."""
    if not isinstance(stage, tuple) or len(stage) != 7:
        raise TypeError(f"a stage of a stream must be a CoreStage, got {stage!r}")
    dense, features, units, typenum, cell, weights_format, _ = stage
    if typenum not in (cnp.NPY_FLOAT32, cnp.NPY_FLOAT64):
        raise TypeError(f"a stage's typenum must be {cnp.NPY_FLOAT32} or {cnp.NPY_FLOAT64}, "
                        f"NumPy's numbers of float32 and float64, got {typenum!r}")
    cdef gru_problem *problem = &layer.problem
    layer.dense = <bint>dense
    layer.packed = NULL
    layer.weights = gru_weights(NULL, NULL, NULL)
    layer.last_step = layer.backwards = False
    problem.batch, problem.time, problem.input, problem.units = batch, 1, features, units
    problem.dtype = GRU_F32 if typenum == cnp.NPY_FLOAT32 else GRU_F64
    problem.engine = GRU_ENGINE_PACKED
    problem.threads = 1
    problem.weights_format = <gru_weight_format><int>weights_format
    if not layer.dense:
        return _set_cell(problem, cell)
    problem.cell = GRU_CELL_GRU
    problem.reset_after = problem.masks_state = problem.weights_are_packed = 0
    problem.kind = _usual_kind()
    problem.kind.activation.function = <gru_function><int>cell
    return 0


cdef gru_layer *_new_layers(list stages, size_t batch) except NULL:
    """Return memory with layers as `_set_layer` sets them, which the caller frees."""
    cdef gru_layer *layers
    if not stages:
        raise ValueError("stages must hold at least one stage, got none")
    layers = <gru_layer *>PyMem_RawMalloc(len(stages) * sizeof(gru_layer))
    if layers == NULL:
        raise MemoryError(f"could not allocate {len(stages)} layers")
    try:
        for i, stage in enumerate(stages):
            _set_layer(&layers[i], stage, batch)
            _set_packed(&layers[i], stage[-1], i)
    except:
        PyMem_RawFree(layers)
        raise
    return layers


cdef int _typenum_of(const gru_problem *problem) noexcept:
    return cnp.NPY_FLOAT32 if problem.dtype == GRU_F32 else cnp.NPY_FLOAT64


cdef gru_weights _layer_weights(_Arrays *arrays, const gru_layer *layer, cnp.ndarray kernel,
                                cnp.ndarray recurrent_kernel, cnp.ndarray bias) except *:
    """Return the weights of a layer, after a check; those of a dense one have no third array."""
    cdef gru_weights weights = gru_weights(NULL, NULL, NULL)
    if kernel is None or (not layer.dense and recurrent_kernel is None):
        raise TypeError(f"{'kernel' if kernel is None else 'recurrent_kernel'} must be an array, "
                        "got None")
    if not layer.dense:
        return _weights(arrays, &layer.problem, kernel, recurrent_kernel, bias)
    if recurrent_kernel is not None:
        raise TypeError("recurrent_kernel must be None: a dense layer has none")
    cdef Py_ssize_t I = layer.problem.input, H = layer.problem.units
    weights.kernel = _in(arrays, kernel, "kernel", 2, [I, H])
    weights.bias = _in(arrays, bias, "bias", 1, [H])
    return weights


def layer_pack(object stage, cnp.ndarray kernel not None, cnp.ndarray recurrent_kernel,
               cnp.ndarray bias):
    """Return gru_layer_pack's array of bytes for the layer that `stage` describes."""
    cdef _Arrays arrays
    cdef gru_layer layer
    cdef gru_weights weights
    cdef gru_status status
    cdef size_t size
    _set_layer(&layer, stage, 1)
    arrays.typenum, arrays.count = _typenum_of(&layer.problem), 0
    weights = _layer_weights(&arrays, &layer, kernel, recurrent_kernel, bias)
    _raise_unless_ok(gru_layer_packed_bytes(&layer, &size))
    cdef cnp.ndarray packed = _bytes_on_a_line(size)
    cdef void *data = cnp.PyArray_DATA(packed)
    with nogil:
        status = gru_layer_pack(&layer, &weights, data)
    _raise_unless_ok(status)
    return packed


cdef int _set_packed(gru_layer *layer, object packed, Py_ssize_t number) except -1:
    """Let a layer read packed weights; TypeError or ValueError if they are not such."""
    cdef _Arrays arrays
    cdef size_t size
    name, arrays.count = f"packed of stage {number}", 0
    if not isinstance(packed, cnp.ndarray):
        raise TypeError(f"{name} must be an array, got {type(packed).__name__}")
    _raise_unless_ok(gru_layer_packed_bytes(layer, &size))
    layer.packed = _packed(&arrays, packed, name, size)
    return 0
