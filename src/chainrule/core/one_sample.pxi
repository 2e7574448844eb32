# One sample, as fast as a call from Python can be: no checks but those that the kernels rely on, no memory but the
# result's. What is not as simple as that, or wrong, is left to the general way, which tells what is wrong with it.
# (The memory is the plan's; a call takes it and gives it back, since without the GIL another may run beside it.)

# Looked up once: that takes a tenth of such a call.
cdef object new_array = numpy.empty
cdef object NUMBER = numpy.float64
cdef object FLOAT32 = numpy.dtype("float32")
cdef object FLOAT64 = numpy.dtype("float64")

cdef long long MOST_EXACT = 1 << 53  # whole numbers to here are float64 as they are
cdef double WORK_OF_A_CALL = 1e7     # more holds the GIL too long, and no signal is looked for

cdef struct Sample:  # one, as it was given
    const void *x    # (n_1,), of the type `kind`, aligned; NULL: in a list
    int kind
    bint is_row      # as (1, n_1)


cdef class OneSample(Workspace):
    """The memory for one sample. Between its reading and the last use nothing runs that could ask the network again, as
    the collector of garbage might: what is returned is made before."""

    cdef double *numbers  # (n_1,): those of a list

    def __cinit__(self, Plan plan, Py_ssize_t rows, size_t itemsize, size_t extra_bytes):
        self.numbers = <double *> self.reserve(extra_bytes)

    cdef bint read_numbers(self, x) except -1:
        """numbers <- those of a list or a tuple x, as NumPy reads it: whether it makes float64 of them, or whole
        numbers that are the same as float64."""
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
        return True

    cdef new(self, tuple shape, bint is_row):
        """A new array for what is said of a sample, of this shape, with the axis of x in front."""
        return new_array((1, *shape) if is_row else shape,
                         FLOAT32 if self.itemsize == sizeof(float) else FLOAT64)


cdef bint is_vector(const Py_buffer *buffer, Py_ssize_t n) noexcept:
    """Whether it has n numbers, aligned, as (n,) or (1, n)."""
    cdef bint is_row = buffer.ndim == 2 and buffer.shape[0] == 1
    return ((is_row or buffer.ndim == 1) and buffer.shape[buffer.ndim - 1] == n
            and <size_t> buffer.buf % <size_t> buffer.itemsize == 0)


cdef bint is_sample(Sample *sample, x, Py_ssize_t n) except -1:
    """sample <- x, and whether it is one that the core reads as it stands: an array of one of INPUTS, (n,) or (1, n); or
    a list or a tuple, which may be one."""
    cdef Py_buffer given
    cdef bint fits
    sample.x, sample.kind, sample.is_row = NULL, CR_INPUT_float64, False
    if type(x) is list or type(x) is tuple:
        return True
    if type(x) is not ARRAY:
        return False
    try:
        PyObject_GetBuffer(x, &given, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
    except (BufferError, ValueError):
        return False
    sample.x, sample.kind, sample.is_row = given.buf, kind_of(&given), given.ndim == 2
    fits = sample.kind >= 0 and is_vector(&given, n)
    PyBuffer_Release(&given)
    return fits


cdef OneSample one_sample_of(Plan plan, parameters, x, Sample *sample, const void **p):
    """The plan's memory for the sample x, which is the caller's until it gives it back, and where the parameters stand;
    None where x is not as simple as that, where functions in Python take part, and where there is no plan yet."""
    cdef Py_buffer buffer
    cdef OneSample one
    if plan is None or plan.calls_python or not is_sample(sample, x, plan.net.layers[0].n_in) or not cr_is_ready():
        return None
    PyObject_GetBuffer(parameters, &buffer, 0)
    p[0] = buffer.buf
    with cython.critical_section(plan):
        one = <OneSample> plan.one_sample
        plan.one_sample = None
    if one is None:
        one = OneSample(plan, 1, buffer.itemsize, padded(plan.net.layers[0].n_in * sizeof(double)))
    PyBuffer_Release(&buffer)
    return one


cdef inline void give_back(OneSample one) noexcept:
    """Leave it to the plan's next call; without, that makes another."""
    with cython.critical_section(one.plan):
        one.plan.one_sample = one


cdef inline bint read_one(Rows *a, OneSample one, const Sample *sample, const real *precision) noexcept:
    """a <- a^1 of the sample; whether it is finite."""
    cdef const Net *net = &one.plan.net
    cdef Py_ssize_t n_in = net.layers[0].n_in
    a.a, a.sparse, a.coming.rows = sample.x if sample.x else one.numbers, NULL, 0
    if net.scaling or sample.kind != own_kind[real](precision):
        kernels.convert[real](sample.kind, <real *> one.xs[0], a.a, NULL, 1, n_in, net.scaling)
        a.a = one.xs[0]
    return kernels.finite[real](<const real *> a.a, n_in)


cdef inline bint one_forward(OneSample one, const Sample *sample, const real *parameters, real *out) noexcept:
    """out (n_L,) <- what is said of the sample, unless a^1 is not finite."""
    cdef const Net *net = &one.plan.net
    cdef Part one_row = whole(1, 0)
    cdef Rows a
    cdef void *own = one.tape.a[net.depth - 1]
    if not read_one[real](&a, one, sample, out):
        return False
    one.tape.a[net.depth - 1] = out
    equations.feedforward[real](net, parameters, &a, &one_row, one.tape)
    one.tape.a[net.depth - 1] = own
    scale_outputs[real](net, out, 1)
    return True


cdef inline bint are_apart(const char *a, Py_ssize_t a_bytes, const char *b, Py_ssize_t b_bytes) noexcept:
    return a + a_bytes <= b or b + b_bytes <= a


cdef bint can_take(const Py_buffer *out, OneSample one, const Sample *sample, const void *parameters) noexcept:
    """Whether the outputs can be written there: in the network's dtype, shaped as x is, and not over the parameters. Of
    a vector all is read before anything is written."""
    cdef const Net *net = &one.plan.net
    cdef const char *start = <const char *> out.buf
    cdef Py_ssize_t x_bytes = net.layers[0].n_in * cr_input_sizes[sample.kind]
    if kind_of(out) != (CR_INPUT_float32 if one.itemsize == sizeof(float) else CR_INPUT_float64):
        return False
    if not is_vector(out, net.layers[net.depth - 1].n_out) or (out.ndim == 2) != sample.is_row:
        return False
    if not are_apart(start, out.len, <const char *> parameters, net.n_parameters * one.itemsize):
        return False
    return not sample.is_row or are_apart(start, out.len, <const char *> sample.x, x_bytes)


def feedforward_one(Plan plan, parameters, x, out):
    """out, or a new array, (n_L,) or (1, n_L), <- what the network says of one sample x (n_1,) or (1, n_1); None where
    x, or out, is not as simple as `is_sample` has it."""
    cdef Py_buffer result
    cdef Sample sample
    cdef const void *p
    cdef OneSample one
    cdef bint done = False
    if out is not None and type(out) is not ARRAY:
        return None
    one = one_sample_of(plan, parameters, x, &sample, &p)
    if one is None:
        return None
    if out is None:
        out = one.new((plan.net.layers[plan.net.depth - 1].n_out,), sample.is_row)
    try:
        PyObject_GetBuffer(out, &result, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)
    except (BufferError, ValueError):
        return None
    if can_take(&result, one, &sample, p) and (sample.x or one.read_numbers(x)):
        if one.itemsize == sizeof(float):
            done = one_forward[float](one, &sample, <const float *> p, <float *> result.buf)
        else:
            done = one_forward[double](one, &sample, <const double *> p, <double *> result.buf)
    PyBuffer_Release(&result)
    give_back(one)
    return out if done else None


cdef inline bint add_one(double *total, OneSample one, const Sample *sample, const real *parameters,
                         double share) noexcept:
    """total (n_L,) += share times what is said of the sample, unless a^1 is not finite."""
    cdef Py_ssize_t i, last = one.plan.net.depth - 1
    cdef real *said = <real *> one.tape.a[last]
    if not one_forward[real](one, sample, parameters, said):
        return False
    for i in range(one.plan.net.layers[last].n_out):
        total[i] += share * said[i]
    return True


def mean_of_one(tuple nets, const double[::1] shares, x, bint in_float32):
    """A new array (n_L,), or (1, n_L), <- Σ shares_k times what network k says of one sample x, summed in their order
    in float64 and then rounded, if asked; None where `feedforward_one` of any would be. All have as many outputs."""
    cdef Sample sample
    cdef const void *p
    cdef OneSample one
    cdef Plan plan = nets[0]._plan
    cdef Py_ssize_t i, n_out
    cdef double[::1] total
    cdef float[::1] rounded
    cdef bint done = True
    if plan is None:
        return None
    n_out = plan.net.layers[plan.net.depth - 1].n_out
    found = new_array(n_out, FLOAT64)
    total = found
    total[:] = 0
    for i in range(len(nets)):
        net = nets[i]
        one = one_sample_of(net._plan, net._parameters, x, &sample, &p)
        if one is None:
            return None
        if not (sample.x or one.read_numbers(x)):
            done = False
        elif one.itemsize == sizeof(float):
            done = add_one[float](&total[0], one, &sample, <const float *> p, shares[i])
        else:
            done = add_one[double](&total[0], one, &sample, <const double *> p, shares[i])
        give_back(one)
        if not done:
            return None
    if in_float32:
        found = new_array(n_out, FLOAT32)
        rounded = found
        for i in range(n_out):
            rounded[i] = <float> total[i]
    return found[None, :] if sample.is_row else found


cdef inline bint one_jacobian(OneSample one, const Sample *sample, const real *parameters, real *out) noexcept:
    cdef Rows a
    one.done = 0  # so that `pause` never comes to look for a signal
    return (read_one[real](&a, one, sample, out)
            and jacobian_of_rows[real](out, &one.plan.net, parameters, &a, 1, one))


def jacobian_one(Plan plan, parameters, x):
    """A new array (n_L, n_1), or (1, n_L, n_1), <- the derivatives of what is said of x by x, likewise; None also where
    it takes long."""
    cdef Py_buffer result
    cdef Sample sample
    cdef const void *p
    cdef OneSample one = one_sample_of(plan, parameters, x, &sample, &p)
    cdef Py_ssize_t n_in, n_out
    cdef bint done = False
    if one is None:
        return None
    n_in, n_out = plan.net.layers[0].n_in, plan.net.layers[plan.net.depth - 1].n_out
    if n_out * (plan.flops + n_in * WORK_OF_A_NUMBER) > WORK_OF_A_CALL:
        give_back(one)
        return None
    out = one.new((n_out, n_in), sample.is_row)
    PyObject_GetBuffer(out, &result, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)
    if sample.x or one.read_numbers(x):
        if one.itemsize == sizeof(float):
            done = one_jacobian[float](one, &sample, <const float *> p, <float *> result.buf)
        else:
            done = one_jacobian[double](one, &sample, <const double *> p, <double *> result.buf)
    PyBuffer_Release(&result)
    give_back(one)
    return out if done else None
