# Part of _core.pyx: connectionist temporal classification.

cdef int32_t *_lengths(cnp.ndarray array, str name, Py_ssize_t count) except? NULL:
    if (cnp.PyArray_TYPE(array) != cnp.NPY_INT32 or cnp.PyArray_SIZE(array) != count
            or not cnp.PyArray_ISCARRAY_RO(array)):
        raise ValueError(f"{name} must be a contiguous array of {count} int32, got "
                         f"{array.dtype} of shape {_shape(array)}")
    return <int32_t *>cnp.PyArray_DATA(array)


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
    if cnp.PyArray_NDIM(logits) != 3 or cnp.PyArray_NDIM(targets) != 2:
        raise ValueError("logits must have 3 axes and targets 2, got shapes "
                         f"{_shape(logits)} and {_shape(targets)}")
    cdef Py_ssize_t B = cnp.PyArray_DIM(logits, 0), T = cnp.PyArray_DIM(logits, 1)
    cdef Py_ssize_t C = cnp.PyArray_DIM(logits, 2), L = cnp.PyArray_DIM(targets, 1)
    args.dtype = _dtype(&arrays)
    args.batch, args.time, args.classes, args.labels = B, T, C, L
    args.logits = _in(&arrays, logits, "logits", 3, [B, T, C])
    args.targets = _lengths(targets, "targets", B * L)
    args.input_lengths = _lengths(input_lengths, "input_lengths", B)
    args.target_lengths = _lengths(target_lengths, "target_lengths", B)
    args.blank = blank
    if (cnp.PyArray_TYPE(losses) != cnp.NPY_FLOAT64 or cnp.PyArray_SIZE(losses) != B
            or not cnp.PyArray_ISCARRAY(losses)):
        raise ValueError(f"losses must be a contiguous array of {B} float64")
    args.losses = <double *>cnp.PyArray_DATA(losses)
    args.d_logits = NULL if d_logits is None else _out(&arrays, d_logits, "d_logits", 3, [B, T, C])
    _require_apart(&arrays)
    _raise_unless_ok(gru_ctc_bytes(&args, &size))
    _borrow(size, &memory)
    args.workspace = memory.data
    with nogil:
        status = gru_ctc(&args)
    _give_back(memory)
    _raise_unless_ok(status)
