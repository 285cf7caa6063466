# Part of _core.pyx: connectionist temporal classification.

cdef void *_of_type(cnp.ndarray array, str name, int typenum, bint written, int ndim,
                    const cnp.npy_intp *shape) except? NULL:
    """Return a pointer to the elements of a contiguous array of that type and shape."""
    if cnp.PyArray_TYPE(array) != typenum or cnp.PyArray_ISBYTESWAPPED(array):
        raise TypeError(f"{name} must hold {'int32' if typenum == cnp.NPY_INT32 else 'float64'} in "
                        f"this machine's byte order, got {array.dtype}")
    if not _has_shape(array, ndim, shape):
        raise ValueError(f"{name} must have shape {_numbers_of(shape, ndim)}, got {_shape(array)}")
    if not cnp.PyArray_ISCARRAY_RO(array):
        raise ValueError(f"{name} must be contiguous and aligned, got {_laid_out(array)}")
    if written and not cnp.PyArray_ISWRITEABLE(array):
        raise ValueError(f"{name} is written: it must be writeable")
    return cnp.PyArray_DATA(array)


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
    args.targets = <int32_t *>_of_type(targets, "targets", cnp.NPY_INT32, False, 2, [B, L])
    args.input_lengths = <int32_t *>_of_type(
        input_lengths, "input_lengths", cnp.NPY_INT32, False, 1, [B])
    args.target_lengths = <int32_t *>_of_type(
        target_lengths, "target_lengths", cnp.NPY_INT32, False, 1, [B])
    args.blank = blank
    args.losses = <double *>_of_type(losses, "losses", cnp.NPY_FLOAT64, True, 1, [B])
    args.d_logits = NULL if d_logits is None else _out(&arrays, d_logits, "d_logits", 3, [B, T, C])
    _require_apart(&arrays)
    _raise_unless_ok(gru_ctc_bytes(&args, &size))
    _borrow(size, &memory)
    args.workspace = memory.data
    with nogil:
        status = gru_ctc(&args)
    _give_back(memory)
    _raise_unless_ok(status)
