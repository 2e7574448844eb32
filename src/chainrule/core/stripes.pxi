# Where inputs are sparse, only what is not 0 in them is read, and W^2 stands in stripes of neurons, so that all weights that
# meet one number of a sample lie together. All other parameters stand as ever, after it.

cdef enum:
    FEW_ROWS_TO_READ = 32  # as long as it takes to copy W^2 there (and back), so many rows go through it as dense ones


cdef Plan plan_for(Plan plan, Samples *samples, size_t itemsize, Stream stream=None):
    """The plan to go by: a striped one if the samples, or the first batch of a stream, are sparse; not if they are few, or
    a shift makes them dense."""
    cdef bint sparse = (samples.begins != NULL and samples.m >= FEW_ROWS_TO_READ if stream is None
                        else stream.begins_sparse())
    if plan.shifts_inputs or not sparse:
        return plan
    samples.room = ((longest_row(samples) if stream is None else plan.net.layers[0].n_in) + MOST_SPARSE_SUMS + 15) // 16 * 16
    if plan.striped is None or plan.striped.net.layers[0].stripe != CR_STRIPE_BYTES // itemsize:
        plan.striped = Plan(*plan.arguments, CR_STRIPE_BYTES // itemsize)
    return plan.striped


cdef Py_ssize_t longest_row(const Samples *samples) noexcept nogil:
    """The most numbers that a row has, or 1."""
    cdef Py_ssize_t i
    cdef int64_t most = 1
    for i in range(samples.rows):
        most = max(most, samples.begins[i + 1] - samples.begins[i])
    return most


cdef void into_stripes(Plan striped, real *out, const real *parameters) noexcept nogil:
    """out <- the parameters, or what is shaped like them, as the striped plan has them."""
    cdef const Layer *first = &striped.net.layers[0]
    cdef Py_ssize_t dense = first.n_in * first.n_out, begin = n_weights(first, first.n_out)
    stripe[real](out, parameters, first.n_out, first.n_in)
    memcpy(out + begin, parameters + dense, (striped.n_parameters - begin) * sizeof(real))


cdef void out_of_stripes(Plan striped, real *parameters, const real *laid_out) noexcept nogil:
    cdef const Layer *first = &striped.net.layers[0]
    cdef Py_ssize_t dense = first.n_in * first.n_out, begin = n_weights(first, first.n_out)
    unstripe[real](parameters, laid_out, first.n_out, first.n_in)
    memcpy(parameters + dense, laid_out + begin, (striped.n_parameters - begin) * sizeof(real))


cdef const real *parameters_for(Plan plan, const real[::1] parameters, Workspace work) except NULL:
    """The parameters as the plan has them, in `work` where that is another way than theirs."""
    cdef real *out
    if plan.net.layers[0].stripe == 1:
        return &parameters[0]
    out = <real *> work.reserve(plan.n_parameters * sizeof(real))
    into_stripes[real](plan, out, &parameters[0])
    return out


cdef size_t bytes_for_parameters(Plan plan, size_t itemsize):
    """What that takes."""
    return 0 if plan.net.layers[0].stripe == 1 else plan.n_parameters * itemsize + 64
