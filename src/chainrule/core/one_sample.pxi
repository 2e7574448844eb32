# One sample forward, as fast as a call from Python can be: no checks but those that the kernels rely on, no memory but
# the result's.

# Looked up once: that takes a tenth of such a call.
cdef object new_array = numpy.empty
cdef object FLOAT32 = numpy.dtype("float32")
cdef object FLOAT64 = numpy.dtype("float64")


cdef bint holds(Py_buffer *buffer, char kind, Py_ssize_t n, size_t itemsize) noexcept:
    """Whether it is a vector of n such numbers, aligned."""
    return (buffer.ndim == 1 and buffer.len == <Py_ssize_t> (n * itemsize) and buffer.format != NULL
            and buffer.format[0] == kind and buffer.format[1] == 0 and <size_t> buffer.buf % itemsize == 0)


cdef inline bint one_forward(Plan plan, const real *parameters, const real *x, real *out) noexcept:
    """out (n_L,) <- what is said of x (n_1,), unless a^1 is not finite."""
    cdef Workspace work = <Workspace> plan.one_sample
    cdef Part one_row = whole(1, 0)
    cdef Rows row
    cdef Py_ssize_t n_in = plan.net.layers[0].n_in
    cdef void *own = work.tape.a[plan.net.depth - 1]
    row.a, row.sparse, row.coming.rows = x, NULL, 0
    if plan.net.scaling:
        kernels.convert[real](own_kind[real](x), <real *> work.xs[0], x, NULL, 1, n_in, plan.net.scaling)
        row.a = <const real *> work.xs[0]
    if not kernels.finite[real](<const real *> row.a, n_in):
        return False
    work.tape.a[plan.net.depth - 1] = out
    equations.feedforward[real](&plan.net, parameters, &row, &one_row, work.tape)
    work.tape.a[plan.net.depth - 1] = own
    scale_outputs[real](&plan.net, out, 1)
    return True


def feedforward_one(Plan plan, parameters, x, out):
    """out, or a new array (n_L,), <- what the network says of x (n_1,); None where x, or out, is not as simple as that,
    a vector of finite numbers of the network's own type, one after another, and where there is no plan yet. (The GIL
    is held: the memory is the plan's.)"""
    cdef Py_buffer given, p, result
    cdef char kind
    cdef size_t itemsize
    cdef Py_ssize_t n_out
    cdef bint done = False
    if plan is None or plan.calls_python or type(x) is not numpy.ndarray:
        return None
    if out is not None and type(out) is not numpy.ndarray:
        return None
    PyObject_GetBuffer(parameters, &p, PyBUF_FORMAT)
    kind, itemsize = p.format[0], sizeof(float) if p.format[0] == c'f' else sizeof(double)
    try:
        PyObject_GetBuffer(x, &given, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
    except (BufferError, ValueError):
        PyBuffer_Release(&p)
        return None
    n_out = plan.net.layers[plan.net.depth - 1].n_out
    if holds(&given, kind, plan.net.layers[0].n_in, itemsize):
        try:
            if out is None:
                out = new_array(n_out, FLOAT32 if kind == c'f' else FLOAT64)
            PyObject_GetBuffer(out, &result, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)
            if holds(&result, kind, n_out, itemsize):
                if plan.one_sample is None:
                    plan.one_sample = Workspace(plan, 1, itemsize)
                if kind == c'f':
                    done = one_forward[float](plan, <const float *> p.buf, <const float *> given.buf,
                                              <float *> result.buf)
                else:
                    done = one_forward[double](plan, <const double *> p.buf, <const double *> given.buf,
                                               <double *> result.buf)
            PyBuffer_Release(&result)
        except (BufferError, ValueError, TypeError):
            pass
    PyBuffer_Release(&given)
    PyBuffer_Release(&p)
    return out if done else None
