# Where inputs are sparse, only what is not 0 in them is read, and W^2 stands in stripes of neurons, so that all weights
# that meet one number of a sample lie together. All other parameters stand as ever, after it.

# To copy W^2 there (and back) takes as long as to send so many rows through it as dense ones: while it fits a cache,
# and beyond.
cdef enum:
    FEW_ROWS_TO_READ = 32, FEW_ROWS_FROM_AFAR = 256, BYTES_OF_A_CACHE = 1 << 22


cdef Plan plan_for(Plan plan, Samples *samples, size_t itemsize, Stream stream=None):
    """The plan to go by: a striped one if the samples, or the first batch of a stream, are sparse. Not if they are few,
    or a shift makes them dense, or functions in Python take part, which may look at the parameters at any time, or
    products are of bfloat16, which sparse rows have no kernel for."""
    cdef const Layer *first = &plan.net.layers[0]
    cdef Py_ssize_t few = FEW_ROWS_TO_READ
    if plan.shifts_inputs or plan.calls_python or plan.bfloat16:
        return plan
    if first.n_in * first.n_out * itemsize > BYTES_OF_A_CACHE:
        few = FEW_ROWS_FROM_AFAR
    if stream is None and (samples.begins == NULL or samples.m < few):
        return plan
    if stream is not None and not stream.begins_sparse():
        return plan
    samples.room = 1 if stream is not None else room_of(samples)  # with a stream, batches make room as they come
    return plan.in_stripes(CR_STRIPE_BYTES // itemsize)


cdef void into_stripes(const Net *striped, real *out, const real *parameters) noexcept nogil:
    """out <- the parameters, or what is shaped like them, as a striped plan has them."""
    cdef const Layer *first = &striped.layers[0]
    cdef Py_ssize_t dense = first.n_in * first.n_out, begin = n_weights(first, first.n_out)
    kernels.stripe[real](out, parameters, first.n_out, first.n_in)
    memcpy(out + begin, parameters + dense, (striped.n_parameters - begin) * sizeof(real))


cdef void out_of_stripes(const Net *striped, real *parameters, const real *laid_out) noexcept nogil:
    """The other way round."""
    cdef const Layer *first = &striped.layers[0]
    cdef Py_ssize_t dense = first.n_in * first.n_out, begin = n_weights(first, first.n_out)
    kernels.unstripe[real](parameters, laid_out, first.n_out, first.n_in)
    memcpy(parameters + dense, laid_out + begin, (striped.n_parameters - begin) * sizeof(real))


cdef enum:  # the vectors that have the layout of the parameters
    PARAMETERS, STATE_S, STATE_T, AVERAGE, VECTORS

cdef struct Layouts:        # what a user sees as he knows it, and training goes on with as the plan has it
    const Net *net
    bint single             # float32
    void *given[VECTORS]    # NULL: there is none
    void *laid_out[VECTORS]


cdef void show(const Layouts *layouts) noexcept nogil:
    """given <- what training has come to."""
    cdef int i
    for i in range(VECTORS):
        if layouts.given[i] and layouts.single:
            out_of_stripes[float](layouts.net, <float *> layouts.given[i], <float *> layouts.laid_out[i])
        elif layouts.given[i]:
            out_of_stripes[double](layouts.net, <double *> layouts.given[i], <double *> layouts.laid_out[i])


cdef void take_in(const Layouts *layouts) noexcept nogil:
    """What training goes on with <- given, which the user may have changed."""
    cdef int i
    for i in range(VECTORS):
        if layouts.given[i] and layouts.single:
            into_stripes[float](layouts.net, <float *> layouts.laid_out[i], <float *> layouts.given[i])
        elif layouts.given[i]:
            into_stripes[double](layouts.net, <double *> layouts.laid_out[i], <double *> layouts.given[i])


cdef const real *parameters_for(Plan plan, const real[::1] parameters, Workspace work) except NULL:
    """The parameters as the plan has them, in `work` where that is another way than theirs."""
    cdef real *out
    if plan.net.layers[0].stripe == 1:
        return &parameters[0]
    out = <real *> work.reserve(plan.n_parameters * sizeof(real))
    into_stripes[real](&plan.net, out, &parameters[0])
    return out


cdef size_t bytes_for_parameters(Plan plan, size_t itemsize):
    """What that takes."""
    return 0 if plan.net.layers[0].stripe == 1 else plan.n_parameters * itemsize + 64
