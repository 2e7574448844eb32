# Activations and costs that are Python objects of the user's: called with arrays over the memory of the call. An
# exception is kept there; what was to be computed becomes NaN, so that the pass ends as one that diverges does.

cdef void give_up(Memory work, error, void *out, size_t bytes) noexcept:
    if work.error is None:
        work.error = error
    memset(out, 0xFF, bytes)


cdef shaped(str what, result, tuple shape):
    """`result` if it is an array of the shape, else an error that says `what` must return one."""
    got = getattr(result, "shape", None)
    if got != shape:
        raise ValueError(f"{what} must return an array of shape {shape}; got "
                         f"{'shape ' + str(got) if got is not None else type(result).__name__}")
    return result


cdef void user_activate(void *context, Py_ssize_t i, void *a, const void *z, Py_ssize_t m) noexcept nogil:
    cdef Py_ssize_t n
    with gil:
        work = <Memory> context
        n = work.plan.net.layers[i].n_out
        try:
            value = work.plan.user_activations[i].value(work.view(z, m, n, True))
            work.view(a, m, n, False)[...] = shaped("value(z) of an activation", value, (m, n))
        except BaseException as error:
            give_up(work, error, a, m * n * work.itemsize)


cdef void user_slope(void *context, Py_ssize_t i, void *delta, const void *z, const void *a,
                     Py_ssize_t m) noexcept nogil:
    cdef Py_ssize_t n
    with gil:
        work = <Memory> context
        n = work.plan.net.layers[i].n_out
        try:
            slope = work.plan.user_activations[i].slope(work.view(z, m, n, True), work.view(a, m, n, True))
            view = work.view(delta, m, n, False)
            view *= shaped("slope(z, a) of an activation", slope, (m, n))
        except BaseException as error:
            give_up(work, error, delta, m * n * work.itemsize)


cdef void user_costs(void *context, double *costs, const void *a, const void *y, Py_ssize_t m) noexcept nogil:
    cdef Py_ssize_t n
    with gil:
        work = <Memory> context
        n = work.plan.net.layers[work.plan.net.depth - 1].n_out
        try:
            value = work.plan.user_cost.value(work.view(a, m, n, True), work.view(y, m, n, True))
            work.costs_view(m)[...] = shaped("value(a, y) of a cost", value, (m,))
        except BaseException as error:
            give_up(work, error, costs, m * sizeof(double))


cdef void user_delta(void *context, void *delta, const void *z, const void *a, const void *y,
                     Py_ssize_t m) noexcept nogil:
    cdef Py_ssize_t n
    with gil:
        work = <Memory> context
        n = work.plan.net.layers[work.plan.net.depth - 1].n_out
        try:
            value = work.plan.user_cost.delta(work.view(z, m, n, True), work.view(a, m, n, True),
                                              work.view(y, m, n, True))
            work.view(delta, m, n, False)[...] = shaped("delta(z, a, y) of a cost", value, (m, n))
        except BaseException as error:
            give_up(work, error, delta, m * n * work.itemsize)
