# One sample, as fast as a call from Python can be: no checks but those that the kernels rely on, no memory but the
# result's. What is not as simple as that, or wrong, is left to the general way, which tells what is wrong with it.
# (The GIL is held throughout: the memory is the plan's.)

# Looked up once: that takes a tenth of such a call.
cdef object new_array = numpy.empty
cdef object ARRAY = numpy.ndarray
cdef object NUMBER = numpy.float64
cdef object FLOAT32 = numpy.dtype("float32")
cdef object FLOAT64 = numpy.dtype("float64")

cdef long long MOST_EXACT = 1 << 53  # whole numbers to here are float64 as they are
cdef double WORK_OF_A_CALL = 1e7     # more holds the GIL too long


cdef class OneSample(Workspace):
    """The memory for one sample, and where it was given."""

    cdef double *numbers  # (n_1,): those of a list
    cdef const void *x    # (n_1,), of the type `kind`, aligned
    cdef int kind
    cdef bint is_row      # given as (1, n_1)

    def __cinit__(self, Plan plan, Py_ssize_t rows, size_t itemsize, size_t extra_bytes):
        self.numbers = <double *> self.reserve(extra_bytes)

    cdef bint take(self, x) except -1:
        """Whether x is a sample that the core reads as it stands: an array of one of INPUTS, (n_1,) or (1, n_1), or a
        list or a tuple of numbers."""
        if type(x) is ARRAY:
            return self.take_array(x)
        return (type(x) is list or type(x) is tuple) and self.take_numbers(x)

    cdef bint take_array(self, x) except -1:
        cdef Py_buffer given
        cdef bint fits
        try:
            PyObject_GetBuffer(x, &given, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
        except (BufferError, ValueError):
            return False
        self.x, self.kind, self.is_row = given.buf, kind_of(&given), given.ndim == 2
        fits = self.kind >= 0 and is_vector(&given, self.plan.net.layers[0].n_in)
        PyBuffer_Release(&given)
        return fits

    cdef bint take_numbers(self, x) except -1:
        """A list is what NumPy makes of it: float64, or whole numbers, which are the same as float64."""
        cdef Py_ssize_t i = 0
        cdef long long number
        cdef int overflow
        if len(x) != self.plan.net.layers[0].n_in:
            return False
        for each in x:
            if type(each) is float or type(each) is NUMBER:
                self.numbers[i] = each
            elif type(each) is int:
                number = PyLong_AsLongLongAndOverflow(each, &overflow)
                if overflow or not -MOST_EXACT <= number <= MOST_EXACT:
                    return False
                self.numbers[i] = number
            else:
                return False
            i += 1
        self.x, self.kind, self.is_row = self.numbers, CR_INPUT_float64, False
        return True

    cdef bint may_take(self, const Py_buffer *out) noexcept:
        """Whether the outputs can be written there: in the network's dtype, and shaped as x is. Of a vector all is
        read before anything is written."""
        cdef const Net *net = &self.plan.net
        cdef const char *x = <const char *> self.x
        cdef const char *start = <const char *> out.buf
        cdef Py_ssize_t x_bytes = net.layers[0].n_in * cr_input_sizes[self.kind]
        if kind_of(out) != (CR_INPUT_float32 if self.itemsize == sizeof(float) else CR_INPUT_float64):
            return False
        if not is_vector(out, net.layers[net.depth - 1].n_out) or (out.ndim == 2) != self.is_row:
            return False
        return not self.is_row or start + out.len <= x or x + x_bytes <= start

    cdef new(self, tuple shape):
        """A new array for what is said of the sample, of this shape, with the axis of x in front."""
        return new_array((1, *shape) if self.is_row else shape,
                         FLOAT32 if self.itemsize == sizeof(float) else FLOAT64)


cdef bint is_vector(const Py_buffer *buffer, Py_ssize_t n) noexcept:
    """Whether it has n numbers, aligned, as (n,) or (1, n)."""
    cdef bint is_row = buffer.ndim == 2 and buffer.shape[0] == 1
    return ((is_row or buffer.ndim == 1) and buffer.shape[buffer.ndim - 1] == n
            and <size_t> buffer.buf % <size_t> buffer.itemsize == 0)


cdef OneSample one_sample_of(Plan plan, parameters, x, const void **p):
    """The plan's memory with the sample x in it, and where the parameters stand; None where x is not as simple as that,
    where functions in Python take part, and where there is no plan yet."""
    cdef Py_buffer buffer
    if plan is None or plan.calls_python:
        return None
    PyObject_GetBuffer(parameters, &buffer, 0)
    p[0] = buffer.buf
    if plan.one_sample is None:
        plan.one_sample = OneSample(plan, 1, buffer.itemsize, padded(plan.net.layers[0].n_in * sizeof(double)))
    PyBuffer_Release(&buffer)
    return <OneSample> plan.one_sample if (<OneSample> plan.one_sample).take(x) else None


cdef inline bint read_one(Rows *a, OneSample one, const real *precision) noexcept:
    """a <- a^1 of the sample; whether it is finite."""
    cdef const Net *net = &one.plan.net
    cdef Py_ssize_t n_in = net.layers[0].n_in
    a.a, a.sparse, a.coming.rows = one.x, NULL, 0
    if net.scaling or one.kind != own_kind[real](precision):
        kernels.convert[real](one.kind, <real *> one.xs[0], one.x, NULL, 1, n_in, net.scaling)
        a.a = one.xs[0]
    return kernels.finite[real](<const real *> a.a, n_in)


cdef inline bint one_forward(OneSample one, const real *parameters, real *out) noexcept:
    """out (n_L,) <- what is said of the sample, unless a^1 is not finite."""
    cdef const Net *net = &one.plan.net
    cdef Part one_row = whole(1, 0)
    cdef Rows a
    cdef void *own = one.tape.a[net.depth - 1]
    if not read_one[real](&a, one, out):
        return False
    one.tape.a[net.depth - 1] = out
    equations.feedforward[real](net, parameters, &a, &one_row, one.tape)
    one.tape.a[net.depth - 1] = own
    scale_outputs[real](net, out, 1)
    return True


def feedforward_one(Plan plan, parameters, x, out):
    """out, or a new array, (n_L,) or (1, n_L), <- what the network says of one sample x (n_1,) or (1, n_1); None where
    x, or out, is not as simple as `OneSample` has it."""
    cdef Py_buffer result
    cdef const void *p
    cdef OneSample one = one_sample_of(plan, parameters, x, &p)
    cdef bint done = False
    if one is None or (out is not None and type(out) is not ARRAY):
        return None
    if out is None:
        out = one.new((plan.net.layers[plan.net.depth - 1].n_out,))
    try:
        PyObject_GetBuffer(out, &result, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)
    except (BufferError, ValueError):
        return None
    if one.may_take(&result):
        if one.itemsize == sizeof(float):
            done = one_forward[float](one, <const float *> p, <float *> result.buf)
        else:
            done = one_forward[double](one, <const double *> p, <double *> result.buf)
    PyBuffer_Release(&result)
    return out if done else None


cdef inline bint one_jacobian(OneSample one, const real *parameters, real *out) noexcept:
    cdef Rows a
    return (read_one[real](&a, one, out)
            and jacobian_of_rows[real](out, &one.plan.net, parameters, &a, 1, one))


def jacobian_one(Plan plan, parameters, x):
    """A new array (n_L, n_1), or (1, n_L, n_1), <- the derivatives of what is said of x by x, likewise; None also where
    it takes long."""
    cdef Py_buffer result
    cdef const void *p
    cdef OneSample one = one_sample_of(plan, parameters, x, &p)
    cdef Py_ssize_t n_in, n_out
    cdef bint done
    if one is None:
        return None
    n_in, n_out = plan.net.layers[0].n_in, plan.net.layers[plan.net.depth - 1].n_out
    if n_out * plan.flops > WORK_OF_A_CALL:
        return None
    out = one.new((n_out, n_in))
    PyObject_GetBuffer(out, &result, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)
    if one.itemsize == sizeof(float):
        done = one_jacobian[float](one, <const float *> p, <float *> result.buf)
    else:
        done = one_jacobian[double](one, <const double *> p, <double *> result.buf)
    PyBuffer_Release(&result)
    return out if done else None
