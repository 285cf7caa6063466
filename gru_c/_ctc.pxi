# Part of _core.pyx: connectionist temporal classification.

cdef void *_of_type(_Arrays *arrays, cnp.ndarray array, str name, int typenum, bint written,
                    int ndim, const cnp.npy_intp *shape) except? NULL:
    """Return a pointer to the elements of an array whose type is not that of the others."""
    cdef int typenum_of_others = arrays.typenum
    arrays.typenum = typenum
    try:
        return _contiguous(arrays, array, name, written, ndim, shape)
    finally:
        arrays.typenum = typenum_of_others


def ctc(cnp.ndarray logits not None, cnp.ndarray targets not None,
        cnp.ndarray input_lengths not None, cnp.ndarray target_lengths not None, int blank,
        cnp.ndarray losses not None, cnp.ndarray d_logits):
    """Write the losses (B) and, unless it is None, the gradients (B, T, C) of logits (B, T, C)."""
    cdef _Arrays arrays
    cdef gru_ctc_args args
    cdef size_t size
    cdef _Memory memory
    cdef gru_status status
    _begin_with(&arrays, logits, "logits")
    if cnp.PyArray_NDIM(logits) != 3:
        raise ValueError(f"logits must have 3 axes, got shape {_shape(logits)}")
    if cnp.PyArray_NDIM(targets) != 2:
        raise ValueError(f"targets must have 2 axes, got shape {_shape(targets)}")
    cdef Py_ssize_t B = cnp.PyArray_DIM(logits, 0), T = cnp.PyArray_DIM(logits, 1)
    cdef Py_ssize_t C = cnp.PyArray_DIM(logits, 2), L = cnp.PyArray_DIM(targets, 1)
    args.dtype = _dtype(&arrays)
    args.batch, args.time, args.classes, args.labels = B, T, C, L
    args.logits = _in(&arrays, logits, "logits", 3, [B, T, C])
    args.targets = <int32_t *>_of_type(
        &arrays, targets, "targets", cnp.NPY_INT32, False, 2, [B, L])
    args.input_lengths = <int32_t *>_of_type(
        &arrays, input_lengths, "input_lengths", cnp.NPY_INT32, False, 1, [B])
    args.target_lengths = <int32_t *>_of_type(
        &arrays, target_lengths, "target_lengths", cnp.NPY_INT32, False, 1, [B])
    args.blank = blank
    args.losses = <double *>_of_type(&arrays, losses, "losses", cnp.NPY_FLOAT64, True, 1, [B])
    args.d_logits = NULL if d_logits is None else _out(&arrays, d_logits, "d_logits", 3, [B, T, C])
    _require_apart(&arrays)
    _raise_unless_ok(gru_ctc_bytes(&args, &size))
    _borrow(size, &memory)
    args.workspace = memory.data
    with nogil:
        status = gru_ctc(&args)
    _give_back(memory)
    _raise_unless_ok(status)
