# Part of _core.pyx: batches in which not every step counts.

cdef void *_numbers(_Arrays *arrays, cnp.ndarray array, str name, bint written, int ndim,
                    const cnp.npy_intp *shape) except? NULL:
    """Return a pointer to integers of the size of a pointer; null for None."""
    cdef int flags = cnp.NPY_ARRAY_CARRAY if written else cnp.NPY_ARRAY_CARRAY_RO
    if array is None:
        return NULL
    if not (_is_of(array, cnp.NPY_INTP, flags) and _has_shape(array, ndim, shape)):
        _refuse(array, name, cnp.NPY_INTP, flags, ndim, shape)
    return _add(arrays, array, name, written, 0, cnp.PyArray_NBYTES(array))


def order_steps(cnp.ndarray counts not None, cnp.ndarray ranks not None,
                cnp.ndarray begins not None, cnp.ndarray numbers not None,
                cnp.ndarray shown, cnp.ndarray places not None):
    """Call gru_order_steps, which writes numbers, shown (None: not wanted) and places."""
    cdef _Arrays arrays
    cdef gru_order_args args
    arrays.count = 0
    if cnp.PyArray_NDIM(counts) != 2:
        raise ValueError(f"counts must have shape (B, T), got {_shape(counts)}")
    cdef const cnp.npy_intp *shape = cnp.PyArray_DIMS(counts)
    cdef cnp.npy_intp longest = cnp.PyArray_SIZE(begins), count = cnp.PyArray_SIZE(places)
    if not _is_of(counts, cnp.NPY_BOOL, cnp.NPY_ARRAY_CARRAY_RO):
        _refuse(counts, "counts", cnp.NPY_BOOL, cnp.NPY_ARRAY_CARRAY_RO, 2, shape)
    args.batch, args.time = shape[0], shape[1]
    args.counts = <const unsigned char *>_add(&arrays, counts, "counts", False, 0,
                                              cnp.PyArray_NBYTES(counts))
    args.ranks = <ptrdiff_t *>_numbers(&arrays, ranks, "ranks", False, 1, shape)
    args.begins = <ptrdiff_t *>_numbers(&arrays, begins, "begins", False, 1, &longest)
    args.longest, args.count = longest, count
    args.numbers = <ptrdiff_t *>_numbers(&arrays, numbers, "numbers", True, 2, shape)
    args.shown = <ptrdiff_t *>_numbers(&arrays, shown, "shown", True, 2, shape)
    args.places = <ptrdiff_t *>_numbers(&arrays, places, "places", True, 1, &count)
    _require_apart(&arrays)
    if gru_order_steps(&args) != GRU_OK:
        raise ValueError(f"begins must have an entry for each step of a row that counts, and its sum "
                         f"with the row's rank must be a number of places: 0 to {count - 1}")


def take_steps(cnp.ndarray source not None, cnp.ndarray index not None,
               cnp.ndarray numbers, cnp.ndarray out not None, int threads):
    """Call gru_take_steps: write rows of source (B', T', n), taken by index (B, T), to out (B, T, n).

    `numbers` (B', T') tells which rows are added to those that are taken; None: none.
    """
    cdef _Arrays arrays
    cdef gru_take_args args
    cdef gru_status status
    _begin_with(&arrays, out, "out")
    if cnp.PyArray_NDIM(source) != 3 or cnp.PyArray_NDIM(out) != 3:
        raise ValueError(f"source and out must have three axes, got {_shape(source)} and "
                         f"{_shape(out)}")
    cdef const cnp.npy_intp *to = cnp.PyArray_DIMS(out)
    cdef cnp.npy_intp B = cnp.PyArray_DIM(source, 0), T = cnp.PyArray_DIM(source, 1)
    args.dtype = _dtype(&arrays)
    args.width = to[2]
    args.from_batch, args.from_time, args.to_batch, args.to_time = B, T, to[0], to[1]
    args.from_ = _sequence_in(&arrays, source, "source", [B, T, to[2]])
    args.to = _sequence(&arrays, out, "out", True, to)
    args.index = <ptrdiff_t *>_numbers(&arrays, index, "index", False, 2, to)
    args.numbers = <ptrdiff_t *>_numbers(&arrays, numbers, "numbers", False, 2, [B, T])
    args.threads = threads
    _require_apart(&arrays)
    with nogil:
        status = gru_take_steps(&args)
    _raise_unless_ok(status)
