# What can be asked of a network without changing it.

cdef inline double cost_of_rows(const Net *net, const Samples *samples, Py_ssize_t start, const real *z, const real *a,
                                const real *y, Py_ssize_t m, Workspace work) noexcept nogil:
    """The sum of the costs of the m samples from `start` on, each times its weight."""
    cdef Py_ssize_t i, n_out = net.layers[net.depth - 1].n_out
    cdef double cost, total = 0
    if net.cost == OF_THE_USER:
        user_costs(<void *> work, work.costs, a, y, m)
    elif not samples.weights:
        return cost_sum[real](net.cost, z, a, y, m, n_out, net.cost_parameters)
    for i in range(m):
        if net.cost == OF_THE_USER:
            cost = work.costs[i]
        else:
            cost = cost_sum[real](net.cost, z + i * n_out, a + i * n_out, y + i * n_out, 1, n_out, net.cost_parameters)
        total += cost * weight[real](samples, start + i, y) if samples.weights else cost
    return total


cdef inline const real *forward_tile(const Net *net, const real *parameters, const Samples *samples, Py_ssize_t start,
                                     Py_ssize_t m, Workspace work, Rows *x, double *cost) noexcept nogil:
    """Feed the m rows from `start` on forward and add their costs to `cost`. x <- their inputs; returns their targets."""
    cdef Py_ssize_t last = net.depth - 1
    cdef const real *y = targets[real](samples, start, m, net, <real *> work.y)
    x[0] = inputs[real](samples, start, m, net.layers[0].n_in, <real *> work.x)
    forward[real](net, parameters, x, m, &work.tape)
    cost[0] += cost_of_rows[real](net, samples, start, <const real *> work.tape.z[last], <const real *> work.tape.a[last],
                                  y, m, work)
    return y


def gradient(Plan plan, const real[::1] parameters, const real[:, ::1] X, const real[:, ::1] Y,
             const int32_t[::1] labels, real[::1] nabla):
    """nabla (n_parameters,) <- the mean gradient over the m samples; returns their mean cost."""
    cdef Samples samples = samples_of[real](X, Y, labels, None)
    cdef Net *net = &plan.net
    cdef Workspace work = Workspace(plan, min(samples.m, plan.tile), sizeof(real))
    cdef Py_ssize_t start = 0, m
    cdef double cost = 0, carried = 0
    cdef const real *p = &parameters[0]
    cdef Rows x
    cdef const real *y
    with nogil:
        while start < samples.m and not work.pause(plan.tile * plan.flops):
            m = min(samples.m - start, plan.tile)
            y = forward_tile[real](net, p, &samples, start, m, work, &x, &cost)
            backward[real](net, p, y, m, &work.tape)
            add_gradient[real](&nabla[0], net, &x, m, &work.tape, 1.0 / samples.m, carried, carried)
            carried = 1
            start += m
    work.reraise()
    return cost / samples.m


cdef double total_cost(const Net *net, const real *parameters, const Samples *samples, Workspace work,
                       double sample_work, double *correct) noexcept nogil:
    """The sum of the costs of all samples. correct, if wanted, counts those whose largest output is where their target
    is largest. Each counts by its weight. After a signal that raised, what is returned has no meaning."""
    cdef Py_ssize_t i, start = 0, m, last = net.depth - 1, n_out = net.layers[last].n_out
    cdef const real *a = <const real *> work.tape.a[last]
    cdef double cost = 0
    cdef Rows x
    cdef const real *y
    while start < samples.m and not work.pause(net.tile * sample_work):
        m = min(samples.m - start, net.tile)
        y = forward_tile[real](net, parameters, samples, start, m, work, &x, &cost)
        if correct and not samples.weights:
            correct[0] += agreements[real](a, y, m, n_out, net.low)
        elif correct:
            for i in range(m):
                correct[0] += weight[real](samples, start + i, y) * agreements[real](
                    a + i * n_out, y + i * n_out, 1, n_out, net.low)
        start += m
    return cost


def evaluate(Plan plan, const real[::1] parameters, const real[:, ::1] X, const real[:, ::1] Y,
             const int32_t[::1] labels, const real[::1] weights=None):
    """The mean cost of the m samples; how many of them have their largest output where their target is largest; and of
    how many. Each counts by its weight, 1 without weights."""
    cdef Samples samples = samples_of[real](X, Y, labels, None, weights)
    cdef Workspace work = Workspace(plan, min(samples.m, plan.tile), sizeof(real))
    cdef double cost, correct = 0, total = total_weight[real](&samples, 0, samples.m, &parameters[0])
    with nogil:
        cost = total_cost[real](&plan.net, &parameters[0], &samples, work, plan.flops, &correct)
    work.reraise()
    return cost / total, correct, total


def feedforward(Plan plan, const real[::1] parameters, const real[:, ::1] X, real[:, ::1] out):
    """out (m, n_L) <- a^L of each row of X (m, n_1)."""
    cdef Py_ssize_t start = 0, m, n_out = out.shape[1], rows = X.shape[0]
    cdef Workspace work = Workspace(plan, min(rows, plan.tile), sizeof(real))
    cdef Rows x
    x.coming = 0
    with nogil:
        while start < rows and not work.pause(plan.tile * plan.flops):
            m = min(rows - start, plan.tile)
            x.a = &X[start, 0]
            work.tape.a[plan.net.depth - 1] = &out[start, 0]
            forward[real](&plan.net, &parameters[0], &x, m, &work.tape)
            start += m
    work.reraise()


def trace(Plan plan, const real[::1] parameters, const real[:, ::1] X, const real[:, ::1] Y,
          const int32_t[::1] labels, list z, list a, list delta):
    """z[i], a[i], delta[i] (m, n_l) <- what a forward and a backward pass leave at layer l = i + 2, for every sample."""
    cdef Samples samples = samples_of[real](X, Y, labels, None)
    cdef Net *net = &plan.net
    cdef Workspace work = Workspace(plan, min(samples.m, plan.tile), sizeof(real))
    cdef Py_ssize_t i, start = 0, m
    cdef const real *y
    cdef const real *p = &parameters[0]
    cdef real[:, ::1] view
    cdef Rows x
    while start < samples.m:
        m = min(samples.m - start, plan.tile)
        for i in range(net.depth):
            view = z[i]
            work.tape.z[i] = &view[start, 0]
            view = a[i]
            work.tape.a[i] = &view[start, 0]
            view = delta[i]
            work.tape.delta[i] = &view[start, 0]
        with nogil:
            x = inputs[real](&samples, start, m, net.layers[0].n_in, <real *> work.x)
            y = targets[real](&samples, start, m, net, <real *> work.y)
            forward[real](net, p, &x, m, &work.tape)
            backward[real](net, p, y, m, &work.tape)
        start += m
        work.reraise()
        PyErr_CheckSignals()
