# Activations and costs that are Python objects of the user's: called with arrays over the workspace. An exception is kept in
# the workspace; what was to be computed becomes NaN, so that the pass ends as one that diverges does.

cdef void give_up(Workspace work, error, void *out, size_t bytes) noexcept:
    if work.error is None:
        work.error = error
    memset(out, 0xFF, bytes)


cdef void user_activate(void *context, Py_ssize_t i, void *a, const void *z, Py_ssize_t m) noexcept nogil:
    cdef Py_ssize_t n
    with gil:
        work = <Workspace> context
        n = work.plan.net.layers[i].n_out
        try:
            work.view(a, m, n)[...] = work.plan.user_activations[i].value(work.view(z, m, n))
        except BaseException as error:
            give_up(work, error, a, m * n * work.itemsize)


cdef void user_slope(void *context, Py_ssize_t i, void *delta, const void *z, const void *a, Py_ssize_t m) noexcept nogil:
    cdef Py_ssize_t n
    with gil:
        work = <Workspace> context
        n = work.plan.net.layers[i].n_out
        try:
            view = work.view(delta, m, n)
            view *= work.plan.user_activations[i].slope(work.view(z, m, n), work.view(a, m, n))
        except BaseException as error:
            give_up(work, error, delta, m * n * work.itemsize)


cdef double sum_of(costs, Py_ssize_t m) except *:
    """The sum of the costs of m samples, an array (m,)."""
    cdef const float[:] single
    cdef const double[:] wide
    cdef double total = 0
    cdef Py_ssize_t i
    shape = getattr(costs, "shape", None)
    if shape != (m,):
        raise ValueError(f"value(a, y) of a cost must return the cost of each of the {m} samples, ({m},); got "
                         f"{'shape ' + str(shape) if shape is not None else type(costs).__name__}")
    if costs.dtype.char == "f":
        single = costs
        for i in range(m):
            total += single[i]
    else:
        wide = costs.astype("f8", copy=False)
        for i in range(m):
            total += wide[i]
    return total


cdef double user_cost(void *context, const void *a, const void *y, Py_ssize_t m) noexcept nogil:
    cdef Py_ssize_t n
    with gil:
        work = <Workspace> context
        n = work.plan.net.layers[work.plan.net.depth - 1].n_out
        try:
            return sum_of(work.plan.user_cost.value(work.view(a, m, n), work.view(y, m, n)), m)
        except BaseException as error:
            if work.error is None:
                work.error = error
    return NAN


cdef void user_delta(void *context, void *delta, const void *z, const void *a, const void *y, Py_ssize_t m) noexcept nogil:
    cdef Py_ssize_t n
    with gil:
        work = <Workspace> context
        n = work.plan.net.layers[work.plan.net.depth - 1].n_out
        try:
            work.view(delta, m, n)[...] = work.plan.user_cost.delta(
                work.view(z, m, n), work.view(a, m, n), work.view(y, m, n))
        except BaseException as error:
            give_up(work, error, delta, m * n * work.itemsize)
