# What users give, looked at in one call where it is as it should be: `chainrule.checks` looks closer at all else.

cdef object INT32 = numpy.dtype("int32")

ctypedef fused label:
    uint8_t
    int32_t
    int64_t


def is_ready(x, dtype, double limit):
    """Whether x is an array that the core takes as it stands: in C order and aligned, of this dtype, float32 or float64,
    and each |x| below the limit. NaN is not, infinity never."""
    cdef Py_buffer buffer
    cdef bint ready = False
    if type(x) is not ARRAY:
        return False
    own = x.dtype
    if own is not dtype and own != dtype:
        return False
    try:
        PyObject_GetBuffer(x, &buffer, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
    except (BufferError, ValueError):
        return False
    if kind_of(&buffer) == CR_INPUT_float32:
        ready = are_below[float](&buffer, limit)
    elif kind_of(&buffer) == CR_INPUT_float64:
        ready = are_below[double](&buffer, limit)
    PyBuffer_Release(&buffer)
    return ready


cdef inline bint are_below(const Py_buffer *buffer, real limit) noexcept:
    cdef size_t n = buffer.len // sizeof(real)
    return (<size_t> buffer.buf % sizeof(real) == 0
            and kernels.count_below[real](<const real *> buffer.buf, n, limit) == n)


cdef inline bint copy_labels(int32_t *out, const label *y, Py_ssize_t m, int64_t n) noexcept nogil:
    """out (m,) <- y; whether all are from 0 to n - 1."""
    cdef Py_ssize_t i
    cdef bint outside = False
    for i in range(m):
        out[i] = <int32_t> y[i]
        outside |= <int64_t> y[i] < 0 or <int64_t> y[i] >= n
    return not outside


def labels_of(y, Py_ssize_t n):
    """Labels y (m,) in int32, in an array of their own, if they are whole numbers from 0 to n - 1 in an array in C
    order; None if not."""
    cdef Py_buffer buffer
    cdef int32_t[::1] out
    cdef bint fit = False
    if type(y) is not ARRAY:
        return None
    try:
        PyObject_GetBuffer(y, &buffer, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
    except (BufferError, ValueError):
        return None
    if buffer.ndim == 1 and buffer.shape[0] > 0 and <size_t> buffer.buf % <size_t> buffer.itemsize == 0:
        labels = new_array(buffer.shape[0], INT32)
        out = labels
        if kind_of(&buffer) == CR_INPUT_int64:
            fit = copy_labels(&out[0], <const int64_t *> buffer.buf, buffer.shape[0], n)
        elif kind_of(&buffer) == CR_INPUT_int32:
            fit = copy_labels(&out[0], <const int32_t *> buffer.buf, buffer.shape[0], n)
        elif kind_of(&buffer) == CR_INPUT_uint8:
            fit = copy_labels(&out[0], <const uint8_t *> buffer.buf, buffer.shape[0], n)
    PyBuffer_Release(&buffer)
    return labels if fit else None


cdef inline Py_ssize_t count_rows_of_one(const real *y, Py_ssize_t m, Py_ssize_t n, real low) noexcept nogil:
    cdef Py_ssize_t i, j, ones, rows = 0
    for i in range(m):
        ones = 0
        for j in range(n):
            if y[i * n + j] == 1:
                ones += 1
            elif y[i * n + j] != low:
                return -1
        rows += ones == 1
    return rows


def rows_of_one(Y, double low):
    """How many rows of Y (m, n_L) have a single 1; -1 if any of its numbers is neither 1 nor `low`."""
    cdef Py_buffer buffer
    cdef Py_ssize_t rows
    PyObject_GetBuffer(Y, &buffer, PyBUF_C_CONTIGUOUS)
    if buffer.itemsize == sizeof(float):
        rows = count_rows_of_one[float](<const float *> buffer.buf, buffer.shape[0], buffer.shape[1], low)
    else:
        rows = count_rows_of_one[double](<const double *> buffer.buf, buffer.shape[0], buffer.shape[1], low)
    PyBuffer_Release(&buffer)
    return rows


def read_order(given, int32_t[::1] out, uint8_t[::1] seen):
    """out (m,) <- an order of m rows, int32 or int64 in an array in C order; whether it has each of 0 ... m - 1 once.
    seen (m,): room."""
    cdef Py_buffer buffer
    cdef Py_ssize_t i, m = out.shape[0]
    cdef bint fit = False
    if not get_numbers(given, &buffer):
        return False
    if are_whole(&buffer, m) and read_places(&buffer, &out[0], m, m):
        fit = True
        seen[:] = False
        for i in range(m):
            fit &= not seen[out[i]]
            seen[out[i]] = True
    PyBuffer_Release(&buffer)
    return fit
