# Part of _core.pyx: arrays are checked and become pointers here, and nowhere else.
#
# No Python code runs between the check and the core's work, so that only another thread could
# change an array in between.

cdef enum:
    _MOST_ARRAYS = 16


cdef struct _Array:
    PyObject *array
    PyObject *name
    const char *begin  # its first byte, and the byte past its last
    const char *end
    bint written


cdef struct _Arrays:
    # The arrays of one call; all floating-point arrays have one type.
    int typenum
    int count
    _Array items[_MOST_ARRAYS]


cdef cnp.ndarray _array(object array, str name):
    """Return an attribute of a record, which must be an array."""
    if not isinstance(array, cnp.ndarray):
        raise TypeError(f"{name} must be an array, got {type(array).__name__}")
    return <cnp.ndarray>array


cdef cnp.ndarray _array_or_none(object array, str name):
    return None if array is None else _array(array, name)


cdef int _begin_with(_Arrays *arrays, cnp.ndarray array, str name) except -1:
    """Set the type of all arrays of a call to that of this one, float32 or float64."""
    cdef int typenum = cnp.PyArray_TYPE(array)
    arrays.typenum, arrays.count = typenum, 0
    if (typenum != cnp.NPY_FLOAT32 and typenum != cnp.NPY_FLOAT64) or (
            cnp.PyArray_ISBYTESWAPPED(array)):
        raise TypeError(f"{name} must hold float32 or float64 in this machine's byte order, "
                        f"got {array.dtype}")
    return 0


cdef gru_dtype _dtype(const _Arrays *arrays) noexcept:
    return GRU_F32 if arrays.typenum == cnp.NPY_FLOAT32 else GRU_F64


cdef void *_add(_Arrays *arrays, cnp.ndarray array, str name, bint written,
                ptrdiff_t before, ptrdiff_t after) noexcept:
    """Add an array that reaches so many bytes to both sides of its first element."""
    cdef _Array *item = &arrays.items[arrays.count]
    cdef char *data = <char *>cnp.PyArray_DATA(array)
    arrays.count += 1
    item.array, item.name, item.written = <PyObject *>array, <PyObject *>name, written
    item.begin, item.end = data - before, data + after
    return data


cdef bint _has_shape(cnp.ndarray array, int ndim, const cnp.npy_intp *shape) noexcept:
    cdef const cnp.npy_intp *sides = cnp.PyArray_DIMS(array)
    cdef int axis
    if cnp.PyArray_NDIM(array) != ndim:
        return False
    for axis in range(ndim):
        if sides[axis] != shape[axis]:
            return False
    return True


cdef bint _is_of(cnp.ndarray array, int typenum, int flags) noexcept:
    return (cnp.PyArray_TYPE(array) == typenum and cnp.PyArray_CHKFLAGS(array, flags)
            and not cnp.PyArray_ISBYTESWAPPED(array))


cdef void *_contiguous(_Arrays *arrays, cnp.ndarray array, str name, bint written, int ndim,
                       const cnp.npy_intp *shape) except? NULL:
    """Return a pointer to the first element; null for None."""
    if array is None:
        return NULL
    cdef int flags = cnp.NPY_ARRAY_CARRAY if written else cnp.NPY_ARRAY_CARRAY_RO
    if not (_is_of(array, arrays.typenum, flags) and _has_shape(array, ndim, shape)):
        _refuse(array, name, arrays.typenum, flags, ndim, shape)
    return _add(arrays, array, name, written, 0, cnp.PyArray_NBYTES(array))


cdef const void *_in(_Arrays *arrays, cnp.ndarray array, str name, int ndim,
                     const cnp.npy_intp *shape) except? NULL:
    return _contiguous(arrays, array, name, False, ndim, shape)


cdef void *_out(_Arrays *arrays, cnp.ndarray array, str name, int ndim,
                const cnp.npy_intp *shape) except? NULL:
    return _contiguous(arrays, array, name, True, ndim, shape)


cdef void *_bytes(_Arrays *arrays, cnp.ndarray array, str name, bint written, size_t least,
                  size_t most, size_t alignment) except? NULL:
    """Return a pointer to bytes in the core's own layout; null for None."""
    if array is None:
        return NULL
    cdef cnp.npy_intp size = cnp.PyArray_SIZE(array)
    cdef int flags = cnp.NPY_ARRAY_CARRAY if written else cnp.NPY_ARRAY_CARRAY_RO
    if not (_is_of(array, cnp.NPY_UINT8, flags) and _has_shape(array, 1, &size)):
        _refuse(array, name, cnp.NPY_UINT8, flags, 1, &size)
    if not least <= <size_t>size <= most:
        raise ValueError(f"{name} must have {'at least ' if most > least else ''}{least} bytes, "
                         f"got {size}")
    if <size_t>cnp.PyArray_DATA(array) % alignment:
        raise ValueError(f"{name} must begin at a multiple of {alignment} bytes, got the address "
                         f"{<size_t>cnp.PyArray_DATA(array):#x}")
    return _add(arrays, array, name, written, 0, size)


cdef void *_strided(_Arrays *arrays, cnp.ndarray array, str name, bint written, int ndim,
                    const cnp.npy_intp *shape, ptrdiff_t *strides) except? NULL:
    """Return a pointer to the first element; set the strides of all axes but the last, in elements.

    Along the last axis elements lie side by side. The strides that NumPy gives axes of one entry,
    and all axes of an empty array, are arbitrary and are not read.
    """
    cdef int flags = cnp.NPY_ARRAY_BEHAVED if written else cnp.NPY_ARRAY_ALIGNED
    if not (_is_of(array, arrays.typenum, flags) and _has_shape(array, ndim, shape)):
        _refuse(array, name, arrays.typenum, flags, ndim, shape)
    cdef const cnp.npy_intp *in_bytes = cnp.PyArray_STRIDES(array)
    cdef bint empty = cnp.PyArray_SIZE(array) == 0
    cdef ptrdiff_t itemsize = cnp.PyArray_ITEMSIZE(array), width = shape[ndim - 1]
    cdef ptrdiff_t before = 0, after = 0 if empty else width * itemsize
    cdef bint fits = empty or width == 1 or in_bytes[ndim - 1] == itemsize
    cdef int axis
    for axis in range(ndim - 2, -1, -1):
        strides[axis] = width
        width *= shape[axis]
        if shape[axis] > 1 and not empty:
            fits &= in_bytes[axis] % itemsize == 0
            strides[axis] = in_bytes[axis] // itemsize
            before += max(-in_bytes[axis], 0) * (shape[axis] - 1)
            after += max(in_bytes[axis], 0) * (shape[axis] - 1)
    if not fits:
        raise ValueError(f"{name} must have elements side by side along its last axis, and whole "
                         f"elements from step to step along the others, got {_laid_out(array)}")
    if written and not empty and _overlaps_itself(ndim, shape, strides):
        raise ValueError(f"{name} is written: its elements must have places of their own, "
                         f"got {_laid_out(array)}")
    return _add(arrays, array, name, written, before, after)


cdef bint _overlaps_itself(int ndim, const cnp.npy_intp *shape,
                           const ptrdiff_t *strides) noexcept:
    """Return True if elements of an array of 2 or 3 axes share memory."""
    cdef int near = ndim - 2, far = 0
    cdef ptrdiff_t reach = shape[ndim - 1]
    if abs(strides[near]) > abs(strides[far]):
        near, far = far, near
    if shape[near] > 1:
        if abs(strides[near]) < reach:
            return True
        reach += abs(strides[near]) * (shape[near] - 1)
    return near != far and shape[far] > 1 and abs(strides[far]) < reach


cdef gru_sequence_out _sequence(_Arrays *arrays, cnp.ndarray array, str name, bint written,
                                const cnp.npy_intp *shape) except *:
    """Return a (B, T, n) array with its strides in elements; data is null for None."""
    cdef ptrdiff_t strides[2]
    cdef void *data
    if array is None:
        return gru_sequence_out(NULL, 0, 0)
    data = _strided(arrays, array, name, written, 3, shape, strides)
    return gru_sequence_out(data, strides[0], strides[1])


cdef gru_sequence_in _sequence_in(_Arrays *arrays, cnp.ndarray array, str name,
                                  const cnp.npy_intp *shape) except *:
    cdef gru_sequence_out sequence = _sequence(arrays, array, name, False, shape)
    return gru_sequence_in(sequence.data, sequence.stride_batch, sequence.stride_time)


cdef int _require_apart(const _Arrays *arrays) except -1:
    """Raise ValueError for an array that is written and shares memory with another array."""
    cdef const _Array *item
    cdef const _Array *other
    cdef int i, j
    for i in range(arrays.count):
        item = &arrays.items[i]
        for j in range(arrays.count if item.written else 0):
            other = &arrays.items[j]
            if i != j and item.begin < other.end and other.begin < item.end:
                _refuse_shared(<cnp.ndarray>item.array, <str>item.name,
                               <cnp.ndarray>other.array, <str>other.name)
    return 0


# ---- exceptions -----------------------------------------------------------------------------


cdef int _refuse(cnp.ndarray array, str name, int typenum, int flags, int ndim,
                 const cnp.npy_intp *shape) except -1:
    """Raise the exception for an array of another type, shape or layout."""
    dtype, wanted = cnp.PyArray_DescrFromType(typenum), _numbers_of(shape, ndim)
    if cnp.PyArray_TYPE(array) != typenum or cnp.PyArray_ISBYTESWAPPED(array):
        raise TypeError(f"{name} must hold {dtype}, got {array.dtype}")
    if not _has_shape(array, ndim, shape):
        raise ValueError(f"{name} must have shape {wanted}, got {_shape(array)}")
    if not cnp.PyArray_CHKFLAGS(array, flags & ~cnp.NPY_ARRAY_BEHAVED):
        raise ValueError(f"{name} must be C-contiguous, got {_laid_out(array)}")
    if not cnp.PyArray_CHKFLAGS(array, flags & ~cnp.NPY_ARRAY_WRITEABLE):
        raise ValueError(f"{name} must be aligned to the size of its elements, got the address "
                         f"{<size_t>cnp.PyArray_DATA(array):#x} and {_laid_out(array)}")
    raise ValueError(f"{name} is written: it must be writeable, got a read-only array")


cdef int _refuse_shared(cnp.ndarray array, str name, cnp.ndarray other, str other_name) except -1:
    """Raise ValueError if two arrays share elements, and not only a range of addresses."""
    if shares_memory(cnp.ndarray.view(array, cnp.ndarray), cnp.ndarray.view(other, cnp.ndarray)):
        raise ValueError(f"{name} is written and {other_name} is used beside it: "
                         "they must not share memory")
    return 0


# Lists are made without comprehensions: where memory runs out in one, Cython 3.3 releases the item
# twice, and the next use of that array would read what is no longer there.


cdef tuple _numbers_of(const cnp.npy_intp *numbers, int count):
    cdef list result = []
    cdef int i
    for i in range(count):
        result.append(numbers[i])
    return tuple(result)


cdef tuple _shape(cnp.ndarray array):
    return _numbers_of(cnp.PyArray_DIMS(array), cnp.PyArray_NDIM(array))


cdef str _laid_out(cnp.ndarray array):
    strides = _numbers_of(cnp.PyArray_STRIDES(array), cnp.PyArray_NDIM(array))
    return f"shape {_shape(array)} with strides {strides} in bytes"
